"""HPSv2's scores by style (tgxs002/HPSv2@866735e, ``hpsv2/evaluation.py``): ``{STYLE: [score, …]}`` as JSON.

The script prints means alone, and standard deviations over tens of 80, of which no interval over prompts can be made:
what is read is the dictionary that it makes them of, ``score[model_id]``, or that of all models. Its average is over
all images, as here. ``hpsv2.evaluate`` has 100 times the cosine, ``hpsv2.score`` the cosine itself, which is told
from the values and taken 100 times. v2.0 and v2.1 are two networks, and two metrics.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vtbench.core.errors import UsageError
from vtbench.core.outside.parsing import read_text
from vtbench.run.judging.collecting import Collected
from vtbench.run.judging.lines import MISSING, finite, parsed
from vtbench.run.judging.source import Brought, Format, Source

STYLES = ("anime", "concept-art", "paintings", "photo")
_A_STYLE = 800


def read(source: Source) -> Brought:
    """One file, or several of some styles each."""
    found, notes = Collected(), []
    for path in source.paths:
        content = parsed(read_text(path), str(path))
        scores = _of_model(content, path, source)
        values = {
            style: [_number(v, style, place, path) for place, v in enumerate(own)] for style, own in scores.items()
        }
        cosines = all(abs(v) <= 1 for own in values.values() for v in own if v == v)
        if cosines:
            notes.append(f"{path.name} holds cosines, as hpsv2.score gives them: taken 100 times")
        for style, own in values.items():
            for place, value in enumerate(own):
                prompt = f"{style}/{place:05d}"
                scaled = 100.0 * value if cosines else value
                found.add(prompt, prompt, {"hpsv2": scaled}, f"{path}: {prompt}", {"style": style})
    expected = {"hpsv2": _A_STYLE * len(STYLES)}
    return Brought(
        found=found, metrics=("hpsv2",), fields=("style",), expected=expected, notes=notes, files=source.paths
    )


def _of_model(content: Any, path: Path, source: Source) -> Mapping[str, list[Any]]:
    if isinstance(content, dict) and content and all(isinstance(value, dict) for value in content.values()):
        wanted = source.column or source.model
        if wanted not in content and len(content) > 1:
            raise UsageError(f"{path} is of the models {', '.join(map(str, content))}", "say which: --column NAME")
        content = content.get(wanted, next(iter(content.values())))
    if not isinstance(content, dict) or not content or not all(isinstance(value, list) for value in content.values()):
        raise UsageError(f"{path} holds no lists of scores by style", 'it should be {"anime": [27.5, …], …}')
    strange = [style for style in content if style not in STYLES]
    if strange:
        raise UsageError(f"{path}: {strange[0]!r:.40} is no style of HPSv2", f"they are {', '.join(STYLES)}")
    return content


def _number(value: Any, style: str, place: int, path: Path) -> float:
    if value is None:
        return MISSING
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UsageError(f"{path}: {style} {place} is {value!r:.40}, not a number", "is it a file of HPSv2's scores?")
    return finite(value)


FORMAT = Format(
    name="hpsv2",
    summary="Human Preference Score v2 over its benchmark: four styles of 800 prompts.",
    files="JSON, scores of each style in order; missing images as null",
    read=read,
    source="tgxs002/HPSv2@866735e",
    per_prompt=1,
    known_judges=("v2.0", "v2.1"),
)
