"""ADM's reference files, statistics of every shape, broken reference images: used as said, or refused in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vtbench
from vtbench import assets
from vtbench.core.errors import VtbenchError
from vtbench.metrics.sets.statistics_import import import_statistics
from vtbench.run.planning.generation_reference import find_reference
from vtbench.tasks import load_task

RNG = np.random.default_rng(0)
TASK = """
name: g
version: 1
kind: generation
summary: x
conditions: {of: given}
reference: {}
preprocess: {preset: native@1}
set_metrics: [METRICS]
block_size: 64
table: []
"""
KID, FD = "{name: kid_efflite0, params: {subset_size: 6, subsets: 3}}", "fd_efflite0"


def noise(count: int, side: int = 32) -> np.ndarray[Any, Any]:
    return RNG.integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def moments(width: int = 2048) -> dict[str, Any]:
    return {"mu": RNG.normal(size=width), "sigma": np.diag(RNG.uniform(1, 2, width))}


@pytest.fixture
def files(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``noise.npz``, and a task whose metric is ``kid_efflite0``; a cache of its own, with the one network."""
    monkeypatch.delenv("VTBENCH_OFFLINE")
    monkeypatch.setenv("VTBENCH_ASSET_EFFLITE0", str(assets.resolve("efflite0")))
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    monkeypatch.setenv("VTBENCH_CACHE", str(place / "cache"))
    np.savez("noise.npz", arr_0=noise(8))
    Path("g.yaml").write_text(TASK.replace("METRICS", KID))
    return place


def virtual(**others: Any) -> dict[str, Any]:
    """The arrays of an ADM reference file."""
    spatial = {"mu_s": RNG.normal(size=2023), "sigma_s": np.diag(RNG.uniform(1, 2, 2023))}
    return {"arr_0": noise(12), **moments(), **spatial, **others}


def run(
    vt: Callable[..., Any], reference: str, samples: str = "noise.npz", out: str = "r", task: str = "g.yaml"
) -> Any:
    given = ("-g", f"npz,path={samples}", "--task", task, "--reference", reference)
    return vt("run", *given, "--out", out, "--json")


def test_adms_statistics_win_and_are_said(files: Path) -> None:
    np.savez("VIRTUAL.npz", **virtual(arr_0=noise(2, 256)))
    found = find_reference(load_task("imagenet256-fid50k"), "VIRTUAL.npz")
    assert found is not None and found.dataset is None and found.statistics is not None
    assert found.statistics.note.provenance["kind"] == "adm" and found.statistics.note.size == (256, 256)
    (note,) = found.notes
    assert "its statistics (mu, sigma, mu_s, sigma_s) are the reference, not the images" in note
    again = find_reference(load_task("imagenet256-fid50k"), "VIRTUAL.npz")
    assert again is not None and again.identity == found.identity
    images = find_reference(load_task("imagenet256-fid50k"), "npz,path=VIRTUAL.npz")
    assert images is not None and images.dataset is not None and "the images are used" in images.notes[0]


def test_a_metric_that_they_do_not_answer_is_refused_before_any_work(vt: Callable[..., Any], files: Path) -> None:
    np.savez("VIRTUAL.npz", **virtual())
    done = run(vt, "VIRTUAL.npz")
    assert done.code == 2 and done.out == "" and not Path("r/g").exists()
    assert "VIRTUAL.npz holds statistics of inception_tf.pool, inception_tf.spatial; kid_efflite0 needs" in done.err
    assert "--reference npz,path=FILE" in done.err
    named = run(vt, "npz,path=VIRTUAL.npz")
    assert named.code == 0 and named.rows[0]["n"] == 8


def test_as_samples_its_images_are_used_and_that_is_said(vt: Callable[..., Any], files: Path) -> None:
    np.savez("VIRTUAL.npz", **virtual(), arr_1=np.arange(12))
    done = run(vt, "noise.npz", samples="VIRTUAL.npz")
    told = "VIRTUAL.npz holds statistics beside its 12 images (arr_0): the images are used, "
    told += "mu, sigma, mu_s and sigma_s not"
    assert done.code == 0 and told in done.rows[0]["warnings"] and done.err.count(told) == 1


