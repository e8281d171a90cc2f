"""Which file belongs to which sample, by their names: one rule for all samples of a data set.

A rule that pairs the samples that the ones before it left over would find *something* for a sample whose prediction is
missing: a file of the same name from another folder. So the rules are tried on the whole set, from the strictest on,
and a looser one is taken only where the stricter ones tell nothing of the files' places. Within a rule, names are equal
as they are written or, failing that, once composed (NFC); upper and lower case differ.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from vtbench.core.errors import UsageError
from vtbench.data.sources.listing import composed, is_image, named, printable

PATH, STEM, END = "relative path", "relative path without suffix", "end of the path"
"""The rules, from the strictest on."""

PAIRING_RULES = 3
"""Raised when the rules change, so that pairs of other rules are never resumed."""

Candidates = dict[str, list[str]]


@dataclass(frozen=True)
class Pairs:
    """What a rule found.

    Attributes:
        rule: the one that was taken: ``PATH``, ``STEM`` or ``END``.
        found: id to file, in the order of the ids.
    """

    rule: str
    found: Mapping[str, str]

    @property
    def example(self) -> str:
        """The first pair whose names differ, in words; empty where none do, or in a suffix that ids have not."""
        named_alike = ((id, file, (composed(file), composed(_stem(file)))) for id, file in self.found.items())
        differ = ((id, file) for id, file, same in named_alike if composed(id) not in same)
        return next((f"'{printable(id)}' with '{printable(file)}'" for id, file in differ), "")


def pair(ids: Sequence[str], files: Sequence[str]) -> Pairs:
    """Pair sample ids with files by the first of three rules that says where the files lie.

    1. The relative path is the same.
    2. It is the same but for an image's suffix; taken where it pairs more samples than the first, and each with one.
    3. One path is the end of the other, suffixes apart: all files lie in one folder, or a level above or below. Taken
       only where the others pair nothing. Folders that both have must agree, and all samples' files lie in one place:
       one folder was added to every path, or as many were taken off each.

    Raises:
        UsageError: one id fits several files, several ids fit one, or files in several places end like samples.
    """
    exact = _by_key(ids, files, str)
    without = _by_key(ids, files, _stem)
    if exact and (len(without) <= len(exact) or _ambiguity(without)):
        rule, candidates = PATH, exact
    elif without:
        rule, candidates = STEM, without
    else:
        rule, candidates = END, _by_end(ids, files)
    problem = _ambiguity(candidates) or (_several_places(candidates) if rule == END else None)
    if problem is not None:
        raise problem
    return Pairs(rule if candidates else PATH, {id: candidates[id][0] for id in ids if id in candidates})


def _by_key(ids: Iterable[str], files: Iterable[str], key: Callable[[str], str]) -> Candidates:
    """Files of the same key as an id; those that are equal as written are not offered to names that are not."""
    wanted, left = list(ids), list(files)
    candidates: Candidates = {}
    for written in (str, composed):
        index: dict[str, list[str]] = defaultdict(list)
        for file in left:
            index[written(key(file))].append(file)
        candidates |= {id: index[written(key(id))] for id in wanted if written(key(id)) in index}
        taken = {file for found in candidates.values() for file in found}
        wanted = [id for id in wanted if id not in candidates]
        left = [file for file in left if file not in taken]
    return candidates


def _by_end(ids: Iterable[str], files: Iterable[str]) -> Candidates:
    whole: dict[str, list[str]] = defaultdict(list)
    ends: dict[str, list[str]] = defaultdict(list)
    for file in files:
        first, *shorter = _ends(file)
        whole[first].append(file)
        for end in shorter:
            ends[end].append(file)
    candidates: Candidates = {}
    for id in ids:
        mine = _ends(id)
        fitting = [file for end in mine for file in whole.get(end, ())] + ends.get(mine[0], [])
        if fitting:
            candidates[id] = sorted(fitting)
    return candidates


def _ends(name: str) -> list[str]:
    """``a/b/c.png`` to ``a/b/c``, ``b/c``, ``c``."""
    parts = composed(_stem(name)).split("/")
    return ["/".join(parts[start:]) for start in range(len(parts))]


def _several_places(candidates: Mapping[str, Sequence[str]]) -> UsageError | None:
    """A file in another place than the rest, ``failed/2.png`` beside ``good/1.png``, need not be the sample's."""
    places: dict[str, str] = {}
    for id, (file, *_) in candidates.items():
        places.setdefault(_place(id, file), file)
    if len(places) < 2:
        return None
    told = named(list(places.values()), 3)
    return UsageError(
        f"files that end like samples lie in several places: {told}",
        "give the folder whose files are meant, or lay them out in it as the samples are",
    )


def _place(id: str, file: str) -> str:
    """Where a file lies as seen from its sample; all files without a folder lie in one place."""
    parts, levels = PurePosixPath(file).parts, len(PurePosixPath(id).parts)
    if len(parts) > levels:
        return f"below {'/'.join(parts[: len(parts) - levels])}"
    return "one folder" if len(parts) == 1 else f"{levels - len(parts)} levels up"


def _stem(name: str) -> str:
    """A relative path without an image suffix; other dots belong to the name."""
    path = PurePosixPath(name)
    return path.with_suffix("").as_posix() if is_image(name) else path.as_posix()


def _ambiguity(candidates: Mapping[str, Sequence[str]]) -> UsageError | None:
    owners: dict[str, list[str]] = defaultdict(list)
    for id, files in candidates.items():
        if len(files) > 1:
            return UsageError(f"sample {id!r} fits several files: {named(files)}", "leave one image for each sample")
        for file in files:
            owners[file].append(id)
    for file, ids in owners.items():
        if len(ids) > 1:
            hint = "keep the data set's sub-folders in the prediction folder"
            return UsageError(f"{printable(file)} fits several samples: {named(ids)}", hint)
    return None
