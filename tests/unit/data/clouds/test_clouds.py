"""Sets of clouds: layouts, refusals, points that are drawn, and solids whose surfaces are known."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from vtbench.core.errors import AssetMissingError, SampleError, UsageError
from vtbench.data.clouds import meshes
from vtbench.data.clouds.opening import open_clouds
from vtbench.data.clouds.solids import SolidsMini


@pytest.fixture
def made() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(4, 50, 3)).astype(np.float32)


def test_an_array_and_a_folder_hold_the_same_clouds(tmp_path: Path, made: np.ndarray) -> None:
    np.save(tmp_path / "all.npy", made)
    np.savez(tmp_path / "one.npz", clouds=made)
    np.savez_compressed(tmp_path / "named.npz", points=made, labels=np.arange(4))
    for index, cloud in enumerate(made):
        (tmp_path / "folder" / "chair").mkdir(parents=True, exist_ok=True)
        np.save(tmp_path / "folder" / "chair" / f"{index}.npy", cloud)
    sets = [open_clouds(str(tmp_path / name)) for name in ("all.npy", "one.npz", "named.npz", "folder")]
    assert sets[0].ids[1] == "000001" and sets[3].ids[1] == "chair/1.npy"
    assert sets[0].fingerprint == sets[1].fingerprint == sets[2].fingerprint != sets[3].fingerprint
    for found in sets:
        assert (found.points(2, 50, 0) == made[2].astype(np.float64)).all()
    drawn = sets[0].points(2, 20, seed=3)
    assert (drawn == sets[3].points(2, 20, seed=3)).all() and drawn.shape == (20, 3)
    assert len({tuple(point) for point in drawn} & {tuple(p) for p in made[2].astype(float)}) == 20
    assert (drawn != sets[0].points(2, 20, seed=4)).any()


def test_what_is_no_cloud_fails_alone(tmp_path: Path, made: np.ndarray) -> None:
    made[1, 7] = np.nan
    np.save(tmp_path / "all.npy", made)
    found = open_clouds(str(tmp_path / "all.npy"))
    assert found.points(0, 50, 0).shape == (50, 3)
    with pytest.raises(SampleError, match=r"all.npy\[1\]: 1 of 50 points are not finite"):
        found.points(1, 20, 0)
    with pytest.raises(SampleError, match="has 50 points, the task takes 2,048"):
        found.points(0, 2048, 0)
    folder = tmp_path / "folder"
    folder.mkdir()
    np.save(folder / "flat.npy", made[0, :, :2])
    (folder / "broken.npy").write_bytes(b"\x93NUMPY broken")
    np.save(folder / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    for name, told in (("flat.npy", r"\[50, 2\]"), ("broken.npy", "no array"), ("objects.npy", "no array")):
        some = open_clouds(str(folder))
        with pytest.raises(SampleError, match=told):
            some.points(list(some.ids).index(name), 20, 0)


def test_what_could_run_code_is_refused(tmp_path: Path, made: np.ndarray) -> None:
    (tmp_path / "clouds.pkl").write_bytes(pickle.dumps(made))
    with pytest.raises(UsageError, match="holds Python objects, and reading them runs code") as refused:
        open_clouds(str(tmp_path / "clouds.pkl"))
    assert "np.save" in str(refused.value.hint)
    np.save(tmp_path / "objects.npy", np.array([made, None], dtype=object), allow_pickle=True)
    np.save(tmp_path / "flat.npy", made[0])
    np.savez(tmp_path / "two.npz", a=made, b=made)
    (tmp_path / "empty").mkdir()
    for name, told in (
        ("objects.npy", "no array that can be read"),
        ("flat.npy", r"\[50, 3\]"),
        ("two.npz", "holds a, b"),
        ("empty", "no clouds in"),
        ("nowhere", "does not exist"),
    ):
        with pytest.raises(UsageError, match=told):
            open_clouds(str(tmp_path / name))


def test_meshes_without_their_reader_say_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.obj").write_text("v 0 0 0\n")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(AssetMissingError, match="trimesh") as missing:
        open_clouds(str(tmp_path))
    assert "trimesh" in str(missing.value.hint) or "shapes" in str(missing.value.hint)


def test_points_on_a_surface_are_uniform_by_area() -> None:
    """Two triangles in a plane, one of nine times the other's area: a tenth of the points lies on the small one."""
    vertices = np.array([[0, 0, 0], [3, 0, 0], [0, 3, 0], [10, 0, 0], [11, 0, 0], [10, 1, 0]], dtype=np.float64)
    mesh = meshes.Mesh(vertices, np.array([[0, 1, 2], [3, 4, 5]]))
    points = meshes.sampled(mesh, 20_000, 0, "two")
    small = points[points[:, 0] >= 10]
    assert len(small) / len(points) == pytest.approx(0.1, abs=0.01)
    large = points[points[:, 0] < 10]
    assert large.mean(axis=0) == pytest.approx([1, 1, 0], abs=0.03), "the centroid of a triangle"
    assert (large[:, 0] + large[:, 1]).max() <= 3 and points[:, 2].max() == 0
    assert (points == meshes.sampled(mesh, 20_000, 0, "two")).all()
    for faces, told in (([[0, 1, 9]], "not there"), ([[0, 0, 0]], "without area")):
        with pytest.raises(SampleError, match=told):
            meshes.sampled(meshes.Mesh(vertices, np.array(faces)), 10, 0, "bad")


