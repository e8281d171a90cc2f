"""What the images of a generation task are made from: class labels, prompts or nothing, in a fixed order."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vtbench.core.contracts import Condition
from vtbench.core.digests import canonical_json, digest_file, digest_json
from vtbench.core.disk.files import user_path
from vtbench.core.errors import UsageError
from vtbench.core.outside.parsing import parse_json, read_text

_COPY = re.compile(r"(.+)-s(\d{2,})")
_OF_FILES = ("file", "images")
"""Where files lie says nothing of what is asked for; images count by their content."""


@dataclass(frozen=True)
class ConditionSample:
    """One image to be made: a stable unique id, and its condition."""

    id: str
    condition: Condition


@dataclass(frozen=True, eq=False)
class ConditionSet:
    """Conditions in order.

    Attributes:
        samples: one an image, with unique ids.
        description: how the set came to be, for the record.
        notes: what a reader of numbers must know of it.
    """

    samples: Sequence[ConditionSample]
    description: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> ConditionSample:
        return self.samples[index]

    @property
    def ids(self) -> tuple[str, ...]:
        """Of the samples, in order."""
        return tuple(sample.id for sample in self.samples)

    @property
    def fingerprint(self) -> str:
        """Digest of how often each condition occurs: sets that ask for the same are equal, whatever their ids.

        Images count by the digests of their content; files are read once for it.
        """
        counts = Counter(sample.condition for sample in self.samples)
        return digest_json(["conditions", sorted([*_asked(one), times, *_shown(one)] for one, times in counts.items())])

    def subset(self, count: int) -> ConditionSet:
        """The first ``count`` of them."""
        if count >= len(self):
            return self
        return ConditionSet(self.samples[:count], {**self.description, "limit": count}, self.notes)

    def with_roles(self, roles: Sequence[str]) -> ConditionSet:
        """The same with images of those roles only."""
        return ConditionSet(
            [ConditionSample(one.id, one.condition.of_roles(roles)) for one in self.samples],
            self.description,
            self.notes,
        )

    def times(self, per_line: int) -> ConditionSet:
        """``per_line`` images of each condition; this one where that is one, or where its ids name copies already."""
        if per_line == 1 or any(_COPY.fullmatch(name) for name in self.ids):
            return self
        samples = [
            ConditionSample(f"{one.id}-s{copy:02d}", one.condition) for one in self.samples for copy in range(per_line)
        ]
        return ConditionSet(samples, {**self.description, "per_prompt": per_line, "count": len(samples)}, self.notes)

    def metadata_digest(self) -> str:
        """Digest of what the conditions say beside prompt, label and images: for metrics and strata that read it."""
        told = sorted(
            canonical_json(
                [_asked(one.condition), {k: v for k, v in one.condition.metadata.items() if k not in _OF_FILES}]
            )
            for one in self.samples
        )
        return digest_json(["metadata", told])


def line_of(sample_id: str) -> str:
    """What is common to the ids of images that were made from one line of a list: ``00012`` of ``00012-s03``."""
    found = _COPY.fullmatch(sample_id)
    return sample_id if found is None else found.group(1)


def copy_of(sample_id: str) -> int:
    """Which image of its line a sample is: 3 of ``00012-s03``; 0 of an id that tells none."""
    found = _COPY.fullmatch(sample_id)
    return 0 if found is None else int(found.group(2))


def balanced_classes(classes: int, per_class: int) -> ConditionSet:
    """``per_class`` images of every class, labels cycling, so that any beginning is balanced too."""
    labels = [label for _ in range(per_class) for label in range(classes)]
    told = {"of": "classes", "classes": classes, "balance": "balanced", "per_class": per_class, "count": len(labels)}
    return ConditionSet([_labelled(index, label) for index, label in enumerate(labels)], told)


def uniform_classes(classes: int, count: int, seed: int) -> ConditionSet:
    """Labels drawn independently and uniformly; the same on every machine (the standard library's generator)."""
    draw = random.Random(seed)
    labels = [draw.randrange(classes) for _ in range(count)]
    told = {"of": "classes", "classes": classes, "balance": "uniform", "count": count, "seed": seed}
    return ConditionSet([_labelled(index, label) for index, label in enumerate(labels)], told)


def unconditional(count: int) -> ConditionSet:
    """``count`` images of nothing in particular."""
    samples = [ConditionSample(f"{index:06d}", Condition()) for index in range(count)]
    return ConditionSet(samples, {"of": "none", "count": count})


def prompts(path: Path | str, per_prompt: int = 1) -> ConditionSet:
    """``per_prompt`` images of every prompt of a file: one prompt a line, or GenEval's ``metadata.jsonl``.

    Raises:
        UsageError: no such file, not UTF-8, no prompt in it, or a line that is not what it should be.
    """
    path = user_path(path)
    return of_prompts(_read_prompts(path), per_prompt, {"file": path.name, "sha256": digest_file(path)})


def listed_prompts(conditions: Sequence[Condition], per_prompt: int = 1) -> ConditionSet:
    """``per_prompt`` images of every prompt of a list, with the ids that a file of the same prompts gives them.

    Raises:
        UsageError: no prompts, or a condition without one.
    """
    if not conditions or any(_asks_nothing(condition) for condition in conditions):
        raise UsageError(
            "conditions of this task are prompts, and one is empty or none is given", "give a list of texts"
        )
    return of_prompts(conditions, per_prompt, {"file": "given by the caller"})


def listed(conditions: Sequence[Condition]) -> ConditionSet:
    """One image of every condition of a list, in its order.

    Raises:
        UsageError: none.
    """
    if not conditions:
        raise UsageError("no conditions are given", "give a list of labels or of texts")
    samples = [
        ConditionSample(f"{index:06d}", condition) if condition.label is None else _labelled(index, condition.label)
        for index, condition in enumerate(conditions)
    ]
    return ConditionSet(samples, {"of": "given", "labels": "by the caller", "count": len(samples)})


def of_prompts(
    found: Sequence[Condition], per_prompt: int, told: Mapping[str, Any], of: str = "prompts"
) -> ConditionSet:
    """``per_prompt`` images of each condition, with ids that tell its place and the copy.

    Args:
        told: where they come from.
        of: ``prompts``; or ``images``, of conditions that need not have any.
    """
    samples = [
        ConditionSample(f"{index:05d}-s{copy:02d}", condition)
        for index, condition in enumerate(found)
        for copy in range(per_prompt)
    ]
    counts = {of: len(found), "per_prompt": per_prompt, "count": len(samples)}
    return ConditionSet(samples, {"of": of, **told, **counts})


def _asks_nothing(condition: Condition) -> bool:
    """No prompt; an empty one will do beside images."""
    return condition.prompt is None or not (condition.prompt.strip() or (condition.images and condition.prompt == ""))


def _asked(condition: Condition) -> list[Any]:
    return [-1 if condition.label is None else condition.label, condition.prompt or ""]


def _shown(condition: Condition) -> list[Any]:
    """Of its images: nothing where there are none, as before conditions could hold any."""
    return [[[role, *digests] for role, digests in condition.image_digests.items()]] if condition.images else []


def _labelled(index: int, label: int) -> ConditionSample:
    return ConditionSample(f"{index:06d}-c{label:04d}", Condition(label=label))


def _read_prompts(path: Path) -> list[Condition]:
    if not path.exists():
        raise UsageError(f"no file of prompts {path}", "one prompt a line, or GenEval's metadata.jsonl")
    # Not splitlines(): it also splits at characters such as U+2028, which JSON strings and prompts may hold.
    lines = read_text(path).split("\n")
    filled = [(line.strip(), f"{path}:{number}") for number, line in enumerate(lines, 1) if line.strip()]
    if path.suffix == ".jsonl":
        found = [_geneval_prompt(line, where) for line, where in filled]
    else:
        found = [Condition(prompt=line) for line, _ in filled]
    if not found:
        raise UsageError(f"{path} holds no prompt")
    return found


def _geneval_prompt(line: str, where: str) -> Condition:
    entry = parse_json(line, where, kind=UsageError)
    if not isinstance(entry, dict) or not isinstance(entry.get("prompt"), str) or not entry["prompt"].strip():
        raise UsageError(f'{where} has no "prompt"', 'each line is a JSON object, as {"prompt": "a photo of a dog", …}')
    return Condition(prompt=entry["prompt"], metadata={key: value for key, value in entry.items() if key != "prompt"})