@pytest.mark.parametrize("only", [("mu",), ("mu_s",), ("sigma", "mu_s")])
def test_halves_of_statistics_are_none_and_that_is_said(
    vt: Callable[..., Any], files: Path, only: tuple[str, ...]
) -> None:
    np.savez("half.npz", **{name: array for name, array in virtual().items() if name in ("arr_0", *only)})
    done = run(vt, "half.npz")
    told = "reference: half.npz holds statistics beside its 12 images (arr_0): the images are used, "
    told += f"{' and '.join(only)} not"
    assert done.code == 0 and told in done.rows[0]["warnings"] and told in done.err


def test_spatial_statistics_alone_win_over_images_too(vt: Callable[..., Any], files: Path) -> None:
    np.savez("spatial.npz", **{name: array for name, array in virtual().items() if name not in ("mu", "sigma")})
    done = run(vt, "spatial.npz")
    assert done.code == 2 and "spatial.npz holds statistics of inception_tf.spatial; kid_efflite0 needs" in done.err


def test_statistics_of_nobody_in_particular_are_to_be_imported(vt: Callable[..., Any], files: Path) -> None:
    np.savez("only.npz", **moments(8))
    np.savez("both.npz", **moments(8), arr_0=noise(2))
    for name, images in (("only.npz", False), ("both.npz", True)):
        done = run(vt, name)
        assert done.code == 2 and f"vtbench stats import {name} --kind KIND --name NAME" in done.err
        assert (f"its images: --reference npz,path={name}" in done.err) is images
    Path("fid.pt").write_bytes(b"")
    assert "vtbench stats import fid.pt" in run(vt, "fid.pt").err
    as_samples = run(vt, "noise.npz", samples="only.npz")
    assert as_samples.code == 2 and "holds no arr_0, but mu, sigma" in as_samples.err


def test_moments_alone_do_not_answer_kid(vt: Callable[..., Any], files: Path) -> None:
    build = ("stats", "build", "--data", "noise.npz", "--extractor", "efflite0.pool", "--no-features", "--name", "ours")
    assert vt(*build).code == 0
    done = run(vt, "ours")
    assert done.code == 2 and "holds moments only (efflite0.pool); kid_efflite0 needs the features" in done.err
    Path("both.yaml").write_text(TASK.replace("METRICS", f"{KID}, {FD}").replace("name: g", "name: both"))
    both = run(vt, "ours", task="both.yaml")
    assert both.code == 0 and list(both.rows[0]["results"]) == ["fd_efflite0"]
    assert any(told.startswith("kid_efflite0 not computed") for told in both.rows[0]["warnings"])


def test_broken_reference_images_are_counted_and_named(
    vt: Callable[..., Any], files: Path, images: Callable[..., Any]
) -> None:
    images("ref", 10)
    for number in (1, 4, 5, 7):
        Path(f"ref/{number:02d}.png").write_bytes(b"broken")
    (files / "ref/gone.png").symlink_to("/nowhere/gone.png")
    (files / "ref/photo.heic").write_bytes(b"")
    Path("fd.yaml").write_text(TASK.replace("METRICS", FD).replace("name: g", "name: fd"))
    told = "5 of 11 reference images could not be used: 01.png: "
    for out in ("r", "r2"):  # the second takes the features from the cache
        done = run(vt, "ref", out=out, task="fd.yaml")
        record = vtbench.load_records(out)[0]
        assert done.code == 0 and record.data.reference is not None and record.data.reference.n == 6
        assert any(warning.startswith(told) for warning in record.warnings) and done.err.count(told) == 1
        assert any("photo.heic" in warning for warning in record.warnings)
    built = vt("stats", "build", "--data", "ref", "--extractor", "efflite0", "-o", "s.safetensors")
    assert built.code == 0 and built.err.count(told) == 1 and "photo.heic" in built.err
    done = run(vt, "s.safetensors", out="r3", task="fd.yaml")
    assert any(warning.startswith(told) for warning in vtbench.load_records("r3")[0].warnings)


