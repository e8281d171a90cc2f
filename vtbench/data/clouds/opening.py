"""From what a person writes to a set of clouds."""

from __future__ import annotations

from vtbench.core.disk.files import user_path
from vtbench.core.errors import UsageError
from vtbench.data.clouds.arrays import ArrayClouds
from vtbench.data.clouds.contract import CloudSet
from vtbench.data.clouds.folder import FolderClouds
from vtbench.data.clouds.solids import SolidsMini

SOLIDS = "solids-mini"
_OBJECTS = (".pkl", ".pickle", ".pt", ".pth", ".joblib")


def open_clouds(text: str) -> CloudSet:
    """``solids-mini``; a folder of clouds and meshes; or a ``.npy`` or ``.npz`` of [N,P,3].

    Raises:
        UsageError: nothing there, a file that holds Python objects, or another kind of file.
        AssetMissingError: meshes, and no trimesh to read them.
    """
    if text == SOLIDS:
        return SolidsMini()
    path = user_path(text)
    if path.is_dir():
        return FolderClouds(path)
    if path.suffix in _OBJECTS:
        raise UsageError(
            f"{text} is refused: {path.suffix} holds Python objects, and reading them runs code",
            "where you trust it, save its clouds as numbers: np.save('FILE.npy', clouds), [N,P,3]",
        )
    if path.suffix in (".npy", ".npz"):
        return ArrayClouds(path)
    if path.exists():
        raise UsageError(f"{text} is no set of clouds", "give a folder, or a .npy or .npz of [N,P,3]")
    raise UsageError(f"no clouds at {text}: the path does not exist", f"check it; embedded: {SOLIDS}")