def test_files_of_geometry(tmp_path: Path) -> None:
    trimesh = pytest.importorskip("trimesh")
    box = trimesh.creation.box((0.4, 0.6, 0.2))
    for suffix in ("ply", "obj", "off"):
        box.export(tmp_path / f"box.{suffix}")
    cloud = np.random.default_rng(0).random((300, 3))
    trimesh.PointCloud(cloud).export(tmp_path / "cloud.ply")
    (tmp_path / "quad.obj").write_text("mtllib no.mtl\nv 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nusemtl m\nf 1 2 3 4\n")
    (tmp_path / "broken.ply").write_bytes(b"ply\nformat ascii 1.0\nelement vertex 5\nproperty float x\nend_header\n1\n")
    found = open_clouds(str(tmp_path))
    points = {name: found.points(place, 256, 0) for place, name in enumerate(found.ids) if name != "broken.ply"}
    for suffix in ("ply", "obj", "off"):
        on_a_face = np.isclose(np.abs(points[f"box.{suffix}"]), [0.2, 0.3, 0.1], atol=1e-6).any(axis=1)
        assert on_a_face.all()
    kept = {tuple(point) for point in np.round(points["cloud.ply"], 5)}
    assert kept <= {tuple(point) for point in np.round(cloud.astype(np.float32).astype(np.float64), 5)}
    assert points["quad.obj"].max() > 0.9
    with pytest.raises(SampleError, match=r"broken.ply cannot be read"):
        found.points(list(found.ids).index("broken.ply"), 256, 0)


def test_solids_lie_on_their_surfaces() -> None:
    solids = SolidsMini()
    assert len(solids.ids) == 24 and solids.fingerprint == SolidsMini().fingerprint
    for place, name in enumerate(solids.ids):
        points = solids.points(place, 256, 0)
        assert np.linalg.norm(points, axis=1).max() <= 0.5
        if name.startswith("box"):
            half = np.abs(points).max(axis=0)
            assert np.isclose(np.abs(points), half).any(axis=1).all()
        elif name.startswith("torus"):
            away, height = np.hypot(points[:, 0], points[:, 1]), points[:, 2]
            # (away - ring)² + height² = tube²: linear in away and a constant
            fit = np.linalg.lstsq(np.stack([2 * away, np.ones(256)], 1), away**2 + height**2, rcond=None)
            assert np.allclose(np.stack([2 * away, np.ones(256)], 1) @ fit[0], away**2 + height**2, atol=1e-5)
        else:
            scale = np.linalg.lstsq(points**2, np.ones(256), rcond=None)[0]
            assert np.allclose(points**2 @ scale, 1, atol=1e-4) and (scale > 0).all()
    assert SolidsMini("copies").fingerprint == solids.fingerprint
    assert len({SolidsMini(drawn).fingerprint for drawn in ("reference", "anew", "one-mode")}) == 3
    with pytest.raises(UsageError, match="one-mode"):
        SolidsMini("more")  # type: ignore[arg-type]
