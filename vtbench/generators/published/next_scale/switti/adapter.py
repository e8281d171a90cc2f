"""``switti``: Switti's text-to-image generators of 2.5 billion parameters (Voronov et al. 2024), 2412.01819.

Held against yandex-research/switti (3b286b5) with equal seeded weights on a CPU in float32, an image at a time, with
the authors' own draws and features of text drawn at random: all codes equal, of three blocks over six scales (147
codes, 86 to 110 distinct; four images, each with guidance off from the fifth scale on and a temperature there, with and
without attention across scales), of two blocks over the scales of 512 pixels with it (2,240 codes, 58 distinct), over
those of 1024 without (9,451 codes, 91 distinct), and of two blocks of the published width over those of 512 (2,240
codes); images within 1.5e-5 in [0, 1] where codes vary. Logits of all scales in one teacher-forced pass are within
5.3e-6 at a magnitude of 7, at the published width within 3.7e-5 at one of 66. No published weights were at hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Unpack

from vtbench.checkpoints.loading import Source, WeightsFrom
from vtbench.generators.published.base import Identity, ImageRule
from vtbench.generators.published.clip_prompts import FromClipPrompts
from vtbench.generators.published.next_scale.base import MultiScaleGenerator
from vtbench.generators.published.next_scale.likelihood import ScaleLikelihood
from vtbench.generators.published.next_scale.per_scale import each_scale
from vtbench.generators.published.next_scale.switti.geometry import SIDES_512, SIZES, SizeName, SwittiGeometry
from vtbench.generators.sampling.draws import PRECISIONS, DrawRule
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.next_scale.ramps import Ramp
from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule
from vtbench.generators.sampling.next_scale.settings import ScaleSettings
from vtbench.generators.text.rules import TextPrecision, TextRule

if TYPE_CHECKING:
    from vtbench.core.contracts import Condition
    from vtbench.generators.text.encoded import PromptedText

TEXT_LENGTH = 77
GUIDED_SCALES = 10
"""The authors' sampler guides no scale behind the tenth, unless told otherwise."""


class Switti(FromClipPrompts, ScaleLikelihood, MultiScaleGenerator):
    """Switti, or Switti-AR, over the scales of its tokenizer.

    Guidance is ``(1 + t) c - t u``, with t growing evenly from 0 at the first scale to ``cfg_scale`` at the last; u is
    of the negative prompt. The authors' soft draws (``more_smooth``), whose mixtures of entries are no codes, are not
    here; their numbers are without them.

    Args:
        size: of the network.
        scales: sides of the token maps, those that the network was trained for.
        tokenizer: that it generates for.
        autoregressive: a scale sees those before it (Switti-AR), not itself alone.
        cfg_scale: guidance t at the last scale; 0 for none.
        guided_scales: guide so many of the first scales only; ``null`` for all.
        top_k: only the k likeliest tokens stay; 0 for all.
        top_p: only the likeliest tokens that together reach p stay; 1 for all (the authors' code says 0).
        temperature: logits are divided by it before they are filtered; or one for each scale.
        greedy: the likeliest token everywhere.
        draw: ``inverse-cdf``, or ``torch-multinomial`` for the authors' own draws of a single image.
        negative_prompt: guidance leads away from it.
        text_encoder: folder of CLIP ViT-L/14, or its name on the hub.
        text_encoder_2: folder of CLIP ViT-bigG/14, or its name on the hub.
        text_precision: of both text encoders.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: a setting out of range.
        AssetMissingError: a text encoder cannot be had.
    """

    family = "switti"
    citation = "Voronov et al., Switti: Designing Scale-Wise Transformers for Text-to-Image Synthesis, CVPR 2025"
    ignore_unexpected = ("lvl_1L", "attn_bias_for_masking")  # follow from the scales
    shrunken: ClassVar[Mapping[str, Any]] = {
        "size": "tiny",
        "scales": (1, 2, 3, 4),
        "tokenizer": "var-vq,scales=[1,2,3,4],channels=32,multipliers=[1,1],random_weights_seed=0",
    }

    def __init__(
        self,
        size: SizeName = "d30",
        scales: Sequence[int] = SIDES_512,
        tokenizer: str = "switti-vq-512",
        *,
        autoregressive: bool = False,
        cfg_scale: float = 6.0,
        guided_scales: int | None = GUIDED_SCALES,
        top_k: int = 400,
        top_p: float = 0.95,
        temperature: float | Sequence[float] = 1.0,
        greedy: bool = False,
        draw: DrawRule = "inverse-cdf",
        negative_prompt: str = "",
        text_encoder: str | None = None,
        text_encoder_2: str | None = None,
        text_precision: TextPrecision = "bfloat16",
        **where: Unpack[WeightsFrom],
    ) -> None:
        schedule = ScaleSchedule.square(scales)
        temperatures = each_scale("temperature", temperature, len(schedule))
        self._negative = negative_prompt
        geometry = SwittiGeometry(**asdict(SIZES[size]), causal=autoregressive, schedule=schedule)
        settings = ScaleSettings(
            schedule,
            tuple(Filters(one, top_k, top_p, greedy, PRECISIONS[draw], boundary="reaches") for one in temperatures),
            Ramp(cfg_scale),
            guided_scales=guided_scales,
            draw=draw,
        )
        source = Source(**where)
        rule = TextRule(length=TEXT_LENGTH, precision=text_precision)
        self._make_text((text_encoder, text_encoder_2), geometry.text_widths, rule, source)
        self._setup(
            lambda: _network(geometry),
            source,
            Identity(
                *(tokenizer, geometry.vocabulary, schedule.sizes[-1], settings, ImageRule(rounding="truncate")),
                further={
                    "attention_across_scales": "to those before" if autoregressive else "none",
                    **({"negative_prompt": negative_prompt} if negative_prompt else {}),
                },
            ),
        )
        self._record_text()

    def _prompted(self, conditions: Sequence[Condition]) -> PromptedText:  # type: ignore[override]
        from vtbench.generators.text.encoded import PromptedText

        none = self._text.encode([self._negative] * len(conditions))
        return PromptedText(self._encoded(conditions), none)


def _network(geometry: SwittiGeometry) -> Any:
    from vtbench.generators.published.next_scale.switti.network import SwittiNetwork

    return SwittiNetwork(geometry)
