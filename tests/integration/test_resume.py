"""A killed run goes on where it stopped, and nobody can tell from its record."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from vtbench.results.records.record import load_records

RUN = ["run", "--task", "small.yaml", "--limit", "20"]


@pytest.mark.slow
def test_kill_9_at_several_moments_leaves_no_trace_in_the_record(
    workplace: Path, command_line: Callable[..., object], kill_when: Callable[..., None]
) -> None:
    whole = command_line(*RUN, "--tokenizer", "./grains.py:Grains,pause=0.01", "--out", "whole", cwd=workplace)
    assert whole.returncode == 0, whole.stderr  # type: ignore[attr-defined]

    killed = [*RUN, "--tokenizer", "./grains.py:Grains,pause=0.01", "--out", "killed"]
    folder = workplace / "killed"

    def blocks(count: int) -> Callable[[], bool]:
        return lambda: len(list(folder.rglob("blocks/[0-9]*.parquet"))) >= count

    kill_when(killed, workplace, lambda: bool(list(folder.rglob("plan.json"))))
    assert not list(folder.rglob("record.json"))
    kill_when(killed, workplace, blocks(2))
    measured = {path.name: path.stat().st_mtime_ns for path in folder.rglob("blocks/*.parquet")}
    kill_when(killed, workplace, blocks(5))
    last = command_line(*killed, cwd=workplace)
    assert last.returncode == 0, last.stderr  # type: ignore[attr-defined]

    kept = {path.name: path.stat().st_mtime_ns for path in folder.rglob("blocks/*.parquet")}
    assert measured.items() <= kept.items(), "a finished block was measured again"
    (first,), (second,) = load_records(workplace / "whole"), load_records(folder)
    assert first.results_digest() == second.results_digest()
    assert first.data.n_scored == second.data.n_scored == 20
    assert first.failures == second.failures == ()
    one, two = (next((workplace / name).rglob("samples.parquet")) for name in ("whole", "killed"))
    assert one.read_bytes() == two.read_bytes()
    assert {p.name for p in one.parent.glob("previews/*.webp")} <= {p.name for p in two.parent.glob("previews/*.webp")}
    assert not list(folder.rglob("blocks/*.partial")) or last.returncode == 0  # type: ignore[attr-defined]


def test_a_complete_job_is_not_measured_again(workplace: Path, command_line: Callable[..., object]) -> None:
    arguments = ["run", "--task", "small.yaml", "--limit", "4", "--tokenizer", "jpeg,quality=20"]
    assert command_line(*arguments, cwd=workplace).returncode == 0  # type: ignore[attr-defined]
    record = next((workplace / "runs").rglob("record.json"))
    before = record.stat().st_mtime_ns
    again = command_line(*arguments, cwd=workplace)
    assert again.returncode == 0 and "jpeg" in again.stdout  # type: ignore[attr-defined]
    assert record.stat().st_mtime_ns == before
    fresh = command_line(*arguments, "--fresh", cwd=workplace)
    assert fresh.returncode == 0  # type: ignore[attr-defined]
    assert record.stat().st_mtime_ns > before
