"""``ibq-ar``: IBQ's generators (Shi et al. 2024), 2412.02692, over the codes of its tokenizer of 16,384 entries.

Held against TencentARC/SEED-Voken (b9a17ea), two layers of equal weights, float32 on a CPU: logits equal, the greedy
sequence of ``tests/unit/generators/published`` equal, and of single images drawn by its own ``sample_IBQ`` (six seeds,
guidance 2.25 at temperature 1.1, and 3 with top-k 40 and top-p 0.95) all tokens equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from typing_extensions import Unpack

from vtbench.checkpoints.loading import Source, WeightsFrom
from vtbench.generators.published.base import Identity, ImageRule, PublishedGenerator
from vtbench.generators.published.teacher_forcing import TeacherForced
from vtbench.generators.sampling.draws import PRECISIONS, DrawRule
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.guidance import Constant
from vtbench.generators.sampling.settings import SamplerSettings
from vtbench.generators.sampling.strategies.choice import StrategyName, strategy_of
from vtbench.generators.sampling.strategies.drafting import Filling

if TYPE_CHECKING:
    pass


CLASSES = 1000


class IbqAr(TeacherForced, PublishedGenerator):
    """One of IBQ's sizes. The authors' own sampler fails without guidance; here 1 means none.

    Args:
        size: of the network.
        grid: tokens along one side.
        vocabulary: entries of the tokenizer's codebook.
        tokenizer: that it generates for.
        cfg_scale: guidance s in ``u + s (c - u)``; 1 for none.
        temperature: logits are divided by it.
        top_k: only the k likeliest tokens stay; 0 for all.
        top_p: only the likeliest tokens that together exceed p stay; 1 for all.
        greedy: the likeliest token at every step.
        draw: ``inverse-cdf``, or ``torch-multinomial`` for the authors' own draws of a single image.
        strategy: ``sjd`` (the same distribution in fewer passes), ``gsd`` (its lossy kin), or ``plain``: one a pass.
        window: tokens of an image that a pass of a strategy sees.
        filling: what a strategy's window holds at first: ``random`` tokens, or each the one on its left.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: a setting out of range.
    """

    family = "ibq-ar"
    citation = "Shi et al., Scalable Image Tokenization with Index Backpropagation Quantization, 2024"
    keys = ("state_dict",)
    prefix = "transformer."
    shrunken: ClassVar[Mapping[str, Any]] = {
        **{"size": "tiny", "grid": 4, "vocabulary": 32},
        "tokenizer": "ibq,channels=8,multipliers=[1,2],codebook_dim=6,codebook_size=32,blocks=1,norm_groups=4,"
        "random_weights_seed=0",
    }

    def __init__(
        self,
        size: Literal["B", "L", "XL", "XXL", "tiny"] = "B",
        grid: int = 16,
        vocabulary: int = 16384,
        tokenizer: str = "ibq-16384",
        *,
        cfg_scale: float = 1.0,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        greedy: bool = False,
        draw: DrawRule = "inverse-cdf",
        strategy: StrategyName = "plain",
        window: int = 16,
        filling: Filling = "random",
        **where: Unpack[WeightsFrom],
    ) -> None:
        from vtbench.generators.published.next_token.ibq.network import SIZES, IbqGeometry, IbqNetwork

        geometry = IbqGeometry(SIZES[size], vocabulary, grid, CLASSES)
        filters = Filters(temperature, top_k, top_p, greedy, PRECISIONS[draw])
        self._setup(
            lambda: IbqNetwork(geometry),
            Source(**where),
            Identity(
                tokenizer,
                vocabulary,
                (grid, grid),
                SamplerSettings(filters, Constant(cfg_scale), draw, strategy=strategy_of(strategy, window, filling)),
                ImageRule(rounding="truncate"),
                CLASSES,
            ),
        )
