"""An option beside a job's identity has its effect also where a record, or its blocks, are there already."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FID = """
name: fid
version: 1
kind: reconstruction
summary: A Fréchet distance that is refused below 2048 images.
preprocess: {preset: native@1}
image_metrics: [psnr]
set_metrics: [fd_efflite0]
block_size: 4
"""
RUN = ("run", "--task", "fid.yaml", "--data", "d", "-t", "jpeg,quality=5", "--out", "r", "--json")


@pytest.fixture
def guarded(place: Path, images: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Six images, and a task whose network takes the part of Inception's, which needs weights to be had."""
    import vtbench.run.measuring.evaluators

    monkeypatch.setattr(vtbench.run.measuring.evaluators, "INCEPTIONS", frozenset({"efflite0"}))
    (place / "fid.yaml").write_text(FID)
    images("d", 6)
    return place


def _found(done: Any) -> list[str]:
    return sorted(done.rows[0]["results"])


def _told_in(record: Path) -> tuple[Any, ...]:
    config = json.loads(record.read_text())["config"]
    return tuple(config[part]["allow_small_sets"] for part in ("given", "resolved", "run"))


def test_the_option_takes_effect_on_a_record_and_is_taken_back(guarded: Path, vt: Callable[..., Any]) -> None:
    assert "fd_efflite0" not in _found(vt(*RUN))
    record = next(guarded.glob("r/fid/*/*/record.json"))
    blocks = {path: path.stat().st_mtime_ns for path in record.parent.glob("blocks/*")}

    allowed = vt(*RUN, "--allow-small-sets")
    assert allowed.code == 0 and "fd_efflite0" in _found(allowed)
    assert "scored again from its blocks, with --allow-small-sets" in allowed.err
    assert allowed.value("psnr") > 0
    assert _told_in(record) == ("True", "True", True)

    again = vt(*RUN, "--allow-small-sets")
    assert "fd_efflite0" in _found(again) and "scored again" not in again.err and "reused the record" in again.err
    assert "fd_efflite0" in _found(vt("rescore", "r", "--json")), "rescore keeps what the run was told"
    without = vt(*RUN)
    assert "fd_efflite0" not in _found(without) and "without --allow-small-sets" in without.err
    assert _told_in(record) == ("False", "False", False)
    assert blocks == {path: path.stat().st_mtime_ns for path in record.parent.glob("blocks/*")}, "nothing was measured"


def test_rescore_takes_the_option(guarded: Path, vt: Callable[..., Any]) -> None:
    vt(*RUN)
    assert "fd_efflite0" not in _found(vt("rescore", "r", "--json"))
    assert "fd_efflite0" in _found(vt("rescore", "r", "--allow-small-sets", "--json"))
    assert "fd_efflite0" in _found(vt("rescore", "r", "--json"))


def test_blocks_of_an_interrupted_run_are_scored_as_this_one_asks(guarded: Path, vt: Callable[..., Any]) -> None:
    vt(*RUN)
    folder = next(guarded.glob("r/fid/*/*/record.json")).parent
    (folder / "record.json").unlink()
    for block in folder.glob("blocks/00001.*"):
        block.unlink()
    resumed = vt(*RUN, "--allow-small-sets")
    assert "fd_efflite0" in _found(resumed)
    assert "1 of 2 blocks are there from the run begun 20" in resumed.err and "--fresh measures again" in resumed.err
    assert "scored again" not in vt(*RUN, "--allow-small-sets").err


def test_strict_holds_for_failures_of_an_earlier_run(
    place: Path, images: Callable[..., Any], vt: Callable[..., Any]
) -> None:
    images("d", 3)
    (place / "d" / "01.png").write_bytes(b"no picture")
    run = ("run", "--task", "quick.yaml", "--data", "d", "-t", "identity", "--out", "r", "--json")
    assert vt(*run).code == 0
    strict = vt(*run, "--strict")
    assert strict.code == 1 and "01.png failed (decode)" in strict.err
