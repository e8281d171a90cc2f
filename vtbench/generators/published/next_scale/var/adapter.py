"""``var``: VAR's class-conditional generators (Tian et al. 2024), 2404.02905.

Held against FoundationVision/VAR (78b9539) on a CPU in float32 with equal random weights, an image at a time, under
guidance 1.5 and 4, top-k 900, top-p 0.96: all 680 codes of ten images equal (about 590 distinct), images within 8e-7 in
[0, 1], for four blocks with cosine attention and three without; with one modulation for all blocks and the scales of
512 pixels, all 2,240 codes of two images, images within 4e-6; for the whole of d16 (310.3 M parameters) with the whole
tokenizer, all codes of two images (about 280 distinct), images within 5e-7. Logits of all scales in one teacher-forced
pass are within 2e-6 at a magnitude of 4, of d16 within 6e-6 at one of 8. Equal, too, are the codes of
``tests/unit/generators/published``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from typing_extensions import Unpack

from vtbench.checkpoints.loading import Source, WeightsFrom
from vtbench.generators.published.base import Identity, ImageRule
from vtbench.generators.published.next_scale.base import CLASSES, MultiScaleGenerator
from vtbench.generators.published.next_scale.likelihood import ScaleLikelihood
from vtbench.generators.published.next_scale.per_scale import each_scale
from vtbench.generators.published.next_scale.strategies import Around, strategy_of
from vtbench.generators.sampling.draws import PRECISIONS, DrawRule
from vtbench.generators.sampling.filters import FIRST, LAST, Filters
from vtbench.generators.sampling.next_scale.ramps import Ramp
from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule
from vtbench.generators.sampling.next_scale.settings import ScaleSettings

VOCABULARY = 4096
CODEBOOK_DIM = 32


class Var(ScaleLikelihood, MultiScaleGenerator):
    """One of VAR's sizes over the scales of its tokenizer.

    Guidance is ``(1 + t) c - t u``, with t growing evenly from 0 at the first scale to ``cfg_scale`` at the last.

    Args:
        size: of the network; ``d36-s`` is the one of 512 pixels.
        scales: sides of the token maps, those that the network was trained for.
        tokenizer: that it generates for.
        cfg_scale: guidance t at the last scale; 0 for none.
        guided_scales: guide so many of the first scales only.
        top_k: only the k likeliest tokens stay; 0 for all.
        top_p: only the likeliest tokens that together reach p stay; 1 for all (the authors' code says 0).
        temperature: logits that the filters left are divided by it; or one for each scale.
        greedy: the likeliest token everywhere.
        draw: ``inverse-cdf``, or ``torch-multinomial`` for the authors' own draws of a single image.
        strategy: ``plain``: one pass a scale; ``code``: these weights draft the first scales, and a second network
            refines them and predicts the others; ``scalekv``, ``hack``: the cache forgets, by layer or by head;
            ``current-scale``: it forgets everything, after every scale; ``fastvar``: positions of wide scales are left
            out, and the last scales.
        refiner: of ``code``: the VAR whose network takes over, e.g. ``var-d16``.
        drafted_scales: of ``code``: scales before it does.
        budget: of ``scalekv`` and ``hack``: share of the cache that is kept.
        large_layers: of ``scalekv``: layers that keep everything, from 0.
        calibration: of ``hack``: file of ``vtbench calibrate``, made of these weights.
        contextual_budget: of ``hack``: share that heads of contents keep; a quarter of ``budget`` unless given.
        prune: of ``fastvar``: share of positions that middle blocks leave out, by the width of a scale: ``{13: 0.4}``.
        skipped_scales: of ``fastvar``: so many of the last scales are not predicted.
        codebook_size: entries of the tokenizer's codebook.
        codebook_dim: channels of an entry.
        classes: labels that it was trained with.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: a setting out of range.
    """

    family = "var"
    citation = (
        "Tian et al., Visual Autoregressive Modeling: Scalable Image Generation via Next-Scale Prediction, NeurIPS 2024"
    )
    keys = ("trainer.var_wo_ddp", "state_dict")
    ignore_unexpected = ("lvl_1L", "attn_bias_for_masking")  # follow from the scales
    shrunken: ClassVar[Mapping[str, Any]] = {
        "size": "tiny",
        "scales": (1, 2, 3, 4),
        "tokenizer": "var-vq,scales=[1,2,3,4],channels=32,multipliers=[1,1],random_weights_seed=0",
    }

    def __init__(
        self,
        size: Literal["d16", "d20", "d24", "d30", "d36-s", "micro", "nano", "tiny"] = "d16",
        scales: Sequence[int] = (1, 2, 3, 4, 5, 6, 8, 10, 13, 16),
        tokenizer: str = "var-256",
        *,
        cfg_scale: float = 1.5,
        guided_scales: int | None = None,
        top_k: int = 900,
        top_p: float = 0.96,
        temperature: float | Sequence[float] = 1.0,
        greedy: bool = False,
        draw: DrawRule = "inverse-cdf",
        strategy: str = "plain",
        refiner: str | None = None,
        drafted_scales: int | None = None,
        budget: float | None = None,
        large_layers: Sequence[int] | None = None,
        calibration: str | None = None,
        contextual_budget: float | None = None,
        prune: Mapping[int, float] | None = None,
        skipped_scales: int | None = None,
        codebook_size: int = VOCABULARY,
        codebook_dim: int = CODEBOOK_DIM,
        classes: int = CLASSES,
        **where: Unpack[WeightsFrom],
    ) -> None:
        from vtbench.generators.published.next_scale.var.network import SIZES

        schedule = ScaleSchedule.square(scales)
        temperatures = each_scale("temperature", temperature, len(schedule))
        order = FIRST if set(temperatures) == {1.0} else LAST
        settings = ScaleSettings(
            schedule,
            tuple(Filters(one, top_k, top_p, greedy, PRECISIONS[draw], order, "reaches") for one in temperatures),
            Ramp(cfg_scale),
            guided_scales=guided_scales,
            draw=draw,
            strategy=strategy_of(
                strategy,
                Around(family=Var, schedule=schedule, depth=int(SIZES[size]["depth"])),
                {
                    **{"refiner": refiner, "drafted_scales": drafted_scales, "budget": budget},
                    **{"large_layers": large_layers, "calibration": calibration},
                    "contextual_budget": contextual_budget,
                    **{"prune": prune, "skipped_scales": skipped_scales},
                },
            ),
        )
        self._setup(
            lambda: _network(size, schedule, vocabulary=codebook_size, channels=codebook_dim, classes=classes),
            Source(**where),
            Identity(
                *(tokenizer, codebook_size, schedule.sizes[-1]),
                settings=settings,
                image=ImageRule(rounding="truncate"),
                classes=classes,
            ),
        )


def _network(size: str, schedule: ScaleSchedule, **sizes: int) -> Any:
    from vtbench.generators.published.next_scale.var.network import SIZES, VarGeometry, VarNetwork

    return VarNetwork(VarGeometry(**SIZES[size], **sizes, schedule=schedule))  # type: ignore[arg-type]
