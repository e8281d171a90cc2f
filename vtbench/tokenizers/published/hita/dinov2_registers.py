"""DINOv2 with registers (Darcet et al., Vision Transformers Need Registers, 2309.16588) as a part of a tokenizer.

The network is timm's class. The weights know a grid of 37x37 places; the smaller grid of a smaller image is made of
them once, when they are loaded.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import nn

from vtbench.networks.sizes import Sizes

if TYPE_CHECKING:
    from torch import Tensor

PATCH, REGISTERS = 14, 4
SIZES = Sizes("DINOv2 with registers", {"nano": (32, 1, 2), "tiny": (32, 4, 2), "large": (1024, 24, 16)})
"""Width, layers and heads; ``nano`` and ``tiny`` are for tests."""
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's colours in [0, 1], as DINOv2 takes them."""


class View(nn.Module):
    """What DINOv2 makes of images ``[B,3,h,w]`` in [-1, 1]: ``[B,1+n,C]``, the class token and the patches.

    Name: ``pretrained_encoder``.

    Args:
        vision: size of the network.
        side: the image is resized to this many pixels a side.
    """

    def __init__(self, vision: str, side: int) -> None:
        super().__init__()
        self.pretrained_encoder = registered_dinov2(vision, side)
        self.side = side

    def forward(self, images: Tensor) -> Tensor:
        mean, std = (images.new_tensor(values).view(3, 1, 1) for values in (MEAN, STD))
        unit = (shrunk(images, self.side).clamp(-1, 1) + 1) / 2
        tokens: Tensor = self.pretrained_encoder.forward_features((unit - mean) / std)
        return torch.cat([tokens[:, :1], tokens[:, 1 + REGISTERS :]], dim=1)


def shrunk(images: Tensor, side: int) -> Tensor:
    """Resize to ``side`` as kornia 0.6 to 0.9 does when asked for bicubic, aligned corners and antialiasing.

    A Gaussian blur whose deviation is half of what the scale exceeds one by, where the image shrinks; then bicubic
    interpolation from corner to corner.
    """
    from torchvision.transforms.functional import gaussian_blur

    scale = images.shape[-1] / side
    if scale > 1:
        sigma = max((scale - 1) / 2, 1e-3)
        taps = int(max(4 * sigma, 3)) // 2 * 2 + 1
        images = gaussian_blur(images, [taps, taps], [sigma, sigma])
    return F.interpolate(images, size=(side, side), mode="bicubic", align_corners=True)


def registered_dinov2(size: str, side: int) -> Any:
    """The network for images of ``side`` pixels: ``[B,3,side,side]`` to ``[B,1+4+(side/14)²,width]``, normalised."""
    from timm.models.vision_transformer import VisionTransformer

    width, depth, heads = SIZES[size]
    return VisionTransformer(
        img_size=side,
        patch_size=PATCH,
        embed_dim=width,
        depth=depth,
        num_heads=heads,
        init_values=1.0,
        reg_tokens=REGISTERS,
        no_embed_class=True,
        num_classes=0,
        global_pool="",
    )


def from_published(state: Mapping[str, Tensor], side: int) -> dict[str, Tensor]:
    """Tensors of the authors' file, or of timm's, to those of :func:`registered_dinov2`.

    Raises:
        ValueError: there are no positions, or no registers.
    """
    if "pos_embed" not in state or not {"register_tokens", "reg_token"} & set(state):
        raise ValueError("it is no DINOv2 with registers")
    converted = {name: tensor for name, tensor in state.items() if name not in ("mask_token", "register_tokens")}
    positions = state["pos_embed"].float()
    if "register_tokens" in state:
        # the authors' class token has a place of its own, timm's has it added
        converted["reg_token"] = state["register_tokens"]
        converted["cls_token"] = state["cls_token"].float() + positions[:, :1]
        positions = positions[:, 1:]
    converted["pos_embed"] = resampled(positions, side // PATCH)
    return converted


def resampled(positions: Tensor, side: int) -> Tensor:
    """``[1,n²,D]`` to ``[1,side²,D]``: bicubic, antialiased, as models with registers are run."""
    n = math.isqrt(positions.shape[1])
    if n == side:
        return positions
    grid = positions.reshape(1, n, n, -1).permute(0, 3, 1, 2)
    smaller = F.interpolate(grid, scale_factor=(side / n, side / n), mode="bicubic", antialias=True)
    return smaller.flatten(2).transpose(1, 2)
