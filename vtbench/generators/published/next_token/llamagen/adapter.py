"""``llamagen``: LlamaGen's class-conditional generators (Sun et al. 2024), 2406.06525; VA-π publishes in its layout.

Written from FoundationVision/LlamaGen (ce98ec4). With equal random weights of the whole network of size B (88 tensors)
on a CPU: logits of one image, teacher-forced, equal bit for bit; all of 2 x 256 greedy tokens under guidance 2 equal
(254 and 250 distinct), and all of 256 drawn after ``manual_seed(7)`` (251 distinct); the images of these codes by their
VQ-16 within 2.5e-5. At a small size greedy and drawn sequences, the first logits, and guidance with and without an
interval equal theirs in ``tests/unit/generators/published``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from typing_extensions import Unpack

from vtbench.checkpoints.loading import Source, WeightsFrom
from vtbench.core.errors import UsageError
from vtbench.generators.published.base import Identity, ImageRule, PublishedGenerator
from vtbench.generators.published.teacher_forcing import TeacherForced
from vtbench.generators.sampling.draws import PRECISIONS, DrawRule
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.guidance import Constant, Interval, PowerCosine, Schedule
from vtbench.generators.sampling.settings import SamplerSettings
from vtbench.generators.sampling.strategies.choice import StrategyName, strategy_of
from vtbench.generators.sampling.strategies.drafting import Filling

if TYPE_CHECKING:
    pass


VOCABULARY = 16384
CLASSES = 1000


class LlamaGen(TeacherForced, PublishedGenerator):
    """One of LlamaGen's sizes over the codes of its VQ-16.

    Args:
        size: of the network.
        grid: tokens along one side: 16 for 256 pixels, 24 for 384.
        tokenizer: that it generates for.
        cfg_scale: guidance s in ``u + s (c - u)``; 1 for none.
        cfg_interval: guide the tokens up to the one of this decode step only (0 is the second token); -1 for all.
        cfg_power: with a number, guidance rises as ``1 + (s-1)(1 - cos(π ρ^power))/2`` (VA-π).
        temperature: logits are divided by it.
        top_k: only the k likeliest tokens stay; 0 for all.
        top_p: only the likeliest tokens that together exceed p stay; 1 for all.
        greedy: the likeliest token at every step.
        draw: ``inverse-cdf``, or ``torch-multinomial`` for the authors' own draws of a single image.
        strategy: ``sjd`` (speculative Jacobi decoding: the same distribution in fewer passes), ``gsd`` (its lossy
            kin), or ``plain``: one token a pass.
        window: tokens of an image that a pass of a strategy sees.
        filling: what a strategy's window holds at first: ``random`` tokens, or each the one on its left.
        output_size: pixels to which images are resized as the authors do; those of the tokenizer unless given.
        codebook_size: entries of the tokenizer's codebook.
        classes: labels that it was trained with.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: a setting out of range, or two schedules at once.
    """

    family = "llamagen"
    citation = "Sun et al., Autoregressive Model Beats Diffusion: Llama for Scalable Image Generation, 2024"
    keys = ("model", "module", "state_dict")
    ignore_unexpected = ("freqs_cis",)
    shrunken: ClassVar[Mapping[str, Any]] = {
        "size": "tiny",
        "grid": 4,
        "tokenizer": "janus-vq,channels=32,latent_channels=32,blocks=1,random_weights_seed=0",
    }

    def __init__(
        self,
        size: Literal["B", "L", "XL", "XXL", "3B", "nano", "tiny"] = "B",
        grid: int = 16,
        tokenizer: str = "llamagen-ds16",
        *,
        cfg_scale: float = 1.0,
        cfg_interval: int = -1,
        cfg_power: float | None = None,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        greedy: bool = False,
        draw: DrawRule = "inverse-cdf",
        strategy: StrategyName = "plain",
        window: int = 16,
        filling: Filling = "random",
        output_size: int | None = None,
        codebook_size: int = VOCABULARY,
        classes: int = CLASSES,
        **where: Unpack[WeightsFrom],
    ) -> None:
        from vtbench.generators.published.next_token.llamagen.network import SIZES, LlamaGenGeometry, LlamaGenNetwork

        geometry = LlamaGenGeometry(SIZES[size], codebook_size, grid, classes)
        filters = Filters(temperature, top_k, top_p, greedy, PRECISIONS[draw])
        guidance = schedule(cfg_scale, cfg_interval, cfg_power)
        settings = SamplerSettings(filters, guidance, draw, strategy=strategy_of(strategy, window, filling))
        self._setup(
            lambda: LlamaGenNetwork(geometry),
            Source(**where),
            Identity(tokenizer, codebook_size, (grid, grid), settings, ImageRule(output_size), classes),
        )


def schedule(scale: float, interval: int, power: float | None) -> Schedule:
    """The one that the arguments mean; raises ``UsageError`` for two at once."""
    if power is None:
        return Constant(scale) if interval < 0 else Interval(scale, interval)
    if interval >= 0:
        raise UsageError("cfg_interval and cfg_power exclude one another")
    return PowerCosine(scale, power, from_second=True)
