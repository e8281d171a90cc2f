"""``m-var``: M-VAR's class-conditional generators (Ren et al. 2024), 2411.10433.

Held against OliverRensu/MVAR (80768a1) on a CPU in float32 with equal random weights, an image at a time, top-k 900,
top-p 0.96, with Mamba-2's recurrence, one position after another, in place of mamba_ssm's kernel, and torch's attention
in place of flash_attn's: all 680 codes of four images of two networks equal (about 590 distinct), two blocks with
cosine attention and three without; images within 3e-7 in [0, 1], logits within 2e-6 at a magnitude of 3.5. mamba_ssm's
own kernel was not run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from typing_extensions import Unpack

from vtbench.checkpoints.loading import Source, WeightsFrom
from vtbench.generators.published.base import Identity, ImageRule
from vtbench.generators.published.next_scale.base import CLASSES, MultiScaleGenerator
from vtbench.generators.published.next_scale.likelihood import ScaleLikelihood
from vtbench.generators.sampling.draws import PRECISIONS, DrawRule
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.next_scale.ramps import Ramp
from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule
from vtbench.generators.sampling.next_scale.settings import ScaleSettings

VOCABULARY = 4096


class MVar(ScaleLikelihood, MultiScaleGenerator):
    """One of M-VAR's sizes over VAR's scales. It needs transformers, whose Mamba-2 leads from scale to scale.

    Guidance is ``(1 + t) c - t u``, with t growing evenly from 0 at the first scale to ``cfg_scale`` at the last.

    Args:
        size: of the network; d16 and d20 are without cosine attention.
        scales: sides of the token maps, those that the network was trained for.
        tokenizer: that it generates for.
        cfg_scale: guidance t at the last scale; 0 for none.
        guided_scales: guide so many of the first scales only.
        top_k: only the k likeliest tokens stay; 0 for all.
        top_p: only the likeliest tokens that together reach p stay; 1 for all (the authors' code says 0).
        greedy: the likeliest token everywhere.
        draw: ``inverse-cdf``, or ``torch-multinomial`` for the authors' own draws of a single image.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: a setting out of range.
        AssetMissingError: transformers is not there.
    """

    family = "m-var"
    citation = "Ren et al., M-VAR: Decoupled Scale-wise Autoregressive Modeling for High-Quality Image Generation, 2024"
    keys = ("trainer.mvar_wo_ddp", "state_dict")
    ignore_unexpected = ("lvl_1L", "attn_bias_for_masking", "blocks.*.attn.patch_nums")  # follow from the scales
    shrunken: ClassVar[Mapping[str, Any]] = {
        "size": "tiny",
        "scales": (1, 2, 3, 4),
        "tokenizer": "var-vq,scales=[1,2,3,4],channels=32,multipliers=[1,1],random_weights_seed=0",
    }

    def __init__(
        self,
        size: Literal["d16", "d20", "d24", "d32", "tiny"] = "d32",
        scales: Sequence[int] = (1, 2, 3, 4, 5, 6, 8, 10, 13, 16),
        tokenizer: str = "var-256",
        *,
        cfg_scale: float = 1.5,
        guided_scales: int | None = None,
        top_k: int = 900,
        top_p: float = 0.96,
        greedy: bool = False,
        draw: DrawRule = "inverse-cdf",
        **where: Unpack[WeightsFrom],
    ) -> None:
        schedule = ScaleSchedule.square(scales)
        filters = Filters(1.0, top_k, top_p, greedy, PRECISIONS[draw], boundary="reaches")
        settings = ScaleSettings(schedule, (filters,), Ramp(cfg_scale), guided_scales=guided_scales, draw=draw)
        self._setup(
            lambda: _network(size, schedule),
            Source(**where),
            Identity(
                *(tokenizer, VOCABULARY, schedule.sizes[-1]),
                settings=settings,
                image=ImageRule(rounding="truncate"),
                classes=CLASSES,
            ),
        )


def _network(size: str, schedule: ScaleSchedule) -> Any:
    from vtbench.generators.published.next_scale.mvar.network import SIZES, MvarNetwork
    from vtbench.generators.published.next_scale.var.network import VarGeometry

    return MvarNetwork(VarGeometry(**SIZES[size], schedule=schedule))  # type: ignore[arg-type]
