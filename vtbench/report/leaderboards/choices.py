"""What can be chosen in the filters: every value that some row has, and how many rows have it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vtbench.report.leaderboards.facts import Facts
from vtbench.report.leaderboards.rows import Section

Options = tuple[tuple[str, int], ...]
"""Values with the number of rows that have them; the empty value stands for what is not stated."""


@dataclass(frozen=True)
class Choices:
    """Options of the filters that choose among values; rates and dates are typed."""

    boards: Options
    families: Options
    sizes: Options
    licences: Options


def choices(sections: Sequence[Section], others: Iterable[Facts] = ()) -> Choices:
    """Options over all rows of all sections, and over further facts, such as those of cards."""
    lines = [(section, line) for section in sections for line in section.lines]
    facts = [*(line.facts for _, line in lines), *others]
    return Choices(
        boards=_by_count(board for section, _ in lines for board in section.families),
        families=_by_name(found.family for found in facts),
        sizes=_by_size(found.size for found in facts),
        licences=_by_name(found.licence for found in facts),
    )


def _by_count(values: Iterable[str]) -> Options:
    return tuple(Counter(values).most_common())


def _by_name(values: Iterable[str]) -> Options:
    return tuple(sorted(Counter(values).items(), key=lambda one: (not one[0], one[0].lower())))


def _by_size(values: Iterable[str]) -> Options:
    """Numbers first, the smallest first; what is not stated last."""
    return tuple(sorted(Counter(values).items(), key=lambda one: _place_of_size(one[0])))


def _place_of_size(text: str) -> tuple[bool, bool, int, str]:
    is_number = text.isdecimal()
    return not text, not is_number, int(text) if is_number else 0, text
