"""CLIP by open_clip: built without weights, then filled from a file that was found and checked, never from a pickle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from vtbench.assets.checkpoint import load_checkpoint
from vtbench.assets.hub import hub_file
from vtbench.core.digests import digest_file
from vtbench.core.disk.files import user_path
from vtbench.core.errors import AdapterError, UsageError
from vtbench.features.network import standardised as of_channels

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
"""Of OpenAI's CLIP, in [0, 1]."""
HUB_FILE = "open_clip_model.safetensors"


@dataclass(frozen=True)
class ClipVariant:
    """A published CLIP: open_clip's name of the architecture, and the hub repository of its weights."""

    architecture: str
    repository: str
    side: int


VARIANTS = {
    "ViT-B-32": ClipVariant("ViT-B-32-quickgelu", "timm/vit_base_patch32_clip_224.openai", 224),
    "ViT-B-16": ClipVariant("ViT-B-16-quickgelu", "timm/vit_base_patch16_clip_224.openai", 224),
    "ViT-H-14": ClipVariant("ViT-H-14", "laion/CLIP-ViT-H-14-laion2B-s32B-b79K", 224),
    "ViT-L-14": ClipVariant("ViT-L-14-quickgelu", "timm/vit_large_patch14_clip_224.openai", 224),
    "ViT-L-14-336": ClipVariant("ViT-L-14-336-quickgelu", "timm/vit_large_patch14_clip_336.openai", 336),
}


def standardised(levels: Tensor) -> Tensor:
    """``[B,3,H,W]`` between 0 and 255 to what CLIP's networks take: by OpenAI's means and standard deviations."""
    return of_channels(levels / 255.0, MEAN, STD)


def variant(name: str) -> ClipVariant:
    """A known variant.

    Raises:
        UsageError: there is none of that name.
    """
    if name not in VARIANTS:
        raise UsageError(f"no CLIP named {name!r}", f"known: {', '.join(VARIANTS)}")
    return VARIANTS[name]


def clip_file(name: str, weights: str | None) -> Path:
    """The weights: a local file, or the variant's file on the hub.

    Raises:
        AssetMissingError: no local file was given and the hub's cannot be had.
    """
    return user_path(weights) if weights else hub_file(variant(name).repository, HUB_FILE)


def load_clip(name: str, weights: str | None) -> tuple[Any, str]:
    """open_clip's model with both towers, on the CPU in evaluation mode, and the first 12 digits of its file's SHA-256.

    Raises:
        AssetMissingError: the weights cannot be had.
        AdapterError: the file does not fill the architecture.
    """
    file = clip_file(name, weights)
    return filled_clip(variant(name).architecture, load_checkpoint(file), str(file)), digest_file(file)[:12]


def filled_clip(architecture: str, state: dict[str, Tensor], source: str) -> Any:
    """The architecture with these tensors."""
    import open_clip

    model = open_clip.create_model(architecture, pretrained=None, load_weights=False)
    missing, unexpected = model.load_state_dict(state, strict=False)
    # positions of tokens that are counted, not learnt; some files keep them
    unexpected = [key for key in unexpected if not key.endswith("position_ids")]
    if missing or unexpected:
        raise AdapterError(
            f"{source} does not fill {architecture}: missing {missing[:3]}, unexpected {unexpected[:3]}",
            "give the weights of this architecture, as open_clip saves them",
        )
    return model.eval().requires_grad_(False)
