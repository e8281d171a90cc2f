"""``imagegpt``: ImageGPT (Chen et al. 2020), unconditional images of 32 pixels in 512 colours.

The network is transformers' ``ImageGPTForCausalImageModeling``; the loop, the draws and the cache are this project's.
Greedy sequences equal those of the library's own ``generate`` with the same weights, and so do drawn ones of a single
image with ``draw=torch-multinomial`` (``tests/unit/generators/published``). The paper's ``bits/dim`` are of its tokens
and are not given here: a palette stands for a pixel, so its likelihood is none of pixels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from typing_extensions import Unpack

from vtbench.checkpoints.cards import find_generator_card
from vtbench.checkpoints.loading import Source, WeightsFrom
from vtbench.core.contracts import Condition
from vtbench.generators.published.base import Identity, ImageRule, PublishedGenerator
from vtbench.generators.published.library.settings import refuse_other_settings
from vtbench.generators.published.teacher_forcing import TeacherForced
from vtbench.generators.sampling.draws import PRECISIONS, DrawRule
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.settings import SamplerSettings
from vtbench.generators.sampling.strategies.choice import StrategyName, strategy_of
from vtbench.generators.sampling.strategies.drafting import Filling

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.generators.sampling.next_token import Prompted


class ImageGpt(TeacherForced, PublishedGenerator):
    """One of ImageGPT's sizes; a token is a pixel, in raster order.

    It is conditioned on nothing: a label or a prompt changes no image. Its likelihood, ``log_likelihood``, is of the
    colours of its palette, not of pixels, and has no bits a dimension.

    Args:
        size: of the network.
        tokenizer: the palette.
        temperature: logits are divided by it.
        top_k: only the k likeliest tokens stay; 0 for all.
        top_p: only the likeliest tokens that together exceed p stay; 1 for all.
        greedy: the likeliest token at every step.
        draw: ``inverse-cdf``, or ``torch-multinomial`` for the draws of ``generate`` of a single image.
        strategy: ``sjd`` (speculative Jacobi decoding: the same distribution in fewer passes), ``gsd`` (its lossy
            kin), or ``plain``: one token a pass.
        window: tokens of an image that a pass of a strategy sees.
        filling: what a strategy's window holds at first: ``random`` tokens, or each the one on its left.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        AssetMissingError: transformers is not installed, or too old.
        AdapterError: weights, or a configuration beside them, that are of another network.
        UsageError: a setting out of range.
    """

    family = "imagegpt"
    conditioned_on = "none"
    citation = "Chen et al., Generative Pretraining from Pixels, ICML 2020"
    ignore_unexpected = ("*.attn.bias", "*.attn.masked_bias")  # masks, which files of 2021 hold as buffers
    shrunken: ClassVar[Mapping[str, Any]] = {
        "size": "tiny",
        "tokenizer": "imagegpt-palette,colours=32,random_weights_seed=0",
    }

    def __init__(
        self,
        size: Literal["small", "medium", "large", "tiny"] = "small",
        tokenizer: str = "imagegpt-palette-512",
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
        from vtbench.generators.published.next_token.imagegpt.network import (
            SIZES,
            UNSEEN,
            ImageGptNetwork,
            library_config,
        )

        geometry, source = SIZES[size], Source(**where)
        known = None if source.card is None else find_generator_card(source.card)
        refuse_other_settings(library_config(geometry), UNSEEN, source, known, source.card or self.family)
        filters = Filters(temperature, top_k, top_p, greedy, PRECISIONS[draw])
        settings = SamplerSettings(filters, draw=draw, strategy=strategy_of(strategy, window, filling))
        self._setup(
            lambda: ImageGptNetwork(geometry),
            source,
            Identity(tokenizer, geometry.colours, (geometry.side, geometry.side), settings, ImageRule()),
        )

    def _convert(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        return {f"model.{name}": tensor for name, tensor in state.items()}

    def _labels(self, conditions: Sequence[Condition]) -> Tensor:
        """One number an image, that says nothing."""
        import torch

        return torch.zeros(len(conditions), dtype=torch.int64, device=next(self._network.parameters()).device)

    def _prompted(self, conditions: Sequence[Condition]) -> Prompted:
        from vtbench.generators.sampling.next_token import Prompted

        nothing = self._labels(conditions)
        return Prompted(nothing, nothing)
