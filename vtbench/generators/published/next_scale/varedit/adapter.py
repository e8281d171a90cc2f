"""``varedit``: VAREdit's editors of images by instruction (Mao et al. 2025), 2508.15772, on Infinity's network.

Held against HiDream-ai/VAREdit (2ca737c) with equal seeded weights on a CPU, as ``infinity`` was: a network of 4
blocks and 256 channels, the authors' own draws, with 8 bits a token at 256 and at 512 pixels, with 56 over patches of
2x2 latents at 512 and 1024, with guidance and without: all bits equal (4,168 to 589,176 an image), logits within 6e-5
of 32.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Unpack

from vtbench.checkpoints.loading import WeightsFrom
from vtbench.core.contracts import Condition, SamplingCost
from vtbench.generators.published.next_scale.infinity.base import BitwiseGenerator
from vtbench.generators.published.next_scale.infinity.geometry import (
    CrossAttentionPrecision,
    InfinityGeometry,
    KeyPrecision,
    SizeName,
)
from vtbench.generators.published.next_scale.infinity.schedules import Pixels
from vtbench.generators.published.next_scale.sourced import FromSources
from vtbench.generators.sampling.draws import DrawRule
from vtbench.generators.text.rules import TextPrecision

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.generators.published.next_scale.varedit.network import PromptedEdit


class VarEdit(FromSources, BitwiseGenerator):
    """One of VAREdit's sizes: the prompt is the instruction, and the ``source`` the image to edit.

    The source goes through the network before the first scale. It is made a square, and so is what is sampled, which is
    cut back to the source's shape. Settings not given are those of the authors' README.

    Args:
        size: of the network.
        bits: of a token.
        tokenizer: that it generates for, of as many bits, at a size of as many scales as ``pixels`` has.
        pixels: about so many in an image.
        cfg_scale: guidance s in ``u + s (c - u)``, or one for each scale; 1 for none.
        tau: logits are divided by it; or one for each scale.
        top_p: of 0 and 1, only the likelier is left where its probability reaches p; 1 for both.
        greedy: the likelier everywhere.
        draw: ``inverse-cdf``, or ``torch-multinomial`` for the authors' own draws of a single image.
        negative_prompt: stands in place of no prompt.
        text_encoder: folder of Flan-T5-XL, or its name on the hub.
        text_precision: of the text encoder.
        cross_attention: see ``infinity``.
        key_cache: see ``infinity``.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: a setting out of range.
        AssetMissingError: the text encoder cannot be had.
    """

    family = "varedit"
    citation = "Mao et al., Visual Autoregressive Modeling for Instruction-Guided Image Editing, 2025"
    shrunken: ClassVar[Mapping[str, Any]] = BitwiseGenerator.shrunken

    def __init__(
        self,
        size: SizeName = "8b",
        bits: int = 56,
        tokenizer: str = "infinity-d56-f8,size=1024",
        *,
        pixels: Pixels = "1M",
        cfg_scale: float | Sequence[float] = 3.0,
        tau: float | Sequence[float] = 0.1,
        top_p: float = 0.97,
        greedy: bool = False,
        draw: DrawRule = "inverse-cdf",
        negative_prompt: str = "",
        text_encoder: str | None = None,
        text_precision: TextPrecision = "float16",
        cross_attention: CrossAttentionPrecision = "float32",
        key_cache: KeyPrecision = "float32",
        **where: Unpack[WeightsFrom],
    ) -> None:
        from vtbench.generators.published.next_scale.varedit.sources import IN_WORDS

        super().__init__(
            size,
            bits,
            tokenizer,
            pixels=pixels,
            cfg_scale=cfg_scale,
            tau=tau,
            top_p=top_p,
            greedy=greedy,
            draw=draw,
            negative_prompt=negative_prompt,
            text_encoder=text_encoder,
            text_precision=text_precision,
            cross_attention=cross_attention,
            key_cache=key_cache,
            **where,
        )
        sampler = {**self.info.sampler, "source": IN_WORDS}
        self.info = replace(self.info, images=("source",), sampler=sampler)

    def _finished(self, image: Tensor, condition: Condition) -> Tensor:
        from vtbench.generators.published.next_scale.varedit.sources import restored

        return restored(image, *condition.image("source").shape[1:])

    def _build(self, geometry: InfinityGeometry) -> Any:
        from vtbench.generators.published.next_scale.varedit.network import VarEditNetwork

        return VarEditNetwork(geometry)

    def _prompted(self, conditions: Sequence[Condition]) -> PromptedEdit:  # type: ignore[override]
        import torch
        import torch.nn.functional as F

        from vtbench.generators.published.next_scale.varedit.network import PromptedEdit
        from vtbench.generators.published.next_scale.varedit.sources import squared

        texts = super()._prompted(conditions)
        side, _ = self._sides()
        sources = torch.stack([squared(condition.image("source"), side) for condition in conditions])
        latents = self.tokenizer.latents(sources.to(texts.device))
        return PromptedEdit(texts, F.pixel_unshuffle(latents, self.tokenizer.patch))

    def _draw(self, conditions: Sequence[Condition], seeds: Tensor) -> tuple[Tensor, SamplingCost]:
        tokens, cost = super()._draw(conditions, seeds)
        return tokens, _with_the_source(cost, len(conditions), self._schedule.lengths)


def _with_the_source(cost: SamplingCost, images: int, lengths: Sequence[int]) -> SamplingCost:
    """A pass more, over as many rows as the first scale had."""
    assert cost.steps is not None and cost.tokens_computed is not None
    rows = images * (2 if cost.tokens_computed > images * sum(lengths) else 1)
    return replace(
        cost,
        forward_passes=cost.forward_passes + 1,
        steps=cost.steps + images,
        tokens_computed=cost.tokens_computed + rows * lengths[-1],
    )
