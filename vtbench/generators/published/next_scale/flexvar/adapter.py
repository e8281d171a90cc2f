"""``flexvar``: FlexVAR's class-conditional generators (Jiao et al. 2025), 2502.20313, over any list of scales.

SAR (Self-Autoregressive Refinement, 2512.06421) retrains them and changes nothing else: its cards are of this family.

Held against jiaosiyu1999/FlexVAR (04462cb) on a CPU in float32 with equal random weights, an image at a time, top-k
900, top-p 0.95: all codes equal, for the ten scales of training (two images, about 580 distinct of 680), 13 scales
(981), five (341), and twelve up to 512 pixels under guidance 3 (2,233); images within 2e-6 in [0, 1]. Logits of all
scales in one teacher-forced pass are within 2e-6 at a magnitude of 3.5.

No likelihood is told: the tokenizer codes the last map alone, and what a network predicts it from are maps that these
codes do not determine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from typing_extensions import Unpack

from vtbench.checkpoints.loading import Source, WeightsFrom
from vtbench.core.codes import Codes
from vtbench.core.errors import UsageError
from vtbench.generators.published.base import Identity, ImageRule
from vtbench.generators.published.next_scale.base import CLASSES, NextScaleGenerator
from vtbench.generators.sampling.draws import PRECISIONS, DrawRule
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.next_scale.ramps import Ramp
from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule
from vtbench.generators.sampling.next_scale.settings import ScaleSettings

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.generators.sampling.next_scale.accumulation import Accumulator

VOCABULARY = 8912
DRAWN_SIDES = frozenset({1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 23, 24, 32})
"""Maps of other sides get their likeliest tokens, as the authors' sampler has it."""
RAMP = 9
"""Guidance grows over so many scales at most: behind them it grows on."""


class FlexVar(NextScaleGenerator):
    """One of FlexVAR's sizes. Each map is a whole picture: the next one is predicted from it, resized, and the last one
    is decoded.

    Guidance is ``(1 + t) c - t u``; t grows from 0 by a ninth of ``cfg_scale`` a scale, or by more where there are
    fewer than ten scales, and passes it where there are more. Two lists with a common beginning so differ in it, where
    one of them has fewer than ten scales. Maps wider than ``widest`` have ``cfg_scale`` itself and their likeliest
    tokens; so have those of sides that the authors' list does not hold (7, 9, 11, 12, 14, 15): a list of 13 scales
    (1-2-3-4-5-6-7-8-9-10-12-14-16) draws nine of them.

    Args:
        size: of the network.
        scales: sides of the token maps, from 1 on, not falling; the last one times 16 is the image's.
        tokenizer: that it generates for.
        cfg_scale: guidance; 0 for none.
        guided_scales: guide so many of the first scales only.
        widest: see above.
        top_k: only the k likeliest tokens stay; 0 for all. With equals of the likeliest, which are all kept, one of
            them is drawn.
        top_p: only the likeliest tokens that together reach p stay; 1 for all (the authors' code says 0).
        greedy: the likeliest token everywhere, the first of equals.
        draw: ``inverse-cdf``, or ``torch-multinomial`` for the authors' own draws of a single image.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: a setting out of range, or scales that do not begin at 1 or fall.
    """

    family = "flexvar"
    citation = "Jiao et al., FlexVAR: Flexible Visual Autoregressive Modeling without Residual Prediction, 2025"
    keys = ("trainer.var_wo_ddp", "state_dict")
    ignore_unexpected = ("attn_bias_for_masking",)  # of the scales that it was trained with
    shrunken: ClassVar[Mapping[str, Any]] = {
        "size": "tiny",
        "scales": (1, 2, 3, 4),
        "tokenizer": "janus-vq,channels=32,multipliers=[1,1],latent_channels=32,blocks=1,codebook_dim=32,"
        "codebook_size=8912,random_weights_seed=0",
    }

    def __init__(
        self,
        size: Literal["d16", "d20", "d24", "tiny"] = "d16",
        scales: Sequence[int] = (1, 2, 3, 4, 5, 6, 8, 10, 13, 16),
        tokenizer: str = "flexvae",
        *,
        cfg_scale: float = 2.5,
        guided_scales: int | None = None,
        widest: int = 16,
        top_k: int = 900,
        top_p: float = 0.95,
        greedy: bool = False,
        draw: DrawRule = "inverse-cdf",
        **where: Unpack[WeightsFrom],
    ) -> None:
        schedule = free_schedule(scales)
        filters = tuple(
            Filters(
                *(1.0, top_k if side in DRAWN_SIDES and side <= widest else 1, top_p, greedy, PRECISIONS[draw]),
                boundary="reaches",
            )
            for side, _ in schedule.sizes
        )
        full = next((scale for scale, (side, _) in enumerate(schedule.sizes) if side > widest), None)
        ramp = Ramp(cfg_scale, longest=RAMP, full_from=full)
        settings = ScaleSettings(schedule, filters, ramp, guided_scales=guided_scales, draw=draw)
        self._setup(
            lambda: _network(size, schedule),
            Source(**where),
            Identity(tokenizer, VOCABULARY, schedule.sizes[-1], settings, ImageRule(), CLASSES),
        )

    def _accumulator(self) -> Accumulator:
        from vtbench.generators.sampling.next_scale.accumulation import LatestScale

        return LatestScale(self._schedule, self.tokenizer.vectors)

    def _codes(self, tokens: Tensor) -> Codes:
        """Of the last map alone."""
        side = self._side()
        return Codes(levels=(self._scales(tokens)[-1],), image_size=(side, side))


def free_schedule(sides: Sequence[int]) -> ScaleSchedule:
    """Any sides that begin at 1 and do not fall.

    Raises:
        UsageError: others.
    """
    schedule = ScaleSchedule.square(sides)
    if sides[0] != 1 or any(later < earlier for earlier, later in pairwise(sides)):
        raise UsageError(f"scales={list(sides)}: must begin at 1 and not fall", "e.g. [1,2,3,4,5,6,8,10,13,16]")
    return schedule


def _network(size: str, schedule: ScaleSchedule) -> Any:
    from vtbench.generators.published.next_scale.flexvar.network import SIZES, FlexVarNetwork
    from vtbench.generators.published.next_scale.var.network import VarGeometry

    return FlexVarNetwork(VarGeometry(**SIZES[size], vocabulary=VOCABULARY, schedule=schedule))  # type: ignore[arg-type]
