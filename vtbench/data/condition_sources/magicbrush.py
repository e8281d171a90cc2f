"""``magicbrush``: the folder of a split of MagicBrush (Zhang et al. 2023), with ``edit_sessions.json`` and ``images/``.

A session is a list of edits of one picture, each with an input, an output and an instruction:
``images/139306/139306-input.png``, ``139306-output1.png`` … Captions of outputs are in ``global_descriptions.json``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from vtbench.core.contracts import Condition
from vtbench.core.digests import digest_file
from vtbench.core.disk.files import user_path
from vtbench.core.errors import UsageError
from vtbench.core.outside.parsing import parse_json, read_text
from vtbench.data.condition_files import ImagesBelow
from vtbench.data.conditions import ConditionSample, ConditionSet

SESSIONS, IMAGES = "edit_sessions.json", "images"
CAPTIONS = ("global_descriptions.json", "global_description.json")
_PARTS = ("input", "output", "instruction")


class MagicBrush:
    """Conditions called as the authors' script names results: ``ID/ID_1``, ``ID/ID_inde_2``, ``ID/ID_iter_3``.

    Images: ``source`` and ``truth``. Beside: ``session``, ``turn``, ``turns``, and ``source_prompt`` and
    ``target_prompt`` where there are captions.

    Args:
        path: folder of a split.
        turns: ``single``: every edit by itself, from the picture that people had before it. ``multi``: the last edit of
            each session, from its first picture; the prompt is all its instructions in a row, for a generator that
            takes them at once. One that edits turn by turn is run by its own code, and its ``…_iter_k.png`` matched.
        captions: file of captions; found in the folder or above it unless given.

    Raises:
        UsageError: no such folder, or files that are not these.
    """

    def __init__(
        self, path: str | Path, turns: Literal["single", "multi"] = "single", captions: str | None = None
    ) -> None:
        folder = user_path(path)
        file = folder / SESSIONS
        if not file.is_file():
            raise UsageError(f"{folder} has no {SESSIONS}", f"give the folder with {SESSIONS} and {IMAGES}/")
        sessions = parse_json(read_text(file), str(file), kind=UsageError)
        if not isinstance(sessions, dict) or not sessions:
            raise UsageError(f"{file} is no JSON object of sessions")
        said_in = _captions_file(folder, captions)
        said = {} if said_in is None else parse_json(read_text(said_in), str(said_in), kind=UsageError)
        images = ImagesBelow(folder / IMAGES)
        samples = [
            made
            for name, edits in sessions.items()
            for made in _of_session(f"{file}: {name}", name, edits, _said_of(said, name), images, turns)
        ]
        described = {"of": "magicbrush", "sha256": digest_file(file), "turns": turns, "count": len(samples)}
        self.conditions = ConditionSet(samples, described)
        self.notes: tuple[str, ...] = () if said_in else ("no captions are there: CLIP against text says nothing",)


def _of_session(
    where: str, name: str, edits: Any, said: dict[str, Any], images: ImagesBelow, turns: str
) -> list[ConditionSample]:
    if not isinstance(edits, list) or not edits:
        raise UsageError(f"{where} is no list of edits")
    for edit in edits:
        if not isinstance(edit, dict) or not all(isinstance(edit.get(part), str) for part in _PARTS):
            raise UsageError(f"{where}: an edit lacks one of {', '.join(_PARTS)}")
    if turns == "single":
        spans = [(number, edit, edit, edit["instruction"]) for number, edit in enumerate(edits, 1)]
    else:
        spans = [(len(edits), edits[0], edits[-1], " ".join(_sentence(edit["instruction"]) for edit in edits))]
    word = "inde" if turns == "single" else "iter"
    found = []
    for number, first, last, instruction in spans:
        called = f"{name}/{name}_1" if number == 1 else f"{name}/{name}_{word}_{number}"
        held = images.named(where, {"source": f"{name}/{first['input']}", "truth": f"{name}/{last['output']}"})
        captions = {"source_prompt": said.get(first["input"]), "target_prompt": said.get(last["output"])}
        told = {"session": name, "turn": number, "turns": len(edits), "instruction": instruction}
        told |= {key: text for key, text in captions.items() if isinstance(text, str)}
        found.append(ConditionSample(called, Condition(prompt=instruction, metadata=told, images=held)))
    return found


def _sentence(text: str) -> str:
    return text if text.rstrip().endswith((".", "!", "?")) else f"{text.rstrip()}."


def _captions_file(folder: Path, named: str | None) -> Path | None:
    if named is not None:
        file = user_path(named)
        if not file.is_file():
            raise UsageError(f"no file of captions {file}")
        return file
    places = [place / name for place in (folder, folder.parent) for name in CAPTIONS]
    return next((file for file in places if file.is_file()), None)


def _said_of(said: Any, name: str) -> dict[str, Any]:
    """Captions of a session by file name: one object a session, or all of them in one."""
    if not isinstance(said, dict):
        raise UsageError("captions are no JSON object", 'as {"139306": {"139306-output1.png": "…"}}')
    of_session = said.get(name, said)
    return of_session if isinstance(of_session, dict) else {}
