"""``hita-gpt``: Hita's class-conditional generators (Zheng et al. 2025), 2507.02358.

Written from CVMI-Lab/Hita (e10a95c). With equal random weights of the whole network of size B (90 tensors) on a
CPU, all of 569 tokens drawn after ``manual_seed(7)`` under guidance 1.5 equal theirs (559 distinct), both with a cache.
At a small size greedy sequences of two images equal theirs for ``cfg_interval`` -1, 0, 5 and 12, and those in
``tests/unit/generators/published``. The published guidance of each number is not stated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from typing_extensions import Unpack

from vtbench.checkpoints.loading import Source, WeightsFrom
from vtbench.core.codes import Codes
from vtbench.core.errors import AdapterError
from vtbench.generators.published.base import Identity, ImageRule, PublishedGenerator
from vtbench.generators.published.teacher_forcing import TeacherForced
from vtbench.generators.sampling.draws import PRECISIONS, DrawRule
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.guidance import Constant, Interval
from vtbench.generators.sampling.settings import SamplerSettings
from vtbench.generators.sampling.strategies.choice import StrategyName, strategy_of
from vtbench.generators.sampling.strategies.drafting import Filling

if TYPE_CHECKING:
    from torch import Tensor


VOCABULARY = 16384
CLASSES = 1000


class HitaGpt(TeacherForced, PublishedGenerator):
    """One of Hita's sizes over its own tokens: 128 of the whole image, then a map of 21 by 21.

    In bfloat16 the authors round guided logits and probabilities to it too; here both keep at least float32.

    Args:
        size: of the network.
        slots: holistic tokens.
        grid: tokens of the map along one side.
        tokenizer: that it generates for.
        cfg_scale: guidance s in ``u + s (c - u)``; 1 for none.
        cfg_interval: guide the tokens up to the one of this decode step only (0 is the second token); -1 for all.
        temperature: logits are divided by it.
        top_k: only the k likeliest tokens stay; 0 for all.
        top_p: only the likeliest tokens that together exceed p stay; 1 for all.
        greedy: the likeliest token at every step.
        draw: ``inverse-cdf``, or ``torch-multinomial`` for the authors' own draws of a single image.
        strategy: ``sjd`` (the same distribution in fewer passes), ``gsd`` (its lossy kin), or ``plain``: one a pass.
        window: tokens of an image that a pass of a strategy sees.
        filling: what a strategy's window holds at first: ``random`` tokens, or each the one on its left.
        output_size: pixels to which images are resized as the authors do; those of the tokenizer unless given.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: a setting out of range.
    """

    family = "hita-gpt"
    citation = "Zheng et al., Holistic Tokenizer for Autoregressive Image Generation, 2025"
    keys = ("ema", "module", "state_dict")
    ignore_unexpected = ("freqs_cis",)
    shrunken: ClassVar[Mapping[str, Any]] = {
        **{"size": "tiny", "slots": 8, "grid": 3},
        "tokenizer": "hita,vision=nano,view=28,size=48,slots=8,width=32,heads=2,layers=1,channels=32,blocks=1,"
        "random_weights_seed=0",
    }

    def __init__(
        self,
        size: Literal["B", "L", "XL", "XXL", "2B", "tiny"] = "B",
        slots: int = 128,
        grid: int = 21,
        tokenizer: str = "hita-v",
        *,
        cfg_scale: float = 1.0,
        cfg_interval: int = -1,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        greedy: bool = False,
        draw: DrawRule = "inverse-cdf",
        strategy: StrategyName = "plain",
        window: int = 16,
        filling: Filling = "random",
        output_size: int | None = None,
        **where: Unpack[WeightsFrom],
    ) -> None:
        from vtbench.generators.published.next_token.hita.network import SIZES, HitaGeometry, HitaNetwork

        geometry = HitaGeometry(SIZES[size], VOCABULARY, slots, grid, CLASSES)
        filters = Filters(temperature, top_k, top_p, greedy, PRECISIONS[draw])
        guidance = Constant(cfg_scale) if cfg_interval < 0 else Interval(cfg_scale, cfg_interval)
        self._slots = slots
        self._setup(
            lambda: HitaNetwork(geometry),
            Source(**where),
            Identity(
                *(tokenizer, VOCABULARY, (grid, grid)),
                settings=SamplerSettings(
                    filters,
                    guidance,
                    draw,
                    order=f"{slots} holistic, then raster",
                    strategy=strategy_of(strategy, window, filling),
                ),
                image=ImageRule(output_size),
                classes=CLASSES,
            ),
        )

    def _codes(self, tokens: Tensor) -> Codes:
        side = self._side()
        local = tokens[:, self._slots :].reshape(-1, *self._identity.grid)
        return Codes(levels=(tokens[:, : self._slots], local), image_size=(side, side))

    def _tokens_of(self, codes: Codes) -> Tensor:
        import torch

        return torch.cat([level.flatten(1) for level in codes.levels], dim=1)

    def _check_tokenizer(self) -> None:
        info = self.tokenizer.info
        if tuple(info.codebook_sizes) != (VOCABULARY, VOCABULARY):
            raise AdapterError(
                f"{self.family} draws tokens of two codebooks of {VOCABULARY}; the tokenizer {info.name} has "
                f"{tuple(info.codebook_sizes)}",
                "leave tokenizer= out, or name the one that the generator was trained on",
            )
