"""A run with ``--limit`` is a trial: said once, calmly, and never published."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import vtbench

SETS = """
name: sets
version: 1
kind: reconstruction
summary: A distance that few images are too few for.
data: {expected_count: 6}
preprocess: {preset: native@1}
image_metrics: [psnr]
set_metrics: [fd_efflite0, kid_efflite0]
block_size: 4
table: [psnr, fd_efflite0]
"""


def test_a_limit_is_one_calm_line_for_many_models(
    vt: Callable[..., Any], images: Callable[..., Any], place: Path
) -> None:
    images("d", 6)
    (place / "sets.yaml").write_text(SETS)
    done = vt("run", "--task", "sets.yaml", "--data", "d", "-t", "jpeg,quality=5", "-t", "identity", "--limit", 3)
    assert done.code == 0, done.err
    told = [line for line in done.err.splitlines() if "limited" in line or "warning" in line]
    assert told == ["limited: 3 of 6 samples: for testing only"]
    for record in vtbench.load_records("runs"):
        assert record.status == "limited" and record.data.limited_from == 6
        assert record.warnings == ("limited: 3 of 6 samples: for testing only; too few for kid_efflite0",)
    refused = vt("leaderboard", "add", "runs", "--root", "boards")
    assert refused.code == 2 and "3 of 6 samples" in refused.err and len(refused.err.splitlines()) <= 2


def test_a_limit_that_cuts_nothing_is_none(vt: Callable[..., Any], images: Callable[..., Any]) -> None:
    images("d", 4)
    for limit in (4, 9):
        done = vt("run", "--task", "quick.yaml", "--data", "d", "-t", "jpeg", "--limit", limit, "--json")
        assert (done.code, done.rows[0]["status"], done.rows[0]["warnings"]) == (0, "complete", [])
        assert "limited" not in done.err


def test_several_tasks_share_the_line(vt: Callable[..., Any], images: Callable[..., Any], place: Path) -> None:
    images("d", 4)
    (place / "other.yaml").write_text((place / "quick.yaml").read_text().replace("name: quick", "name: other"))
    done = vt("run", "--task", "quick.yaml", "--task", "other.yaml", "--data", "d", "-t", "jpeg", "--limit", 3)
    assert "limited: quick 3 of 4, other 3 of 4 samples: for testing only" in done.err.splitlines()


def test_a_folder_that_holds_just_those_samples_is_another_job(
    vt: Callable[..., Any], images: Callable[..., Any], place: Path
) -> None:
    images("d", 4)
    assert (
        vt("run", "--task", "quick.yaml", "--data", "d", "-t", "jpeg", "--limit", 2, "--json").rows[0]["status"]
        == "limited"
    )
    for name in ("02.png", "03.png"):
        (place / "d" / name).unlink()
    done = vt("run", "--task", "quick.yaml", "--data", "d", "-t", "jpeg", "--json")
    assert done.rows[0]["status"] == "complete"


def test_a_sample_that_fails_makes_a_limited_run_partial(
    vt: Callable[..., Any], images: Callable[..., Any], place: Path
) -> None:
    images("d", 4)
    (place / "d" / "01.png").write_bytes(b"not an image")
    done = vt("run", "--task", "quick.yaml", "--data", "d", "-t", "jpeg", "--limit", 3, "--json")
    assert done.rows[0]["status"] == "partial"
    assert "limited: 3 of 4 samples: for testing only" in done.rows[0]["warnings"]


def test_predictions_of_the_other_samples_are_no_strangers(vt: Callable[..., Any], images: Callable[..., Any]) -> None:
    images("d", 4)
    images("p", 4)
    done = vt("score", "--task", "quick.yaml", "--data", "d", "--pred", "p", "--limit", 2, "--json")
    assert done.code == 0 and done.rows[0]["warnings"] == ["limited: 2 of 4 samples: for testing only"]
