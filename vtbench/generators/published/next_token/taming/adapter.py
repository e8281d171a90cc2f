"""``taming-gpt``: taming transformers' class-conditional GPT of 1.4 G parameters (Esser et al. 2021), 2012.09841.

Held against CompVis/taming-transformers (3ba01b2), two layers of equal weights, float32 on a CPU: logits within 1.2e-7,
greedy sequences equal, and of single images drawn by its own ``sample_with_past`` (six seeds, top-k 60 with top-p 0.92,
and temperature 0.9) all tokens equal. The filter that it takes from an old transformers was that of its copy in
TencentARC/SEED-Voken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from typing_extensions import Unpack

from vtbench.checkpoints.loading import Source, WeightsFrom
from vtbench.core.contracts import Condition
from vtbench.generators.published.base import Identity, ImageRule, PublishedGenerator
from vtbench.generators.published.teacher_forcing import TeacherForced
from vtbench.generators.sampling.draws import PRECISIONS, DrawRule
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.settings import SamplerSettings
from vtbench.generators.sampling.strategies.choice import StrategyName, strategy_of
from vtbench.generators.sampling.strategies.drafting import Filling

if TYPE_CHECKING:
    from vtbench.generators.sampling.next_token import Prompted


CLASSES = 1000


class TamingGpt(TeacherForced, PublishedGenerator):
    """GPT-2's blocks over the codes of VQGAN. A class is a code of its number in front; nothing stands for "no class",
    so there is no guidance.

    The configuration that comes with the published file says how many heads there are (``n_head``, 24): a file of
    weights fits any number, and another than the trained one draws nonsense.

    Args:
        size: of the network.
        tokenizer: that it generates for.
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

    family = "taming-gpt"
    citation = "Esser et al., Taming Transformers for High-Resolution Image Synthesis, CVPR 2021"
    keys = ("state_dict",)
    prefix = "transformer."
    ignore_unexpected = ("blocks.*.attn.mask",)
    shrunken: ClassVar[Mapping[str, Any]] = {
        "size": "tiny",
        "tokenizer": "janus-vq,random_weights_seed=0",
    }

    def __init__(
        self,
        size: Literal["cin", "tiny"] = "cin",
        tokenizer: str = "vqgan-f16-16384",
        *,
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
        from vtbench.generators.published.next_token.taming.network import SIZES, TamingNetwork

        geometry = SIZES[size]
        filters = Filters(temperature, top_k, top_p, greedy, PRECISIONS[draw])
        self._setup(
            lambda: TamingNetwork(geometry),
            Source(**where),
            Identity(
                tokenizer,
                geometry.vocabulary,
                (geometry.grid, geometry.grid),
                SamplerSettings(filters, draw=draw, strategy=strategy_of(strategy, window, filling)),
                ImageRule(rounding="truncate"),
                CLASSES,
            ),
        )

    def _prompted(self, conditions: Sequence[Condition]) -> Prompted:
        from vtbench.generators.sampling.next_token import Prompted

        labels = self._labels(conditions)
        return Prompted(labels, labels)
