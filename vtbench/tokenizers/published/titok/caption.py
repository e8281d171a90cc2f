"""A caption as CLIP's text tower reads it, which TA-TiTok's decoder is told: the features of all its tokens.

The tower is that of OpenAI's ViT-L/14 at 336 pixels, by open_clip, whose tokenizer fills up with zeros: features of the
places behind the text are told as well.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from vtbench.core.digests import digest_file
from vtbench.core.errors import AssetMissingError
from vtbench.core.info import WeightFile
from vtbench.features.clip.model import HUB_FILE, VARIANTS, clip_file, load_clip

if TYPE_CHECKING:
    from torch import Tensor

VARIANT = "ViT-L-14-336"


def find_clip(given: str | None) -> tuple[Path, WeightFile]:
    """CLIP's file: ``given``, else the hub's.

    Raises:
        AssetMissingError: it cannot be had.
    """
    try:
        path = clip_file(VARIANT, given)
    except AssetMissingError as error:
        raise AssetMissingError(
            f"ta-titok needs CLIP's text tower beside its own weights: {error.what}",
            f"give it: clip=FILE, the {HUB_FILE} of {VARIANTS[VARIANT].repository}",
        ) from error
    source = given or f"hub:{VARIANTS[VARIANT].repository}/{HUB_FILE}"
    return path, WeightFile(name=path.name, sha256=digest_file(path), source=source)


def caption_features(caption: str, file: Path) -> Tensor:
    """Features behind the last norm, ``float32 [1,77,768]``, of a caption whose beginning is kept.

    Raises:
        AdapterError: the file does not fill CLIP.
    """
    import open_clip

    model, _ = load_clip(VARIANT, str(file))
    return text_features(model, open_clip.get_tokenizer(VARIANT)([caption]))


def text_features(model: Any, tokens: Tensor) -> Tensor:
    """Features ``[B,T,D]`` of tokens ``int64 [B,T]`` by an open_clip model, before a vector is made of them."""
    import torch

    with torch.inference_mode():
        placed = model.token_embedding(tokens) + model.positional_embedding
        features: Tensor = model.ln_final(model.transformer(placed, attn_mask=model.attn_mask))
    return features.clone()
