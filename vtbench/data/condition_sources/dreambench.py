"""``dreambench``: DreamBench's folder of subjects and its ``prompts_and_classes.txt`` (Ruiz et al. 2023, DreamBooth).

``dataset/dog/00.jpg`` …, and a text that lists the class of each subject, then 25 prompts of objects and 25 of live
subjects, as lines of Python: ``'a {0} {1} in the snow'.format(unique_token, class_token),``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from vtbench.core.contracts import Condition
from vtbench.core.digests import digest_file
from vtbench.core.disk.files import user_path
from vtbench.core.errors import UsageError
from vtbench.core.outside.parsing import read_text
from vtbench.data.condition_files import FileImage
from vtbench.data.conditions import ConditionSample, ConditionSet

LISTING = "prompts_and_classes.txt"
LIVE = ("cat", "dog")
"""Classes of live subjects, which have prompts of their own."""
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
_CLASS = re.compile(r"^([A-Za-z0-9_]+),([A-Za-z ]+)$", re.MULTILINE)
_PROMPT = re.compile(r"'([^'\n]*\{1\}[^'\n]*)'\s*\.format\(")


class DreamBench:
    """A condition a subject and prompt, ``dog/prompt_00`` to ``dog/prompt_24``; or one a subject, ``dog/class``.

    Images: all photographs of the subject, as ``subject``. Beside: ``subject``, ``class``, ``live``, and as
    ``target_prompt`` the prompt without a token, which says what CLIP compares with.

    Args:
        path: folder of the subjects and the text.
        token: the word that a generator was taught the subject by, put before the class; none unless given.
        ask: ``prompts``; or ``class``: a photograph of the plain class, for what is left of the prior.
        subjects: names of some of them; all unless given.

    Raises:
        UsageError: no such folder, a text that is not this, or a subject without photographs.
    """

    def __init__(
        self,
        path: str | Path,
        token: str = "",
        ask: Literal["prompts", "class"] = "prompts",
        subjects: list[str] | None = None,
    ) -> None:
        folder = user_path(path)
        listing = folder / LISTING
        if not listing.is_file():
            raise UsageError(f"{folder} has no {LISTING}", "give DreamBench's folder dataset/")
        classes, of_objects, of_live = _read(listing)
        names = list(classes) if subjects is None else subjects
        if strange := [name for name in names if name not in classes]:
            raise UsageError(f"{listing} knows no subject {strange[0]}", f"known: {', '.join(classes)}")
        samples = []
        for name in names:
            photographs = _photographs(folder / name)
            kind = classes[name]
            live = kind in LIVE
            prompts = of_live if live else of_objects
            asked = [f"prompt_{number:02d}" for number in range(len(prompts))] if ask == "prompts" else ["class"]
            texts = prompts if ask == "prompts" else ["a {1}"]
            for called, text in zip(asked, texts, strict=True):
                plain = _filled(text, "", kind)
                told = {"subject": name, "class": kind, "live": live, "target_prompt": plain}
                prompt = _filled(text, token, kind) if ask == "prompts" else plain
                images = {"subject": photographs}
                samples.append(
                    ConditionSample(f"{name}/{called}", Condition(prompt=prompt, metadata=told, images=images))
                )
        described = {"of": "dreambench", "sha256": digest_file(listing), "ask": ask, "count": len(samples)}
        self.conditions = ConditionSet(samples, described)


def _read(listing: Path) -> tuple[dict[str, str], list[str], list[str]]:
    """Class by subject, prompts of objects, prompts of live subjects."""
    text = read_text(listing)
    told, _, prompts = text.partition("Prompts")
    classes = {name: kind.strip() for name, kind in _CLASS.findall(told) if name != "subject_name"}
    objects, _, live = prompts.partition("Live Subject Prompts")
    found = _PROMPT.findall(objects), _PROMPT.findall(live)
    if not classes or not all(found):
        raise UsageError(f"{listing} lists no classes, or no prompts of objects and of live subjects")
    return classes, *found


def _filled(text: str, token: str, kind: str) -> str:
    return " ".join(text.replace("{0}", token).replace("{1}", kind).split())


def _photographs(folder: Path) -> list[FileImage]:
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES) if folder.is_dir() else []
    if not files:
        raise UsageError(f"{folder} holds no photographs")
    return [FileImage(file, f"{folder.name}/{file.name}") for file in files]
