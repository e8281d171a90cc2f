"""Verify what was stored, offline: runs, folders above them, single records, and the records of a leaderboard.

Needs neither model nor data nor torch, imports nothing that a file names, and writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from vtbench.core.errors import UsageError, VtbenchError
from vtbench.results.leaderboards.check import check
from vtbench.results.leaderboards.folder import RECORDS
from vtbench.results.records.record import RECORD_FILE
from vtbench.run.storing.manifest import PLAN_FILE
from vtbench.run.verifying.findings import Finding, damage_told, damaged
from vtbench.run.verifying.job import verify_job, verify_record


def verify(paths: Iterable[Path]) -> list[Finding]:
    """What is to be said of every run and record at or below the paths, each once.

    Args:
        paths: records, run folders, folders above runs, or the root of a leaderboard.

    Raises:
        UsageError: a path holds nothing of the kind.
    """
    found: dict[Path, list[Finding]] = {}
    for path in paths:
        places = dict(_places(path))
        if not places:
            problem = "holds no run and no record" if path.exists() else "does not exist"
            raise UsageError(f"{path} {problem}", "give a run folder, a folder above runs, or a leaderboard's folder")
        for place, findings in places.items():
            found.setdefault(place.resolve(), findings)
    return [finding for findings in found.values() for finding in findings]


def _places(path: Path) -> Iterator[tuple[Path, list[Finding]]]:
    if path.is_file():
        yield path, verify_record(path)
        return
    if (path / RECORDS).is_dir():
        for file in sorted((path / RECORDS).rglob("*.json")):
            yield file, verify_record(file)
        yield path, _tables(path)
        return
    markers = (PLAN_FILE, RECORD_FILE)
    for folder in sorted({file.parent for marker in markers for file in path.rglob(marker)}):
        yield folder, verify_job(folder) if _is_job(folder) else verify_record(folder / RECORD_FILE)


def _is_job(folder: Path) -> bool:
    """A record may lie alone; beside a plan, blocks or rows it is a job's."""
    return any((folder / name).exists() for name in (PLAN_FILE, "blocks", "samples.parquet"))


def _tables(root: Path) -> list[Finding]:
    """The CSVs against the records, as ``leaderboard check`` does; records were told already."""
    try:
        problems = check(root)
    except VtbenchError as error:
        return [damage_told(error, root)]
    told = [problem for problem in problems if f"{root / RECORDS}" not in problem.split(":", 1)[0]]
    if not told:
        return [Finding(root, "ok", "its tables are what its records say")]
    return [damaged(root, problem, "run vtbench leaderboard build") for problem in told]
