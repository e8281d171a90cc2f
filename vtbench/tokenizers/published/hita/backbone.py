"""DINOv2's weights for Hita and VFMTok, whose files leave them out: where they lie, and whether they fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vtbench.assets.hub import hub_file
from vtbench.assets.lookup import FOLDERS_VARIABLE
from vtbench.checkpoints.files import Located, first_at_hand, locate_official
from vtbench.core.digests import digest_file
from vtbench.core.errors import AdapterError, AssetMissingError
from vtbench.tokenizers.published.base import fill

if TYPE_CHECKING:
    from torch import Tensor

AUTHORS_FILE = "dinov2_vitl14_reg4_pretrain.pth"
REPOSITORY, FILE = "timm/vit_large_patch14_reg4_dinov2.lvd142m", "model.safetensors"


def find_backbone(given: str | None, family: str) -> Located:
    """The file: ``given`` where it is not ``None``, else one at hand, else timm's on the hub.

    At hand are files named as DINOv2's authors or timm publish them, in the folders of ``$VTBENCH_ASSETS`` and in the
    cache. ``family`` is named in messages.

    Raises:
        AssetMissingError: no place has it.
    """
    if given is not None:
        return locate_official(given, None)
    names = (AUTHORS_FILE, f"{REPOSITORY}/{FILE}")
    path = first_at_hand(names)
    if path is not None:
        return Located(path, digest_file(path), str(path))
    try:
        path = hub_file(REPOSITORY, FILE)
    except AssetMissingError as error:
        raise AssetMissingError(
            f"{family} needs DINOv2's weights beside its own: {error.what}",
            f"give them: backbone=FILE; or put {' or '.join(names)} into a folder named by {FOLDERS_VARIABLE}",
        ) from error
    return Located(path, digest_file(path), f"hub:{REPOSITORY}/{FILE}")


def backbone_tensors(
    state: Mapping[str, Tensor], vision: str, view: int, source: str, family: str
) -> dict[str, Tensor]:
    """Published tensors to those of the network that sees ``view`` pixels a side, in float32.

    Args:
        state: as DINOv2's authors or timm publish them.
        vision: size of the network.
        view: side of its images, in pixels.
        source: file, named in messages.
        family: named in messages.

    Raises:
        AdapterError: they are those of another network.
    """
    import torch

    from vtbench.tokenizers.published.hita.dinov2_registers import from_published, registered_dinov2

    with torch.device("meta"):
        network = registered_dinov2(vision, view)
    try:
        converted = from_published(state, view)
    except ValueError as error:
        raise AdapterError(f"{family}: {source}: {error}", f"give {AUTHORS_FILE}, or timm's {REPOSITORY}") from error
    fill(network, converted, family=family, source=source)
    return dict(network.state_dict())
