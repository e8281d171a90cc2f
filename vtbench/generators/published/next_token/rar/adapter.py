"""``rar``: RAR's class-conditional generators (Yu et al. 2024), 2411.00776.

Written from bytedance/1d-tokenizer (942a96f). With equal random weights of the whole network of size B (441
tensors) on a CPU: logits of two images equal bit for bit, all of 512 greedy tokens under guidance 16 to the power 2.75
equal (182 distinct), and all of 256 drawn after ``manual_seed(7)`` in a batch of one (219 distinct). Their network
at a small size gives the sequences in ``tests/unit/generators/published``. Their script runs in float32 with TF32.

RobustTok's RAR (Qiu et al. 2025, 2503.08354; lxa9867/ImageFolder, 76ddfb9) is this network over another codebook: its
file of network and sampler differs in the line that names a package. It rounds pixels to the nearest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from typing_extensions import Unpack

from vtbench.checkpoints.loading import Source, WeightsFrom
from vtbench.core.contracts import Condition
from vtbench.generators.published.base import Identity, ImageRule, PublishedGenerator, Rounding
from vtbench.generators.published.teacher_forcing import TeacherForced
from vtbench.generators.sampling.draws import PRECISIONS, DrawRule
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.guidance import PowerCosine
from vtbench.generators.sampling.settings import SamplerSettings
from vtbench.generators.sampling.strategies.choice import StrategyName, strategy_of
from vtbench.generators.sampling.strategies.drafting import Filling

if TYPE_CHECKING:
    from vtbench.generators.sampling.next_token import Prompted


class Rar(TeacherForced, PublishedGenerator):
    """One of RAR's sizes over the codes of MaskGIT's VQGAN, or of another tokenizer with 16x16 tokens.

    Args:
        size: of the network.
        tokenizer: that it generates for.
        codebook_size: entries of that one's codebook.
        rounding: of pixels, as the authors' script has it.
        cfg_scale: what guidance tends to: ``1 + (s-1)(1 - cos(π (t/N)^power))/2`` at token t of N; 0 or 1 for none.
        cfg_power: of the rise; 0 for ``cfg_scale`` at every token.
        temperature: logits are divided by it.
        top_k: only the k likeliest tokens stay; 0 for all, as the authors sample.
        top_p: only the likeliest tokens that together exceed p stay; 1 for all, as the authors sample.
        greedy: the likeliest token at every step.
        draw: ``inverse-cdf``, or ``torch-multinomial`` for the authors' own draws of a single image.
        strategy: ``sjd`` (the same distribution in fewer passes), ``gsd`` (its lossy kin), or ``plain``: one a pass.
        window: tokens of an image that a pass of a strategy sees.
        filling: what a strategy's window holds at first: ``random`` tokens, or each the one on its left.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: a setting out of range.
    """

    family = "rar"
    citation = "Yu et al., Randomized Autoregressive Visual Generation, 2024"
    shrunken: ClassVar[Mapping[str, Any]] = {"size": "tiny", "tokenizer": "maskgit-vq,random_weights_seed=0"}

    def __init__(
        self,
        size: Literal["B", "L", "XL", "XXL", "tiny"] = "B",
        tokenizer: str = "maskgit-vqgan",
        *,
        codebook_size: int = 1024,
        rounding: Rounding = "truncate",
        cfg_scale: float = 1.0,
        cfg_power: float = 0.0,
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
        from vtbench.generators.published.next_token.rar.network import SIZES, RarNetwork

        geometry = replace(SIZES[size], vocabulary=codebook_size)
        side = int(geometry.tokens**0.5)
        filters = Filters(temperature, top_k, top_p, greedy, PRECISIONS[draw])
        # 0 is the authors' way to say none, which 1 is by the formula; each label takes a number before the first token
        settings = SamplerSettings(
            filters,
            PowerCosine(cfg_scale or 1.0, cfg_power),
            draw,
            numbers_before=1,
            strategy=strategy_of(strategy, window, filling),
        )
        self._setup(
            lambda: RarNetwork(geometry),
            Source(**where),
            Identity(
                tokenizer, geometry.vocabulary, (side, side), settings, ImageRule(rounding=rounding), geometry.classes
            ),
        )

    def _prompted(self, conditions: Sequence[Condition]) -> Prompted:
        import torch

        from vtbench.generators.sampling.next_token import Prompted

        labels = self._labels(conditions)
        return Prompted(labels, torch.full_like(labels, self._network.geometry.none))
