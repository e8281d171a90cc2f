"""Reference statistics in the folder of all references are those that their name says, or are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from vtbench.core.errors import DamagedFileError
from vtbench.metrics.sets.frechet import Moments
from vtbench.metrics.sets.reference_statistics import (
    ExtractorNote,
    FeatureSummary,
    ReferenceStatistics,
    StatisticsNote,
    write_statistics,
)
from vtbench.run.storing.references import FOLDER, open_reference, statistics_name


def made(out: Path, key: str, seed: int, made_for: str | None) -> ReferenceStatistics:
    rows = np.random.default_rng(seed).normal(size=(20, 3))
    extractors = {"net": ExtractorNote(id="net-v1")}
    note = StatisticsNote(description=f"{seed}", counts={"net.pool": 20}, extractors=extractors)
    path = out / FOLDER / statistics_name(key)
    return write_statistics(path, note, {("net", "pool"): FeatureSummary(Moments.of(rows))}, made_for)


def test_those_of_another_reference_are_refused(tmp_path: Path) -> None:
    one, other = (made(tmp_path, key, seed, key) for seed, key in enumerate(("aa", "bb")))
    assert open_reference(tmp_path, "statistics-aa.safetensors").digest == one.digest
    one.path.write_bytes(other.path.read_bytes())
    with pytest.raises(DamagedFileError, match=r"statistics-aa.safetensors is another's"):
        open_reference(tmp_path, one.path.name)


def test_those_that_were_given_lie_under_their_digest(tmp_path: Path) -> None:
    given = made(tmp_path, "given", 0, None)
    for key, fits in ((given.digest[:24], True), ("0" * 24, False)):
        name = statistics_name(key)
        (tmp_path / FOLDER / name).write_bytes(given.path.read_bytes())
        if fits:
            assert open_reference(tmp_path, name).digest == given.digest
        else:
            with pytest.raises(DamagedFileError, match="another reference"):
                open_reference(tmp_path, name)


def test_those_without_a_seal_may_lie_anywhere(tmp_path: Path) -> None:
    given = made(tmp_path, "given", 0, "given")
    tensors, note = load_file(given.path), given.note.model_dump_json()
    save_file(tensors, tmp_path / FOLDER / statistics_name("cc"), metadata={"vtbench": note})
    found = open_reference(tmp_path, statistics_name("cc"))
    assert found.of is None and any("carries no digest" in told for told in found.notes)


@pytest.mark.parametrize("damage", [lambda data: data[:50], lambda data: b"", lambda data: data[:-1] + b"\x07"])
def test_what_cannot_be_read_is_told_with_its_name(damage: object, tmp_path: Path) -> None:
    path = made(tmp_path, "aa", 0, "aa").path
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(DamagedFileError, match=r"statistics-aa.safetensors"):
        open_reference(tmp_path, path.name)
    path.unlink()
    with pytest.raises(DamagedFileError, match="is gone"):
        open_reference(tmp_path, path.name)
