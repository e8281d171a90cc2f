"""``llamagen-t2i``: LlamaGen's generators from prompts (Sun et al. 2024), 2406.06525.

Written from FoundationVision/LlamaGen (ce98ec4). With equal random weights of the whole network (258 tensors of
777,923,840 elements), and of a text encoder of one block, on a CPU, from two prompts at 256 pixels: features of the
text and their masks equal; logits of one image, teacher-forced, equal bit for bit; all of 2 x 256 greedy tokens under
guidance 7.5 equal (255 and 256 distinct), and all of 256 drawn after ``manual_seed(7)`` under top-k 1000 (254
distinct); the images of these codes by their VQ-16 within 2.7e-5. At a small size sequences with and without
``cfg_interval`` equal theirs in ``tests/unit/generators/published``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from typing_extensions import Unpack

from vtbench.checkpoints.loading import Source, WeightsFrom
from vtbench.generators.published.base import Identity, ImageRule
from vtbench.generators.published.next_token.llamagen.adapter import VOCABULARY, LlamaGen, schedule
from vtbench.generators.published.next_token.llamagen.reading import LENGTH, TextInFront
from vtbench.generators.published.teacher_forcing import TeacherForced
from vtbench.generators.sampling.draws import PRECISIONS, DrawRule
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.settings import SamplerSettings
from vtbench.generators.sampling.strategies.choice import StrategyName, strategy_of
from vtbench.generators.sampling.strategies.drafting import Filling
from vtbench.generators.text.rules import TextPrecision


class LlamaGenT2i(TeacherForced, TextInFront):
    """LlamaGen from prompts, over the codes of its VQ-16 for text to image.

    A prompt is cleaned as a caption, read by flan-t5-xl, and filled up on the left to 120 positions, of which only
    those of the text are seen.

    Args:
        size: of the network.
        grid: tokens along one side: 16 for 256 pixels (stage 1), 32 for 512 (stage 2).
        tokenizer: that it generates for.
        text_encoder: folder or hub id of the text encoder; google/flan-t5-xl unless given.
        text_precision: of the text encoder's weights, whatever the generator's; the authors run both in bfloat16.
        cfg_scale: guidance s in ``u + s (c - u)``; 1 for none.
        cfg_interval: guide the tokens up to the one of this decode step only (0 is the second token); -1 for all.
        temperature: logits are divided by it.
        top_k: only the k likeliest tokens stay; 0 for all.
        top_p: only the likeliest tokens that together exceed p stay; 1 for all.
        greedy: the likeliest token at every step.
        draw: ``inverse-cdf``, or ``torch-multinomial`` for the authors' own draws of a single image.
        strategy: ``sjd`` (speculative Jacobi decoding: the same distribution in fewer passes), ``gsd`` (its lossy
            kin), or ``plain``: one token a pass.
        window: tokens of an image that a pass of a strategy sees.
        filling: what a strategy's window holds at first: ``random`` tokens, or each the one on its left.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: a setting out of range.
        AssetMissingError: the text encoder cannot be had.
    """

    family = "llamagen-t2i"
    citation = LlamaGen.citation
    keys = LlamaGen.keys
    ignore_unexpected = LlamaGen.ignore_unexpected
    shrunken: ClassVar[Mapping[str, Any]] = LlamaGen.shrunken

    def __init__(
        self,
        size: Literal["XL", "tiny"] = "XL",
        grid: int = 16,
        tokenizer: str = "llamagen-ds16-t2i",
        *,
        text_encoder: str | None = None,
        text_precision: TextPrecision = "float32",
        cfg_scale: float = 7.5,
        cfg_interval: int = -1,
        temperature: float = 1.0,
        top_k: int = 1000,
        top_p: float = 1.0,
        greedy: bool = False,
        draw: DrawRule = "inverse-cdf",
        strategy: StrategyName = "plain",
        window: int = 16,
        filling: Filling = "random",
        **where: Unpack[WeightsFrom],
    ) -> None:
        from vtbench.generators.published.next_token.llamagen.network import SIZES, LlamaGenGeometry, LlamaGenNetwork
        from vtbench.generators.published.next_token.llamagen.network_condition import TextGeometry

        geometry = LlamaGenGeometry(SIZES[size], VOCABULARY, grid, text=TextGeometry(LENGTH))
        filters = Filters(temperature, top_k, top_p, greedy, PRECISIONS[draw])
        settings = SamplerSettings(
            filters, schedule(cfg_scale, cfg_interval, None), draw, strategy=strategy_of(strategy, window, filling)
        )
        self._setup_from_text(
            lambda: LlamaGenNetwork(geometry),
            Source(**where),
            Identity(tokenizer, VOCABULARY, (grid, grid), settings, ImageRule()),
            text_encoder,
            text_precision,
        )
