"""What generators on Infinity's network share: settings, text and bits; ``adapter`` is the one as it was published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Unpack

from vtbench.checkpoints.loading import Source, WeightsFrom
from vtbench.core.codes import Codes
from vtbench.core.contracts import Condition
from vtbench.core.errors import AdapterError
from vtbench.generators.published.base import Identity, ImageRule
from vtbench.generators.published.next_scale.base import NextScaleGenerator
from vtbench.generators.published.next_scale.infinity.geometry import (
    SIZES,
    CrossAttentionPrecision,
    InfinityGeometry,
    KeyPrecision,
    SizeName,
)
from vtbench.generators.published.next_scale.infinity.schedules import Pixels, finest_sides, scale_schedule
from vtbench.generators.published.next_scale.per_scale import each_scale, guidance_of
from vtbench.generators.published.next_scale.strategies import Around, strategy_of
from vtbench.generators.published.prompts import FromPrompts
from vtbench.generators.sampling.draws import PRECISIONS, DrawRule
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.guidance import FROM_UNCONDITIONAL
from vtbench.generators.sampling.next_scale.settings import ScaleSettings
from vtbench.generators.text.prompts import prompts_of
from vtbench.generators.text.rules import TextPrecision, TextRule

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from typing_extensions import Self

    from vtbench.generators.sampling.next_scale.accumulation import Accumulator
    from vtbench.generators.text.encoded import PromptedText

TEXT_LENGTH = 512
PRECISION = (
    "branches of the blocks in the network's; residual stream, norms, gates, text, head and draws in float32 or more"
)


class BitwiseGenerator(FromPrompts, NextScaleGenerator):
    """A generator of the bits of Infinity's tokenizers, from prompts.

    Arguments and errors are those of :class:`.adapter.Infinity`.
    """

    keys = ("trainer.gpt_fsdp",)
    # follow from the scales
    ignore_unexpected = ("lvl_1L", "attn_bias_for_masking", "Infinity_visible_kvlen", "Infinity_invisible_qlen")
    shrunken: ClassVar[Mapping[str, Any]] = {
        "size": "tiny",
        "bits": 6,
        "pixels": "0.06M",
        "tokenizer": "infinity-bsq,bits=6,channels=32,multipliers=[1,1,1,1,1],blocks=1,random_weights_seed=0",
    }

    def __init__(
        self,
        size: SizeName = "2b",
        bits: int = 32,
        tokenizer: str = "infinity-d32-reg,size=1024",
        *,
        pixels: Pixels = "1M",
        ratio: float = 1.0,
        cfg_scale: float | Sequence[float] = 4.0,
        tau: float | Sequence[float] = 1.0,
        top_p: float = 0.97,
        greedy: bool = False,
        draw: DrawRule = "inverse-cdf",
        negative_prompt: str = "",
        subject_token: str = "",
        text_encoder: str | None = None,
        text_precision: TextPrecision = "float16",
        cross_attention: CrossAttentionPrecision = "float32",
        key_cache: KeyPrecision = "float32",
        strategy: str = "plain",
        budget: float | None = None,
        large_layers: Sequence[int] | None = None,
        calibration: str | None = None,
        contextual_budget: float | None = None,
        prune: Mapping[int, float] | None = None,
        skipped_scales: int | None = None,
        guided_scales: int | None = None,
        **where: Unpack[WeightsFrom],
    ) -> None:
        schedule = scale_schedule(ratio, pixels)
        self._bits, self._negative = bits, negative_prompt
        geometry = InfinityGeometry(
            **asdict(SIZES[size]),
            bits=bits,
            schedule=schedule,
            finest=finest_sides(ratio),
            cross_attention=cross_attention,
            key_cache=key_cache,
            subject=bool(subject_token),
        )
        temperatures = each_scale("tau", tau, len(schedule))
        settings = ScaleSettings(
            schedule,
            tuple(Filters(one, 0, top_p, greedy, PRECISIONS[draw], boundary="reaches") for one in temperatures),
            guidance_of(cfg_scale, len(schedule)),
            FROM_UNCONDITIONAL,
            guided_scales=guided_scales,
            draw=draw,
            strategy=strategy_of(
                strategy,
                Around(family=type(self), schedule=schedule, depth=geometry.depth),
                {
                    **{"budget": budget, "large_layers": large_layers, "calibration": calibration},
                    **{"contextual_budget": contextual_budget, "prune": prune, "skipped_scales": skipped_scales},
                },
            ),
            parts=bits,
        )
        rule = TextRule(length=TEXT_LENGTH, precision=text_precision, added_token=subject_token)
        source = Source(**where)
        self._make_text(text_encoder, geometry.text_width, rule, source.card, source.random_weights_seed)
        further = {"negative_prompt": negative_prompt} if negative_prompt else {}
        self._setup(
            lambda: self._build(geometry),
            source,
            Identity(
                *(tokenizer, 2**bits, schedule.sizes[-1], settings, ImageRule(rounding="truncate")),
                further={
                    "precision": PRECISION,
                    "cross_attention": cross_attention,
                    "key_cache": key_cache,
                    **further,
                },
            ),
        )
        self._record_text()
        height, width = self._sides()
        self.info = replace(self.info, native_size=height if height == width else None)

    def to(self, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Move network, tokenizer and text encoder; the precision is that of the network's blocks. Returns itself."""
        super().to(device=device)
        if dtype is not None:
            self._network.block_chunks.to(dtype=dtype)
        return self

    def _build(self, geometry: InfinityGeometry) -> Any:
        from vtbench.generators.published.next_scale.infinity.network import InfinityNetwork

        return InfinityNetwork(geometry)

    def _accumulator(self) -> Accumulator:
        from vtbench.generators.published.next_scale.infinity.accumulation import BitwiseAccumulator

        return BitwiseAccumulator(self._schedule, self.tokenizer.patch)

    def _prompted(self, conditions: Sequence[Condition]) -> PromptedText:  # type: ignore[override]
        from vtbench.generators.text.encoded import PromptedText

        text = self._encoded(conditions)
        if self._text.rule.added_token:
            marked = self._text.marked(prompts_of(conditions, self.info.name))
            text = self._network.with_subject(text, marked.to(text.device))
        if self._negative:
            none = self._text.encode([self._negative] * len(conditions))
        else:
            none = self._network.without_text(text)
        return PromptedText(text, none).trimmed()

    def _codes(self, tokens: Tensor) -> Codes:
        planes = tuple(part.bool().flip(-1) for part in self._scales(tokens))  # channel 0 is the highest bit
        return Codes(bits=planes, image_size=self._sides())

    def _sides(self) -> tuple[int, int]:
        """Height and width of an image, in pixels."""
        height, width = self._schedule.sizes[-1]
        factor: int = self.tokenizer.info.downsample_factor
        return height * factor, width * factor

    def _check_tokenizer(self) -> None:
        info, scales = self.tokenizer.info, tuple(getattr(self.tokenizer, "scales", ()))
        if set(info.codebook_sizes) != {2**self._bits} or len(scales) != len(self._schedule):
            raise AdapterError(
                f"{self.family} draws {len(self._schedule)} scales of {self._bits} bits a token; the tokenizer "
                f"{info.name} has {len(scales)} scales and codebooks of {sorted(set(info.codebook_sizes))}",
                "leave tokenizer= out, or name the one that the generator was trained on, at the size of pixels=",
            )
