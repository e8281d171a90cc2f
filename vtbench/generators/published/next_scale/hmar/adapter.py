"""``hmar``: HMAR's class-conditional generators (Kumbong et al. 2025), 2506.04421.

Written from the paper's description. Held against NVlabs/HMAR (595a9df, its block-sparse kernel left out, which
sampling does not call) on a CPU in float32 with equal random weights, an image at a time: all 680 codes equal (about
590 distinct) with the published steps, without any, and with steps of six scales, with and without guidance and cosine
attention, six images of three networks; images within 3e-7 in [0, 1]. Weights of the authors are for research only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from typing_extensions import Unpack

from vtbench.checkpoints.loading import Source, WeightsFrom
from vtbench.generators.published.base import Identity, ImageRule
from vtbench.generators.published.next_scale.base import CLASSES, MultiScaleGenerator
from vtbench.generators.sampling.draws import PRECISIONS, DrawRule
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.next_scale.ramps import Ramp
from vtbench.generators.sampling.next_scale.refinement import MaskedRefinement
from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule
from vtbench.generators.sampling.next_scale.settings import ScaleSettings
from vtbench.generators.sampling.next_scale.strategy import ScaleStrategy

VOCABULARY = 4096
SHARE = 1e-6
"""Of ``cfg_scale``, which guides masked steps: so little that they are not guided."""
PUBLISHED = ((1,), (1, 3), (1, 1, 2, 5), (16,), (25,), (36,), (64,), (100,), (169,), (256,))
"""Tokens that stay after each step of each scale: 14 passes for ten scales."""


class Hmar(MultiScaleGenerator):
    """One of HMAR's sizes over VAR's scales. A scale sees nothing of the others but the map that it is predicted from.

    Guidance is ``(1 + t) c - t u``, with t growing evenly from 0 at the first scale to ``cfg_scale`` at the last.
    Settings not given are those that the authors evaluate d16 with.

    Args:
        size: of the network.
        scales: sides of the token maps, those that the network was trained for.
        tokenizer: that it generates for.
        mask_schedule: of each scale, how many tokens stay after its first pass and after each masked step; ``null`` for
            one pass a scale.
        cfg_scale: guidance t at the last scale; 0 for none.
        guided_scales: guide so many of the first scales only.
        top_k: only the k likeliest tokens stay; 0 for all.
        top_p: only the likeliest tokens that together reach p stay; 1 for all (the authors' code says 0).
        greedy: the likeliest token everywhere; then all are sure, and the first are drawn again.
        draw: ``inverse-cdf``, or ``torch-multinomial`` for the authors' own draws of a single image.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: a setting out of range, or counts that are not of the scales.
    """

    family = "hmar"
    citation = "Kumbong et al., HMAR: Efficient Hierarchical Masked Auto-Regressive Image Generation, CVPR 2025"
    ignore_unexpected = ("lvl_1L", "attn_bias_for_masking")  # follow from the scales
    shrunken: ClassVar[Mapping[str, Any]] = {
        "size": "tiny",
        "scales": (1, 2, 3, 4),
        "mask_schedule": ((1,), (1, 3), (1, 1, 2, 5), (16,)),
        "tokenizer": "var-vq,scales=[1,2,3,4],channels=32,multipliers=[1,1],random_weights_seed=0",
    }

    def __init__(
        self,
        size: Literal["d16", "d20", "d24", "d30", "tiny"] = "d16",
        scales: Sequence[int] = (1, 2, 3, 4, 5, 6, 8, 10, 13, 16),
        tokenizer: str = "var-256",
        *,
        mask_schedule: Sequence[Sequence[int]] | None = PUBLISHED,
        cfg_scale: float = 1.7,
        guided_scales: int | None = None,
        top_k: int = 1000,
        top_p: float = 0.99,
        greedy: bool = False,
        draw: DrawRule = "inverse-cdf",
        **where: Unpack[WeightsFrom],
    ) -> None:
        schedule = ScaleSchedule.square(scales)
        filters = Filters(1.0, top_k, top_p, greedy, PRECISIONS[draw], boundary="reaches")
        settings = ScaleSettings(
            schedule,
            (filters,),
            Ramp(cfg_scale),
            guided_scales=guided_scales,
            draw=draw,
            strategy=refinement(mask_schedule, schedule, cfg_scale),
        )
        self._setup(
            lambda: _network(size, schedule),
            Source(**where),
            Identity(tokenizer, VOCABULARY, schedule.sizes[-1], settings, ImageRule(), CLASSES),
        )


def refinement(counts: Sequence[Sequence[int]] | None, schedule: ScaleSchedule, scale: float) -> ScaleStrategy:
    """The strategy that the arguments mean; raises ``UsageError`` for counts of other scales."""
    if counts is None:
        return ScaleStrategy()
    return MaskedRefinement(tuple(tuple(steps) for steps in counts), SHARE * scale).checked(schedule)


def _network(size: str, schedule: ScaleSchedule) -> Any:
    from vtbench.generators.published.next_scale.hmar.network import HmarNetwork, geometry_of

    return HmarNetwork(*geometry_of(size, schedule=schedule))
