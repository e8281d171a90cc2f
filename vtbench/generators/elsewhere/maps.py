"""Maps that somebody else predicted: of labels, depths or normals. Nothing is run."""

from __future__ import annotations

from vtbench.core.info import GeneratorInfo
from vtbench.data.maps.folder import MapFolder


class MapSamples:
    """Every map of a folder, ``.png`` or ``.npy``, by the stems of the references; several of one stem in a folder of
    its name.

    Args:
        path: the folder.
        name: what tables call the model that made them.

    Raises:
        UsageError: no folder, or no map in it.
    """

    def __init__(self, path: str, name: str = "maps") -> None:
        self.maps = MapFolder(path)
        self.info = GeneratorInfo(name=name, conditions="none", family="maps made elsewhere")