def broken(**change: Any) -> dict[str, Any]:
    arrays = moments()
    return {**arrays, **{name: make(arrays[name]) for name, make in change.items()}}


def with_negative(sigma: Any) -> Any:
    sigma[0, 1] = sigma[1, 0] = 5
    return sigma


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"sigma": with_negative}, "its eigenvalues go from -3"),
        (
            {"sigma": lambda sigma: sigma - 2.1e-3 * np.eye(2048) - np.diag(np.eye(2048)[0]) * sigma[0, 0]},
            "eigenvalues",
        ),
        ({"sigma": lambda sigma: sigma.astype(complex)}, "complex128 is not an array of real numbers"),
        ({"mu": lambda mu: mu.astype(complex)}, "complex128"),
        ({"sigma": lambda sigma: sigma + np.triu(np.ones_like(sigma), 1)}, "not symmetric"),
        ({"sigma": lambda sigma: sigma * np.nan}, "NaN"),
        ({"sigma": lambda sigma: np.sqrt(np.diag(sigma))}, "variances or deviations alone"),
        ({"sigma": lambda sigma: sigma[:, :100]}, "expected [2048] and [2048, 2048]"),
        ({"mu": lambda mu: mu[:768], "sigma": lambda sigma: sigma[:768, :768]}, "expected [2048]"),
    ],
)
def test_what_is_no_covariance_is_not_imported(place: Path, change: dict[str, Any], told: str) -> None:
    np.savez("s.npz", **broken(**change))
    with pytest.raises(VtbenchError) as caught:
        import_statistics(Path("s.npz"), Path("o.safetensors"), kind="torch-fidelity")
    assert told in str(caught.value) and not Path("o.safetensors").exists()


def test_single_precision_is_imported(place: Path) -> None:
    rows = RNG.normal(size=(40, 2048)).astype(np.float32)  # singular: its zero eigenvalues are noise of either sign
    sigma = np.cov(rows, rowvar=False).astype(np.float32)
    assert np.linalg.eigvalsh(sigma[:300, :300])[0] < 0
    np.savez("s.npz", mu=rows.mean(0), sigma=sigma)
    import_statistics(Path("s.npz"), Path("o.safetensors"), kind="torch-fidelity")


def test_statistics_in_use_are_checked_as_imported_ones_are(vt: Callable[..., Any], files: Path) -> None:
    from safetensors.numpy import load_file, save_file

    from vtbench.metrics.sets.reference_statistics import open_statistics

    assert vt("stats", "build", "--data", "noise.npz", "--extractor", "efflite0.pool", "-o", "s.safetensors").code == 0
    note, arrays = open_statistics(Path("s.safetensors")).note, load_file("s.safetensors")
    assert run(vt, "s.safetensors").code == 0
    arrays["efflite0.pool.scatter"] -= np.eye(1280)
    save_file(arrays, "s.safetensors", metadata={"vtbench": note.model_dump_json()})
    done = run(vt, "s.safetensors", out="r2")
    assert done.code == 1 and "its eigenvalues go from" in done.err and not Path("r2/g").exists()


def test_a_dictionary_of_arrays_is_told_how_to_be_saved(vt: Callable[..., Any], files: Path) -> None:
    np.save("stat.npy", moments(8), allow_pickle=True)
    done = vt("stats", "import", "stat.npy", "--kind", "adm", "-o", "z.safetensors")
    assert done.code == 2 and "stat.npy is refused" in done.err
    assert "np.savez('FILE.npz', mu=mean, sigma=covariance)" in done.err
    np.save("array.npy", noise(2))
    data = vt("run", "--data", "array.npy", "-t", "identity", "--task", "quick.yaml")
    assert "array.npy is a single array (.npy), not an npz" in data.err
    assert "array.npy is a single array" in run(vt, "noise.npz", samples="array.npy").err
    assert "array.npy is a single array" in run(vt, "array.npy").err
