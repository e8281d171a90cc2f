"""Reference statistics: what is written is read back, what does not fit is refused, other tools' files are imported."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch_fidelity.metric_fid import fid_features_to_statistics

from vtbench.core.errors import NotComparableError, UsageError, VtbenchError
from vtbench.metrics.feature_matrix import ArrayFeatures
from vtbench.metrics.sets.frechet import FrechetDistance, Moments
from vtbench.metrics.sets.reference_statistics import (
    ExtractorNote,
    FeatureSummary,
    StatisticsNote,
    open_statistics,
    write_statistics,
)
from vtbench.metrics.sets.statistics_import import import_statistics

ROWS = np.random.default_rng(0).normal(size=(2500, 24)).astype(np.float32)


def note(**more: object) -> StatisticsNote:
    fields = {
        "description": "rows of the test",
        "size": (64, 64),
        "counts": {"net.pool": len(ROWS)},
        "extractors": {"net": ExtractorNote(id="net-v1", assumed=False)},
    }
    return StatisticsNote.model_validate({**fields, **more})


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "statistics.safetensors"
    write_statistics(path, note(), {("net", "pool"): FeatureSummary(Moments.of(ROWS.astype(np.float64)), ROWS)})
    return path


def test_rows_and_moments_come_back(written: Path) -> None:
    opened = open_statistics(written)
    assert opened.n == len(ROWS) and opened.note.description == "rows of the test"
    features = opened.features("net", "pool")
    assert features is not None and features.shape == ROWS.shape
    np.testing.assert_array_equal(np.concatenate(list(features.blocks())), ROWS)
    chosen = [2499, 0, 1024, 7, 1024]
    np.testing.assert_array_equal(features.rows(chosen), ROWS[chosen])
    moments = opened.moments("net", "pool")
    assert moments is not None
    np.testing.assert_allclose(moments.mean, ROWS.mean(0, dtype=np.float64))
    np.testing.assert_allclose(moments.scatter / (moments.n - 1), np.cov(ROWS.T.astype(np.float64)), rtol=1e-10)
    assert opened.moments("net", "logits") is None and opened.features("other", "pool") is None


def test_the_digest_is_of_what_it_holds_not_of_where_it_lies(written: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "copy.safetensors"
    elsewhere.write_bytes(written.read_bytes())
    assert open_statistics(written).digest == open_statistics(elsewhere).digest
    moved = FeatureSummary(Moments.of(ROWS.astype(np.float64) + 1e-9))
    other = write_statistics(tmp_path / "other.safetensors", note(), {("net", "pool"): moved})
    assert other.digest != open_statistics(written).digest


def test_another_network_or_size_is_refused_with_both_named(written: Path) -> None:
    opened = open_statistics(written)
    opened.check_fits("net", "net-v1", (64, 64))
    opened.check_fits("net", "net-v1", None)
    with pytest.raises(NotComparableError, match="its net is net-v1, the one in use is net-v2"):
        opened.check_fits("net", "net-v2", (64, 64))
    with pytest.raises(NotComparableError, match="images of 64x64, the task scores images of 128x128"):
        opened.check_fits("net", "net-v1", (128, 128))


@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        (lambda data: data[: len(data) // 2], VtbenchError, "truncated"),
        (lambda data: b"", VtbenchError, "truncated"),
        (lambda data: pickle.dumps({"mu": 1}), VtbenchError, "truncated or not"),
    ],
)
def test_a_damaged_file_is_told(written: Path, damage, error, message) -> None:  # type: ignore[no-untyped-def]
    written.write_bytes(damage(written.read_bytes()))
    with pytest.raises(error, match=message):
        open_statistics(written)


def test_other_safetensors_and_newer_formats_are_told(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"a": ROWS}, tmp_path / "a.safetensors")
    with pytest.raises(UsageError, match="holds no reference statistics"):
        open_statistics(tmp_path / "a.safetensors")
    save_file({"a": ROWS}, tmp_path / "b.safetensors", metadata={"vtbench": '{"format": 99}'})
    with pytest.raises(VtbenchError, match="format 99"):
        open_statistics(tmp_path / "b.safetensors")


POOL = np.random.default_rng(1).normal(size=(60, 2048))


def covariance(rows: np.ndarray) -> np.ndarray:
    return np.cov(rows, rowvar=False)


def test_adms_file_gives_pool_spatial_and_size(tmp_path: Path) -> None:
    spatial = np.random.default_rng(2).normal(size=(30, 2023))
    np.savez(
        tmp_path / "VIRTUAL.npz",
        arr_0=np.zeros((3, 256, 256, 3), np.uint8),
        mu=POOL.mean(0), sigma=covariance(POOL), mu_s=spatial.mean(0), sigma_s=covariance(spatial),
    )  # fmt: skip
    opened = import_statistics(tmp_path / "VIRTUAL.npz", tmp_path / "out.safetensors", n=60)
    assert opened.note.size == (256, 256) and opened.note.provenance["kind"] == "adm"
    for feature, rows in (("pool", POOL), ("spatial", spatial)):
        assert opened.moments("inception_tf", feature).mean.shape == (rows.shape[1],)  # type: ignore[union-attr]
    opened.check_fits("inception_tf", "inception_tf-whatever", (256, 256))  # its weights are not known: assumed
    with pytest.raises(NotComparableError):
        opened.check_fits("inception_tf", "inception_tf-whatever", (512, 512))


@pytest.mark.parametrize("n", [0, 60])
def test_a_distance_to_imported_moments_is_that_to_the_features(tmp_path: Path, n: int) -> None:
    torch.save(fid_features_to_statistics(torch.from_numpy(POOL)), tmp_path / "fidelity.pt")
    opened = import_statistics(tmp_path / "fidelity.pt", tmp_path / "out.safetensors", n=n)
    assert opened.note.provenance["kind"] == "torch-fidelity"
    samples = ArrayFeatures(POOL[:40] * 1.1)
    moments = opened.moments("inception_tf", "pool")
    found = FrechetDistance(jackknife=0)(samples, moments)["fd"].value  # type: ignore[arg-type]
    assert found == pytest.approx(FrechetDistance(jackknife=0)(samples, ArrayFeatures(POOL))["fd"].value, rel=1e-6)


def test_kinds_that_cannot_be_told_or_fit_nothing_must_be_named(tmp_path: Path) -> None:
    file, out = tmp_path / "stats.npz", tmp_path / "out.safetensors"
    np.savez(file, mu=POOL.mean(0), sigma=covariance(POOL))
    with pytest.raises(UsageError, match="--kind"):
        import_statistics(file, out)
    with pytest.raises(UsageError, match="--extractor"):
        import_statistics(file, out, kind="pytorch-fid")
    assert "inception_clean" in import_statistics(file, out, kind="clean-fid").note.extractors
    assert "inception_tf" in import_statistics(file, out, kind="pytorch-fid", extractor="inception_tf").note.extractors


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path("bomb-went-off").touch, ())  # type: ignore[return-value]


def test_nothing_in_a_file_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "bomb.npz", mu=np.array([Bomb()], dtype=object), sigma=np.eye(2))
    (tmp_path / "bomb.pt").write_bytes(pickle.dumps({"mu": Bomb()}))
    torch.save({"mu": Bomb()}, tmp_path / "bomb.pth")
    for name in ("bomb.npz", "bomb.pt", "bomb.pth"):
        with pytest.raises(VtbenchError, match=r"refused|truncated"):
            import_statistics(tmp_path / name, tmp_path / "out.safetensors", kind="torch-fidelity")
    assert not (tmp_path / "bomb-went-off").exists()
    assert not (tmp_path / "out.safetensors").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mu": np.zeros(192), "sigma": np.eye(192)}, "expected \\[2048\\]"),
        ({"mu": np.full(2048, np.nan)}, "NaN"),
        ({"sigma": np.triu(np.ones((2048, 2048)))}, "not symmetric"),
        ({"sigma": np.zeros((5, 5))}, "its covariance"),
    ],
)
def test_arrays_that_are_no_statistics_are_refused(tmp_path: Path, change: dict[str, object], message: str) -> None:
    np.savez(tmp_path / "s.npz", **{"mu": POOL.mean(0), "sigma": np.eye(2048), **change})  # type: ignore[arg-type]
    with pytest.raises(VtbenchError, match=message):
        import_statistics(tmp_path / "s.npz", tmp_path / "out.safetensors", kind="adm")


def test_a_truncated_npz_is_told(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", mu=POOL.mean(0), sigma=np.eye(2048))
    data = (tmp_path / "s.npz").read_bytes()
    (tmp_path / "s.npz").write_bytes(data[: len(data) // 2])
    with pytest.raises(VtbenchError, match="truncated or not an npz"):
        import_statistics(tmp_path / "s.npz", tmp_path / "out.safetensors", kind="adm")
