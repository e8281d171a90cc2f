"""One flipped bit in a stored file: the same numbers come out, or the file is named. Never other numbers in silence.

30 flips by default, 180 with ``VTBENCH_ATTACK=long``.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vtbench.core.errors import DamagedFileError, VtbenchError

FLIPS = 180 if os.environ.get("VTBENCH_ATTACK") == "long" else 30
WITH_FEATURES = "set_metrics: [{name: kid_efflite0, params: {subset_size: 4, subsets: 3}}]\n"
RUN = ("run", "--task", "features.yaml", "--data", "d", "-t", "resize,factor=2", "--out", "r")


def flip(path: Path, rng: random.Random) -> bytes:
    """Turn one bit over, in place, so that hard links are turned too; the bytes that were there."""
    before = path.read_bytes()
    place = rng.randrange(len(before) * 8)
    changed = bytearray(before)
    changed[place // 8] ^= 1 << place % 8
    path.write_bytes(changed)
    return before


def flipped(path: Path, rng: random.Random, read: Callable[[], Any]) -> Any:
    """What ``read`` gives, or the error that it raises, with one bit turned over; the file is as it was afterwards."""
    before = flip(path, rng)
    try:
        return read()
    except VtbenchError as error:
        return error
    finally:
        path.write_bytes(before)


@pytest.fixture
def cache(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from vtbench.core.disk.files import cache_dir

    monkeypatch.setenv("VTBENCH_ASSETS", str(cache_dir() / "assets"))
    monkeypatch.setenv("VTBENCH_CACHE", str(place / "cache"))
    return place / "cache"


@pytest.fixture
def run_folder(cache: Path, place: Path, images: Callable[..., Any], vt: Callable[..., Any]) -> Path:
    """``r``: a finished run of two blocks with stored features and references."""
    images("d", 8)
    (place / "features.yaml").write_text(
        (place / "quick.yaml").read_text().replace("name: quick", "name: features") + WITH_FEATURES
    )
    done = vt(*RUN)
    assert done.code == 0, done.err
    return place / "r"


def test_blocks_and_references_that_are_scored_again(run_folder: Path) -> None:
    from vtbench.run.rescore import rescore

    files = [file for end in ("parquet", "safetensors") for file in sorted(run_folder.rglob(f"0000?.{end}"))]
    files += sorted(run_folder.rglob("plan.json"))
    assert len(files) == 2 * 3 + 1
    wanted, rng, told = rescore(run_folder)[0].results_digest(), random.Random(0), 0
    for number in range(FLIPS):
        file = files[number % len(files)]
        found = flipped(file, rng, lambda: rescore(run_folder)[0].results_digest())
        is_named = isinstance(found, DamagedFileError) and file.name in str(found) and bool(found.hint)
        assert is_named or found == wanted, (file, found)
        told += is_named
    assert told > FLIPS * 0.8
    assert rescore(run_folder)[0].results_digest() == wanted


def test_the_same_command_repairs_what_was_flipped(run_folder: Path, vt: Callable[..., Any]) -> None:
    rng, (job,) = random.Random(1), run_folder.glob("features/*/*")
    before = vt(*RUN, "--json")
    (job / "record.json").unlink()
    (features,) = (run_folder / ".references").glob("*/00001.safetensors")
    for file in (job / "blocks" / "00000.safetensors", job / "blocks" / "00001.parquet", job / "plan.json", features):
        flip(file, rng)
    again = vt(*RUN, "--json")
    assert again.code == 0 and again.rows[0]["results"] == before.rows[0]["results"], again.err
    assert all(name in again.err for name in ("measured again", "plan.json"))
    assert vt("verify", "r").code == 0


def test_records_and_rows_that_are_read(run_folder: Path) -> None:
    from vtbench.results.records.record import read_record
    from vtbench.results.records.samples import content_digest, read_samples

    (job,) = run_folder.glob("features/*/*")
    readers = {
        "record.json": lambda path: read_record(path).model_dump(),
        "samples.parquet": lambda path: content_digest(read_samples(path)),
    }
    rng = random.Random(2)
    for name, read in readers.items():
        wanted = read(job / name)
        for _ in range(FLIPS // 2):
            found = flipped(job / name, rng, lambda read=read, path=job / name: read(path))  # type: ignore[misc]
            assert (isinstance(found, VtbenchError) and name in str(found)) or found == wanted


def test_fits_in_the_cache_are_made_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vtbench.tokenizers.fitted import keeping as module

    patches = np.random.default_rng(0).random((64, 12))
    monkeypatch.setattr(module, "training_patches", lambda *_: patches)

    def fit(rows: np.ndarray[Any, Any]) -> dict[str, np.ndarray[Any, Any]]:
        return {"mean": rows.mean(axis=0), "codes": rows[:8].astype(np.float32)}

    def made() -> str:
        return module.fitted("probe", 1, {"patch": 2, "seed": 0}, fit).weight.sha256

    wanted, rng = made(), random.Random(3)
    (file,) = (cache / "fitted").glob("*.safetensors")
    for _ in range(FLIPS):
        flip(file, rng)
        assert made() == wanted


def test_readings_in_the_cache_are_read_anew(cache: Path) -> None:
    from vtbench.readers.cache import ReadingStore

    store, rng = ReadingStore("engine@1"), random.Random(4)
    assert store.get("ab12", lambda: ["word", "line"]) == (("word", "line"), True)
    (file,) = cache.rglob("ab12.json")
    for _ in range(FLIPS):
        flip(file, rng)
        assert store.get("ab12", lambda: ["word", "line"])[0] == ("word", "line")


def test_reference_statistics(place: Path) -> None:
    from vtbench.metrics.sets.frechet import Moments
    from vtbench.metrics.sets.reference_statistics import (
        ExtractorNote,
        FeatureSummary,
        StatisticsNote,
        open_statistics,
        write_statistics,
    )

    rows = np.random.default_rng(0).random((32, 6)).astype(np.float32)
    note = StatisticsNote(
        description="32 images", size=None, counts={"net.pool": 32}, extractors={"net": ExtractorNote(id="net")}
    )
    path = place / "reference.safetensors"
    write_statistics(path, note, {("net", "pool"): FeatureSummary(Moments.of(rows.astype(np.float64)), rows)})
    rng = random.Random(5)

    def kept() -> list[list[float]]:
        found = open_statistics(path).features("net", "pool")
        assert found is not None
        return found.rows(range(32)).tolist()

    for _ in range(FLIPS):
        found = flipped(path, rng, kept)
        assert (isinstance(found, VtbenchError) and path.name in str(found)) or found == rows.tolist()
