"""Clouds and meshes in files of geometry, read by trimesh: PLY alone has three encodings and free property lists."""

from __future__ import annotations

import importlib.util
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vtbench.core.errors import AssetMissingError, SampleError
from vtbench.core.extras import install_extra
from vtbench.core.outside.parsing import boundary, read_bytes
from vtbench.data.clouds.contract import Points

SUFFIXES = (".ply", ".obj", ".off")
_MOST_BYTES = 1 << 30


@dataclass(frozen=True, eq=False)
class Mesh:
    """What a file holds.

    Attributes:
        vertices: ``float [V,3]``.
        faces: ``int [F,3]``; ``None`` of a cloud.
    """

    vertices: NDArray[Any]
    faces: NDArray[Any] | None


def mesh_reader_missing() -> None:
    """Raise where files of geometry cannot be read here.

    Raises:
        AssetMissingError: trimesh is not installed.
    """
    if importlib.util.find_spec("trimesh") is None:
        raise AssetMissingError(f"files of {', '.join(SUFFIXES)} are read by trimesh", install_extra("shapes"))


def read_mesh(path: Path, name: str) -> Mesh:
    """A file of geometry, by its suffix. Materials and textures that it names are not looked for.

    Raises:
        SampleError: it cannot be read, or holds no points.
    """
    import trimesh

    with boundary(f"{name} cannot be read", kind=SampleError):
        stream = io.BytesIO(read_bytes(path, _MOST_BYTES))
        found: Any = trimesh.load(stream, file_type=path.suffix.lower().lstrip("."), process=False)
        if isinstance(found, trimesh.Scene):
            found = found.to_mesh()
        vertices = np.asarray(found.vertices, dtype=np.float64).reshape(-1, 3)
        faces = np.asarray(getattr(found, "faces", np.zeros((0, 3))), dtype=np.int64).reshape(-1, 3)
    if len(vertices) == 0:
        raise SampleError(f"{name} holds no points")
    return Mesh(vertices, faces if len(faces) else None)


def sampled(mesh: Mesh, count: int, seed: int, name: str) -> Points:
    """``count`` points on a surface, uniform by area. By numpy's generator: a seed means the same under every trimesh.

    Raises:
        SampleError: vertices that are not finite, faces of vertices that are not there, or no area.
    """
    assert mesh.faces is not None
    if not np.isfinite(mesh.vertices).all():
        raise SampleError(f"{name}: vertices that are not finite")
    if mesh.faces.min() < 0 or mesh.faces.max() >= len(mesh.vertices):
        raise SampleError(f"{name}: a face names a vertex that is not there")
    corner, first, second = (mesh.vertices[mesh.faces[:, place]] for place in range(3))
    areas = np.linalg.norm(np.cross(first - corner, second - corner), axis=1) / 2
    if not areas.sum() > 0:
        raise SampleError(f"{name}: a mesh without area")
    draw = np.random.Generator(np.random.PCG64(seed))
    ends = np.cumsum(areas)
    face = np.minimum(np.searchsorted(ends, draw.random(count) * ends[-1], side="right"), len(areas) - 1)
    along, across = np.sqrt(draw.random((count, 1))), draw.random((count, 1))
    points: Points = (1 - along) * corner[face] + along * ((1 - across) * first[face] + across * second[face])
    return points
