"""Values that a judge gave, as they come from files: added up by prompt, with what was wrong with them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from vtbench.core.contracts import SampleFailure
from vtbench.core.errors import UsageError
from vtbench.results.records.judged import count_column
from vtbench.results.records.samples import Samples
from vtbench.run.storing.rows import SampleRow, as_samples

NONE: Mapping[str, str] = MappingProxyType({})
_SHOWN = 3
Value = float | tuple[float, float]
"""What one thing was given; or a sum and a count, where its mean is over something else than things."""


@dataclass(eq=False)
class _Prompt:
    strata: Mapping[str, str]
    text: str
    items: dict[str, tuple[Mapping[str, Value], str]] = field(default_factory=dict)

    def of(self, column: str) -> list[Value]:
        """What its images have in a column."""
        return [value for values, _ in self.items.values() if (value := values.get(column)) is not None]


@dataclass(eq=False)
class Collected:
    """What was read so far.

    Attributes:
        what: what is counted of a prompt: images, most often.
    """

    what: str = "images"
    _prompts: dict[str, _Prompt] = field(default_factory=dict)
    _twice: int = 0
    _useless: list[str] = field(default_factory=list)

    def add(
        self,
        prompt: str,
        item: str,
        values: Mapping[str, Value],
        where: str,
        strata: Mapping[str, str] = NONE,
        text: str = "",
    ) -> None:
        """Take what one image of a prompt was given; a value that is NaN is counted, and left out.

        Args:
            prompt: its name.
            item: of the image, among those of the prompt.
            values: by column.
            where: file and line.
            strata: of the prompt, by field.
            text: of the prompt, where the file has it.

        Raises:
            UsageError: the image was given other values before, or the prompt other strata.
        """
        own = self._prompts.setdefault(prompt, _Prompt(dict(strata), text))
        if strata and dict(strata) != dict(own.strata):
            told = f"{where}: {prompt!r} is of {_fields(strata)}, and of {_fields(own.strata)} before"
            raise UsageError(told, "a prompt belongs to one part of a benchmark")
        usable = {column: value for column, value in values.items() if not _is_nan(value)}
        if len(usable) < len(values):
            self._useless.append(_place(where))
        before = own.items.get(item)
        if before is not None and before[0] != usable:
            told = f"{where}: {item} has {_numbers(usable)}, and {_numbers(before[0])} in {before[1]}"
            raise UsageError(told, "two runs in one file? bring each by itself")
        self._twice += before is not None
        own.items[item] = (usable, where)

    def add_best(self, column: str, of: str) -> None:
        """A column of each prompt's largest value of another."""
        for own in self._prompts.values():
            found = [value for value in own.of(of) if isinstance(value, float)]
            if found:
                item, (values, where) = next(iter(own.items.items()))
                own.items[item] = ({**values, column: max(found)}, where)

    def __len__(self) -> int:
        return len(self._prompts)

    def has(self, prompt: str) -> bool:
        """Whether anything of a prompt was taken."""
        return prompt in self._prompts

    @property
    def prompts(self) -> list[str]:
        """Names, sorted."""
        return sorted(self._prompts)

    @property
    def texts(self) -> list[str]:
        """Of prompts whose files have them, sorted."""
        return sorted(own.text for own in self._prompts.values() if own.text)

    @property
    def items(self) -> int:
        """Of all prompts."""
        return sum(len(own.items) for own in self._prompts.values())

    def having(self, column: str) -> int:
        """Prompts with a value in a column."""
        return sum(bool(own.of(column)) for own in self._prompts.values())

    @property
    def columns(self) -> list[str]:
        """That any image has a value in, as they came."""
        every = (column for own in self._prompts.values() for values, _ in own.items.values() for column in values)
        return list(dict.fromkeys(every))

    def notes(self, per_prompt: int) -> list[str]:
        """What a reader of the numbers must know: things given twice, values of no use, prompts that lack some.

        Args:
            per_prompt: things that each prompt is to have; 0 where any number will do.
        """
        notes = []
        if self._twice:
            notes.append(f"{self._twice} {self.what} stand twice in the files, with the same values: counted once")
        if self._useless:
            shown = ", ".join(self._useless[:_SHOWN])
            more = f" and {len(self._useless) - _SHOWN} more" if len(self._useless) > _SHOWN else ""
            told = f"{len(self._useless)} {self.what} have no value that can be used, and are left out"
            notes.append(f"{told}: {shown}{more}")
        return [*notes, *self._uneven(per_prompt)]

    def _uneven(self, per_prompt: int) -> list[str]:
        other = {prompt: len(own.items) for prompt, own in self._prompts.items() if len(own.items) != per_prompt}
        if not per_prompt or not other:
            return []
        first = min(other)
        told = f"{len(other)} of {len(self)} prompts have another number of {self.what} than {per_prompt}"
        return [f"{told}, {first[:60]!r} has {other[first]}: {self.items} {self.what} in all"]

    def samples(self, columns: Mapping[str, str], fields: Sequence[str]) -> Samples:
        """A row a prompt, sorted by name: of each column the mean and the count.

        Args:
            columns: as they were added, to what rows call them.
            fields: of strata.
        """
        rows = [self._row(place, prompt, columns, fields) for place, prompt in enumerate(self.prompts)]
        names = [name for column in columns.values() for name in (column, count_column(column))]
        return as_samples(rows, names, fields)

    def _row(self, place: int, prompt: str, columns: Mapping[str, str], fields: Sequence[str]) -> SampleRow:
        own = self._prompts[prompt]
        found = {name: _mean(own.of(column)) for column, name in columns.items()}
        if all(count == 0 for _, count in found.values()):
            where = next(iter(own.items.values()))[1]
            failure = SampleFailure(prompt, "metric", f"no value that can be used, {_place(where)}")
            return SampleRow(prompt, place, failure=failure)
        values = {name: mean for name, (mean, _) in found.items()}
        values |= {count_column(name): count for name, (_, count) in found.items()}
        return SampleRow(prompt, place, values=values, strata={name: own.strata.get(name, "") for name in fields})


def _mean(values: Sequence[Value]) -> tuple[float, float]:
    """Mean and count; the count is 0 where there is nothing."""
    pairs = [value if isinstance(value, tuple) else (value, 1.0) for value in values]
    total, count = (math.fsum(column) for column in zip(*pairs, strict=True)) if pairs else (0.0, 0.0)
    return (total / count if count else math.nan), count


def _place(where: str) -> str:
    """File and line without the folder, which is of one machine: a record keeps it."""
    return where.replace("\\", "/").rpartition("/")[2]


def _is_nan(value: Value) -> bool:
    return bool(np.isnan(value).any())


def _fields(strata: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in strata.items())


def _numbers(values: Mapping[str, Value]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items()) or "no value"
