"""Point clouds that somebody else sampled, and those that are drawn for ``shapes-mini``: nothing is run."""

from __future__ import annotations

from vtbench.core.info import GeneratorInfo
from vtbench.data.clouds.opening import open_clouds
from vtbench.data.clouds.solids import Drawn, SolidsMini


class CloudSamples:
    """Every cloud of a folder (``.npy``, ``.ply``, ``.obj``, ``.off``) or an array (``.npy``, ``.npz`` of [N,P,3]).

    Args:
        path: the folder or file.
        name: what tables call the model that made them.

    Raises:
        UsageError: nothing there that is read, or a file of Python objects.
        AssetMissingError: meshes, and no trimesh to read them.
    """

    def __init__(self, path: str, name: str = "samples") -> None:
        self.clouds = open_clouds(path)
        self.notes = self.clouds.notes
        self.info = GeneratorInfo(name=name, conditions="none", family="clouds made elsewhere")


class SolidSamples:
    """Clouds of boxes, tori and ellipsoids, whose scores against ``solids-mini`` are known beforehand.

    Args:
        drawn: ``anew``, of the references' distribution (1-NNA about 50 %); ``copies`` of them (0 %); ``one-mode``, one
            torus again and again (about 100 %).
        name: what tables call them; by default what is drawn.
    """

    def __init__(self, drawn: Drawn = "anew", name: str | None = None) -> None:
        self.clouds = SolidsMini(drawn)
        self.info = GeneratorInfo(name=name or f"solids-{drawn}", conditions="none", family="drawn")
