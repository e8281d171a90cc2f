"""``detailflow-gpt``: DetailFlow's class-conditional generators (Liu et al. 2025), 2505.21473.

Written from ByteFlow-AI/DetailFlow (c5f06cd). With equal random weights of the whole network (173 tensors,
128 tokens) on a CPU: logits of one image, teacher-forced, equal bit for bit; all of 128 greedy tokens under guidance
1.45 equal (101 distinct), and all of 128 drawn after ``manual_seed(7)`` (127 distinct), with a cache here and without
one there. Their ``gradual_cfg``, which no published number uses, is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from typing_extensions import Unpack

from vtbench.checkpoints.loading import Source, WeightsFrom
from vtbench.core.contracts import Condition, SamplingCost
from vtbench.core.errors import UsageError
from vtbench.generators.published.base import Identity, ImageRule, PublishedGenerator
from vtbench.generators.published.teacher_forcing import TeacherForced
from vtbench.generators.sampling.draws import PRECISIONS, DrawRule
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.guidance import Constant
from vtbench.generators.sampling.settings import SamplerSettings

if TYPE_CHECKING:
    from torch import Tensor


VOCABULARY = 8192
CLASSES = 1000


class DetailFlowGpt(TeacherForced, PublishedGenerator):
    """DetailFlow's GPT-L over its own tokens: eight one by one, then eight a pass; 23 passes for 128 tokens.

    A file as the training script writes it holds its settings as objects, which are refused:
    ``vtbench fetch --convert`` takes the weights out. The authors' script decodes in bfloat16 too.

    Args:
        size: of the network.
        tokens: of an image: 128, 256 or 512.
        group: tokens a pass, after so many single ones.
        tokenizer: that it generates for.
        cfg_scale: guidance s in ``u + s (c - u)``; 1 for none.
        temperature: logits are divided by it.
        top_k: only the k likeliest tokens stay; 0 for all.
        top_p: only the likeliest tokens that together exceed p stay; 1 for all.
        greedy: the likeliest token at every position.
        draw: ``inverse-cdf``, or ``torch-multinomial`` for the authors' own draws of a single image.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: a setting out of range, or tokens that are no whole groups.
    """

    family = "detailflow-gpt"
    order = "next-group"
    citation = "Liu et al., DetailFlow: 1D Coarse-to-Fine Autoregressive Image Generation, 2025"
    keys = ("ema", "model", "module", "state_dict")
    ignore_unexpected = ("freqs_cis",)
    shrunken: ClassVar[Mapping[str, Any]] = {
        **{"size": "tiny", "tokens": 16, "group": 4},
        "tokenizer": "detailflow,encoder=nano,decoder=nano,tokens=16,group=4,size=16,patch=4,positions=4,"
        "random_weights_seed=0",
    }

    def __init__(
        self,
        size: Literal["L", "tiny"] = "L",
        tokens: int = 128,
        group: int = 8,
        tokenizer: str = "detailflow-16",
        *,
        cfg_scale: float = 1.0,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        greedy: bool = False,
        draw: DrawRule = "inverse-cdf",
        **where: Unpack[WeightsFrom],
    ) -> None:
        from vtbench.generators.published.next_token.detailflow.network import (
            SIZES,
            DetailFlowGeometry,
            DetailFlowNetwork,
        )

        if group < 2 or tokens % group or tokens < group:
            raise UsageError(f"{self.family}: tokens={tokens}, group={group}", "tokens are whole groups of 2 or more")
        geometry = DetailFlowGeometry(SIZES[size], VOCABULARY, tokens, group, CLASSES)
        filters = Filters(temperature, top_k, top_p, greedy, PRECISIONS[draw])
        settings = SamplerSettings(filters, Constant(cfg_scale), draw, order=geometry.order.name)
        self._setup(
            lambda: DetailFlowNetwork(geometry),
            Source(**where),
            Identity(tokenizer, VOCABULARY, (tokens,), settings, ImageRule(), CLASSES),
        )

    def _draw(self, conditions: Sequence[Condition], seeds: Tensor) -> tuple[Tensor, SamplingCost]:

        from vtbench.generators.sampling.groups import sample_groups

        prompted = self._prompted(conditions)
        return sample_groups(self._network, prompted, self._identity.settings, seeds)

    def _logits(self, labels: Tensor, tokens: Tensor) -> Tensor:
        # tokens of one group are drawn side by side: each is given the groups before, not its neighbours
        logits: Tensor = self._network(labels, tokens[:, : -self._network.geometry.group])
        return logits
