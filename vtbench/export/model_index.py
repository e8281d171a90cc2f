"""The ``model-index`` of a model card, merged and put back without touching another byte of the card.

A card's metadata, read and written whole, would lose comments and turn ``no`` (Norwegian) into ``false``. So the lines
of the index alone are replaced, and what the metadata say otherwise is compared before anything is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from vtbench.core.errors import UsageError
from vtbench.core.outside.parsing import boundary

KEY = "model-index"
Index = list[dict[str, Any]]
_HINT = "mend the block between the two lines of --- at its head, or give another --dest"


def merged(held: Index, fresh: Index, keep_name: bool) -> Index:
    """The index with new results in it.

    Args:
        held: what the card has; maybe nothing.
        fresh: one model with its results, as huggingface_hub lays them out.
        keep_name: use the name of the card's model, where it has exactly one.
    """
    (model,) = fresh
    name = held[0]["name"] if keep_name and len(held) == 1 else model["name"]
    if not any(entry["name"] == name for entry in held):
        return [*held, {**model, "name": name}]
    return [
        {**entry, "results": _with_results(entry["results"], model["results"])} if entry["name"] == name else entry
        for entry in held
    ]


def with_index(text: str, change: Callable[[Index], Index], path: Path) -> str:
    """A card's text with ``change(its index)`` in place of its index.

    Args:
        text: of the whole card; empty for a new one.
        change: given an empty list where the card has no index.
        path: for messages.

    Raises:
        UsageError: the metadata are not YAML, are no mapping of lines, or have an index of another form.
    """
    from huggingface_hub.repocard import REGEX_YAML_BLOCK

    newline = "\r\n" if "\r\n" in text else "\n"
    found = REGEX_YAML_BLOCK.search(text)
    if found is None:
        block = _yaml(change([]), newline)
        return f"---{newline}{block}---{newline}{newline if text else ''}{text}"
    with boundary(f"{path} has no metadata that can be read", _HINT, UsageError):
        block = found[2]
        before = yaml.safe_load(block) or {}
        start, end = _lines_of_index(block)
    index = change(_index_of(before, path))
    if index == before.get(KEY):
        return text
    told = _yaml(index, newline).rstrip("\r\n")
    head, tail = block[:start], block[end:]
    joined = f"{head}{newline if head and not head.endswith(newline) else ''}{told}{tail}"
    _require_same_rest(before, joined, path)
    return text[: found.start(2)] + joined + text[found.end(2) :]


def _with_results(held: list[dict[str, Any]], fresh: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """New results take the place of those with their task, data and protocol; metrics that they lack stay."""
    known = {_identity(result): result for result in fresh}
    kept = []
    for result in held:
        new = known.pop(_identity(result), None)
        if new is None:
            kept.append(result)
            continue
        names = {metric["type"] for metric in new["metrics"]}
        others = [metric for metric in result.get("metrics") or [] if metric.get("type") not in names]
        kept.append({**result, **new, "metrics": [*new["metrics"], *others]})
    return [*kept, *known.values()]


def _yaml(index: Index, newline: str) -> str:
    return yaml.safe_dump({KEY: index}, allow_unicode=True, sort_keys=False, line_break=newline)


def _identity(result: Mapping[str, Any]) -> tuple[Any, ...]:
    """As huggingface_hub groups results."""
    data = result.get("dataset") or {}
    return (result.get("task") or {}).get("type"), *(data.get(name) for name in ("type", "config", "split", "revision"))


def _lines_of_index(block: str) -> tuple[int, int]:
    """Where the index begins and ends; both the end of the block where there is none."""
    node = yaml.compose(block, Loader=yaml.SafeLoader)
    if node is None:
        return len(block), len(block)
    if not isinstance(node, yaml.MappingNode) or node.flow_style:
        raise ValueError("they are not lines of NAME: VALUE")
    for key, value in node.value:
        if key.value == KEY:
            start, end = key.start_mark.index, value.end_mark.index
            return start, start + len(_without_trailing_comments(block[start:end]))
    return len(block), len(block)


def _without_trailing_comments(lines: str) -> str:
    """Without blank lines and comments at the end, which belong to what follows, nor the last line's break."""
    kept = lines.splitlines(keepends=True)
    while kept and (not kept[-1].strip() or kept[-1].lstrip().startswith("#")):
        kept.pop()
    return "".join(kept).rstrip("\r\n")


def _index_of(metadata: Any, path: Path) -> Index:
    held = metadata.get(KEY) if isinstance(metadata, dict) else None
    if held is None:
        return []
    fits = isinstance(held, list) and all(
        isinstance(entry, dict)
        and isinstance(entry.get("name"), str)
        and isinstance(entry.get("results"), list)
        and all(isinstance(result, dict) for result in entry["results"])
        for entry in held
    )
    if not fits:
        raise UsageError(f"{path} has a model-index of another form than the Hub's", _HINT)
    return cast(Index, held)


def _require_same_rest(before: dict[str, Any], block: str, path: Path) -> None:
    """An anchor inside the old index may be what something else refers to."""
    with boundary(f"{path} cannot be changed without changing the rest of its metadata", _HINT, UsageError):
        after = yaml.safe_load(block)
        if {**before, KEY: None} != {**after, KEY: None}:
            raise ValueError("another entry would change")
