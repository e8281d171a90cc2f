"""A folder of clouds and meshes, one file each: ``.npy``, ``.ply``, ``.obj``, ``.off``."""

from __future__ import annotations

from pathlib import Path

from vtbench.core.disk.files import user_path
from vtbench.core.errors import SampleError, UsageError
from vtbench.core.outside.npy_arrays import read_npy
from vtbench.data.clouds.contract import Points, chosen
from vtbench.data.clouds.meshes import SUFFIXES, mesh_reader_missing, read_mesh, sampled
from vtbench.data.fingerprint import Fingerprinted, digest_readable_file
from vtbench.data.sources.listing import left_out_notes, lies_beside, suffix_of, walk

_ARRAY = ".npy"


class FolderClouds(Fingerprinted):
    """Every cloud or mesh below a folder, sorted by its POSIX path relative to the folder, which is its id.

    A ``.npy`` holds one cloud [P,3]. A file with faces is a mesh: points are drawn on its surface, uniformly by area;
    one without is a cloud. A broken file is listed, and fails when it is read.

    Args:
        path: the folder.

    Raises:
        UsageError: no such folder, or nothing in it that is read.
        AssetMissingError: meshes, or ``.ply``, and no trimesh to read them.
    """

    def __init__(self, path: str | Path) -> None:
        self.root = user_path(path)
        names = sorted(walk(self.root))
        self.ids = tuple(name for name in names if suffix_of(name) in (_ARRAY, *SUFFIXES))
        others = [name for name in names if name not in set(self.ids) and not lies_beside(name)]
        self.notes = left_out_notes(others, self.root)
        if not self.ids:
            raise UsageError(
                f"no clouds in {self.root}", f"files of {', '.join((_ARRAY, *SUFFIXES))} are read, one a cloud"
            )
        if any(suffix_of(name) in SUFFIXES for name in self.ids):
            mesh_reader_missing()

    def points(self, index: int, count: int, seed: int) -> Points:
        """See :class:`~vtbench.data.clouds.contract.CloudSet`."""
        name = self.ids[index]
        if suffix_of(name) != _ARRAY:
            found = read_mesh(self.root / name, name)
            return (
                chosen(found.vertices, count, seed, name) if found.faces is None else sampled(found, count, seed, name)
            )
        return chosen(read_npy(self.root / name, name, SampleError), count, seed, name)

    def content_digest(self, index: int) -> str:
        """Of the file."""
        return digest_readable_file(self.root / self.ids[index])
