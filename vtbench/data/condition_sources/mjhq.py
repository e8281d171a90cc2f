"""``mjhq``: the prompts of MJHQ-30K, from its ``meta_data.json``."""

from __future__ import annotations

from pathlib import Path

from vtbench.core.contracts import Condition
from vtbench.core.digests import digest_file
from vtbench.core.disk.files import user_path
from vtbench.core.errors import UsageError
from vtbench.core.outside.parsing import read_json
from vtbench.data.conditions import ConditionSample, ConditionSet


class Mjhq:
    """One image a prompt, named as the photograph-like image that it was written for: ``CATEGORY/ID``.

    Args:
        path: ``meta_data.json`` of playgroundai/MJHQ-30K, ``{id: {"category": …, "prompt": …}}``, in its order; or the
            folder that holds it.

    Raises:
        UsageError: no such file, or an entry without a category or a prompt.
    """

    def __init__(self, path: Path) -> None:
        file = user_path(path)
        file = file / "meta_data.json" if file.is_dir() else file
        if not file.is_file():
            raise UsageError(f"no file {file}", "give meta_data.json of playgroundai/MJHQ-30K, or its folder")
        entries = read_json(file, UsageError)
        if not isinstance(entries, dict) or not entries:
            raise UsageError(f"{file} holds no entries by id", 'as {"0001…": {"category": "animals", "prompt": …}}')
        samples = [_sample(str(name), entry, file) for name, entry in entries.items()]
        told = {"of": "prompts", "file": file.name, "sha256": digest_file(file), "count": len(samples)}
        self.conditions = ConditionSet(samples, told)


def _sample(name: str, entry: object, file: Path) -> ConditionSample:
    told = entry if isinstance(entry, dict) else {}
    category, prompt = told.get("category"), told.get("prompt")
    if not (isinstance(category, str) and category and isinstance(prompt, str) and prompt.strip()):
        raise UsageError(f"{file}: {name} has no category or no prompt", 'as {"category": "animals", "prompt": …}')
    return ConditionSample(f"{category}/{name}", Condition(prompt=prompt, metadata={"category": category}))
