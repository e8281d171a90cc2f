"""``nsarm``: NSARM's four-fold super-resolution (Kong et al. 2025), 2510.00820, on Infinity-8B's network.

Held against Xiangtaokong/NSARM (3d19053) with equal seeded weights on a CPU, as ``infinity`` was: the whole network
that makes the first scales (385.1 M parameters in 950 tensors), its values equal; behind it 4 blocks of 256 channels at
512 pixels, the authors' own draws, unguided and guided: all 112,000 bits of the sampled scales equal, logits within
4.8e-6 of 7.5, sums of the codes within 3.6e-7. The colour fix of an image of 1024 pixels: all values equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from typing_extensions import Unpack

from vtbench.checkpoints.loading import WeightsFrom
from vtbench.core.contracts import Condition, SamplingCost
from vtbench.generators.published.next_scale.infinity.base import BitwiseGenerator
from vtbench.generators.published.next_scale.infinity.geometry import (
    CrossAttentionPrecision,
    InfinityGeometry,
    KeyPrecision,
)
from vtbench.generators.published.next_scale.infinity.schedules import Pixels
from vtbench.generators.published.next_scale.sourced import FromSources
from vtbench.generators.sampling.draws import DrawRule
from vtbench.generators.text.rules import TextPrecision

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.generators.sampling.next_scale.accumulation import Accumulator

Size = Literal["8b", "tiny"]
PIXELS: dict[Size, Pixels] = {"8b": "1M", "tiny": "0.06M"}
FACTOR = 4
"""Sides of an image over those of its source."""
SOURCE = f"bicubic to a square of 1/{FACTOR} of the image's sides, where it is none"
COLOURS = "of the source: moments of channels, then all below five bands; 8 bits between"


class Nsarm(FromSources, BitwiseGenerator):
    """NSARM: the ``source`` is the small image, and the prompt says what is on it.

    A network makes the first scales of the source; the others are sampled. The image gets the colours of its source, as
    the authors' script gives them.

    Args:
        size: ``8b`` is the published one.
        bits: of a token.
        tokenizer: that it generates for, of as many bits.
        cfg_scale: guidance s in ``u + s (c - u)``, or one for each scale; 1 for none.
        tau: logits are divided by it; or one for each scale.
        top_p: of 0 and 1, only the likelier is left where its probability reaches p; 1 for both.
        greedy: the likelier everywhere.
        draw: ``inverse-cdf``, or ``torch-multinomial`` for the authors' own draws of a single image.
        colours: give the image the colours of its source.
        text_encoder: folder of Flan-T5-XL, or its name on the hub.
        text_precision: of the text encoder.
        cross_attention: see ``infinity``.
        key_cache: see ``infinity``.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: a setting out of range.
        AssetMissingError: the text encoder cannot be had.
    """

    family = "nsarm"
    citation = (
        "Kong et al., NSARM: Next-Scale Autoregressive Modeling for Robust Real-World Image Super-Resolution, 2025"
    )
    shrunken: ClassVar[Mapping[str, Any]] = {
        key: value for key, value in BitwiseGenerator.shrunken.items() if key != "pixels"
    }

    def __init__(
        self,
        size: Size = "8b",
        bits: int = 56,
        tokenizer: str = "infinity-d56-f8,size=1024",
        *,
        cfg_scale: float | Sequence[float] = 1.0,
        tau: float | Sequence[float] = 0.5,
        top_p: float = 0.97,
        greedy: bool = False,
        draw: DrawRule = "inverse-cdf",
        colours: bool = True,
        text_encoder: str | None = None,
        text_precision: TextPrecision = "float16",
        cross_attention: CrossAttentionPrecision = "float32",
        key_cache: KeyPrecision = "float32",
        **where: Unpack[WeightsFrom],
    ) -> None:
        self._size, self._colours = size, colours
        super().__init__(
            size,
            bits,
            tokenizer,
            pixels=PIXELS[size],
            cfg_scale=cfg_scale,
            tau=tau,
            top_p=top_p,
            greedy=greedy,
            draw=draw,
            text_encoder=text_encoder,
            text_precision=text_precision,
            cross_attention=cross_attention,
            key_cache=key_cache,
            **where,
        )
        given = len(self._network.map_transformer.geometry.scales)
        told = {"given_scales": given, "source": SOURCE, "colours": COLOURS if colours else "as sampled"}
        self.info = replace(self.info, images=("source",), sampler={**self.info.sampler, **told})

    def _finished(self, image: Tensor, condition: Condition) -> Tensor:
        from vtbench.generators.published.next_scale.nsarm.colours import colour_fixed

        return colour_fixed(image, condition.image("source")) if self._colours else image

    def _build(self, geometry: InfinityGeometry) -> Any:
        from vtbench.generators.published.next_scale.nsarm.mapping import PUBLISHED, TINY
        from vtbench.generators.published.next_scale.nsarm.network import NsarmNetwork

        return NsarmNetwork(geometry, PUBLISHED if self._size == "8b" else TINY)

    def _accumulator(self) -> Accumulator:
        from vtbench.generators.published.next_scale.infinity.accumulation import BitwiseAccumulator

        return BitwiseAccumulator(self._schedule, self.tokenizer.patch, "area")

    def _draw(self, conditions: Sequence[Condition], seeds: Tensor) -> tuple[Tensor, SamplingCost]:
        import torch

        from vtbench.generators.published.next_scale.nsarm.network import GivenScales
        from vtbench.generators.sampling.next_scale.sampler import sample_scales

        prompted: Any = self._prompted(conditions)
        given = self._network.map_transformer.bits(self._latents(conditions), self.tokenizer.patch)
        settings = replace(self._identity.settings, strategy=GivenScales(tuple(given)))
        codes, cost = sample_scales(self._network, prompted, self._accumulator(), settings, seeds)
        return torch.cat(codes, dim=1), cost

    def _latents(self, conditions: Sequence[Condition]) -> Tensor:
        """``float32 [B,C,h,w]`` of the sources, on the network's device."""
        import torch

        from vtbench.generators.published.next_scale.nsarm.colours import resized

        side = self._sides()[0] // FACTOR
        sources = [resized(condition.image("source"), side) for condition in conditions]
        device = next(self._network.parameters()).device
        found: Tensor = self.tokenizer.latents(torch.stack(sources).to(device).float() / 255)
        return found
