"""CLIP's text encoders (Radford et al. 2021) by transformers, two side by side: tokens of text, and one vector of all.

Each prompt is encoded alone, filled up to the rule's length, so that no other prompt changes a bit of its features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from vtbench.checkpoints.pretrained import Checkpoint
from vtbench.checkpoints.state import seeded
from vtbench.core.info import WeightFile
from vtbench.generators.text.encoded import EncodedText
from vtbench.generators.text.encoder import TextEncoder, dtype_of, loaded_encoder, transformers_library
from vtbench.generators.text.folder import TextKind, files_of, fingerprint
from vtbench.generators.text.rules import TextRule

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from typing_extensions import Self

TYPES = ("clip", "clip_text_model")
CLIP_L = TextKind("CLIP", TYPES, "hidden_size", "openai/clip-vit-large-patch14")
CLIP_BIG_G = TextKind("CLIP", TYPES, "hidden_size", "laion/CLIP-ViT-bigG-14-laion2B-39B-b160k", "text_encoder_2")
"""Either is a folder of both towers, of which the text's is read, or of the text's alone."""


@dataclass(frozen=True)
class PooledText(EncodedText):
    """Features of ``B`` texts, and each text as one vector. What it inherits beside :meth:`joined` leaves that out.

    Attributes:
        pooled: ``[B,D]``.
    """

    pooled: Tensor

    def joined(self, other: EncodedText) -> PooledText:
        """These texts, then others of the same kind and length."""
        import torch

        whole = super().joined(other)
        pooled = torch.cat([self.pooled, cast("PooledText", other).pooled])
        return PooledText(whole.features, whole.mask, pooled)


class ClipTextEncoder(TextEncoder):
    """One of them; arguments as :class:`~vtbench.generators.text.encoder.TextEncoder` takes them."""

    def encode(self, prompts: Sequence[str]) -> PooledText:
        """``B`` prompts to features ``[B,length,D]`` behind the last norm, the mask, and the feature at the end of the
        text, ``[B,D]``: that norm's, without CLIP's projection."""
        import torch

        found = {prompt: self._pooled(self.rule.cleaning(prompt)) for prompt in dict.fromkeys(prompts)}
        features, masks, pooled = zip(*(found[prompt] for prompt in prompts), strict=True)
        return PooledText(torch.cat(features), torch.cat(masks), torch.cat(pooled))

    def _pooled(self, text: str) -> tuple[Tensor, Tensor, Tensor]:
        import torch

        cut = self._cut(text)
        device = next(self._network.parameters()).device
        tokens, mask = cut["input_ids"].to(device), cut["attention_mask"].to(device)
        with torch.inference_mode():
            found = self._network(input_ids=tokens, attention_mask=mask)
        return found.last_hidden_state, mask.bool(), found.pooler_output


@dataclass(frozen=True)
class ClipPair:
    """Two encoders of one prompt: tokens of text from both, mask and the one vector from the second.

    Attributes:
        first: its channels come first.
        second: of the same rule.
    """

    first: ClipTextEncoder
    second: ClipTextEncoder

    @property
    def weights(self) -> tuple[WeightFile, ...]:
        """Every file that moves a feature."""
        return (*self.first.weights, *self.second.weights)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the numbers must know."""
        return tuple(dict.fromkeys((*self.first.notes, *self.second.notes)))

    def as_recorded(self) -> dict[str, Any]:
        """Which they are, and how text is treated."""
        return {**self.first.as_recorded(), "text_encoder_2": self.second.name}

    def to(self, device: torch.device | str | None) -> Self:
        """Move both; their precision is the rule's. Returns itself."""
        self.first.to(device)
        self.second.to(device)
        return self

    def encode(self, prompts: Sequence[str]) -> PooledText:
        """``B`` prompts to features ``[B,length,D1+D2]``, the mask ``bool [B,length]`` and ``[B,D2]``."""
        import torch

        one, other = self.first.encode(prompts), self.second.encode(prompts)
        return PooledText(torch.cat([one.features, other.features], dim=-1), other.mask, other.pooled)


def clip_text_encoder(found: Checkpoint, rule: TextRule) -> ClipTextEncoder:
    """The encoder of a folder, on the CPU in the rule's precision; a tower of images beside it is left where it lies.

    Raises:
        AssetMissingError: transformers is not installed.
        AdapterError: tensors that are missing or of another shape, or a tokenizer that cannot be made of its files.
    """
    network, tokenizer = loaded_encoder(found, rule, "CLIPTextModel", "CLIP text encoder")
    files, config = files_of(found), network.config
    blocks, channels = config.num_hidden_layers, config.hidden_size
    name = f"CLIP, {blocks} blocks of {channels} channels, files {fingerprint(files)}"
    return ClipTextEncoder(network, tokenizer, rule, name, files)


def random_clip_text_encoder(width: int, rule: TextRule, seed: int) -> ClipTextEncoder:
    """A small one that reads bytes, with seeded random weights: for tests of geometry, never for a score."""
    library = transformers_library()
    tokenizer = library.ByT5Tokenizer()
    config = library.CLIPTextConfig(
        vocab_size=512,
        hidden_size=width,
        intermediate_size=2 * width,
        num_attention_heads=2,
        num_hidden_layers=1,
        max_position_embeddings=rule.length,
        projection_dim=width,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    network = seeded(lambda: library.CLIPTextModel(config), seed).to(dtype_of(rule)).eval().requires_grad_(False)
    note = f"the text encoders have random weights (seed {seed}): their features mean nothing"
    return ClipTextEncoder(network, tokenizer, rule, f"CLIP of random weights, seed {seed}", (), (note,))
