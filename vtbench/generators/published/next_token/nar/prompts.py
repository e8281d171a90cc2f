"""``nar-t2i``: NAR's generator from prompts (He et al. 2025), 2503.10696.

Written from ThisisBillhe/NAR (225c1fb, NAR-images). With equal random weights of the whole network (267 tensors of
819,215,360 elements), and of a text encoder of one block, on a CPU, from two prompts at 256 pixels: features of the
text and their masks equal; logits of one image, teacher-forced, equal bit for bit; all of 2 x 256 greedy tokens under
guidance 7.5 equal (256 distinct each), and all of 256 drawn after ``manual_seed(7)`` (253 distinct); the images of
these codes by their VQ-16 within 2.9e-5. At a small size sequences with and without ``cfg_interval`` equal theirs in
``tests/unit/generators/published``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from typing_extensions import Unpack

from vtbench.checkpoints.loading import Source, WeightsFrom
from vtbench.generators.published.base import Identity, ImageRule
from vtbench.generators.published.next_token.llamagen.reading import LENGTH, TextInFront
from vtbench.generators.published.next_token.nar.adapter import Nar, guidance
from vtbench.generators.published.next_token.nar.neighbouring import CITATION, VOCABULARY, Neighbouring
from vtbench.generators.sampling.draws import PRECISIONS, DrawRule
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.settings import SamplerSettings
from vtbench.generators.text.rules import TextPrecision


class NarT2i(Neighbouring, TextInFront):
    """NAR from prompts, over the codes of LlamaGen's VQ-16 for text to image: 63 passes for 1024 tokens.

    A prompt is cleaned and read as by ``llamagen-t2i``.

    Args:
        size: of the network.
        grid: tokens along one side: 16 for 256 pixels, 32 for 512.
        tokenizer: that it generates for.
        text_encoder: folder or hub id of the text encoder; google/flan-t5-xl unless given.
        text_precision: of the text encoder's weights, whatever the generator's; the authors run both in bfloat16.
        cfg_scale: guidance s in ``u + s (c - u)``, on the mean of both heads; 1 for none.
        cfg_interval: guide while at most so many tokens are there; -1 for all.
        temperature: logits are divided by it.
        top_k: only the k likeliest tokens stay; 0 for all.
        top_p: only the likeliest tokens that together exceed p stay; 1 for all.
        greedy: the likeliest token at every position.
        draw: ``inverse-cdf``, or ``torch-multinomial`` for the authors' own draws of a single image.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: a setting out of range.
        AssetMissingError: the text encoder cannot be had.
    """

    family = "nar-t2i"
    citation = CITATION
    keys = Nar.keys
    ignore_unexpected = Nar.ignore_unexpected
    shrunken: ClassVar[Mapping[str, Any]] = Nar.shrunken

    def __init__(
        self,
        size: Literal["XL", "tiny"] = "XL",
        grid: int = 32,
        tokenizer: str = "llamagen-ds16-t2i",
        *,
        text_encoder: str | None = None,
        text_precision: TextPrecision = "float32",
        cfg_scale: float = 7.5,
        cfg_interval: int = -1,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        greedy: bool = False,
        draw: DrawRule = "inverse-cdf",
        **where: Unpack[WeightsFrom],
    ) -> None:
        from vtbench.generators.published.next_token.llamagen.network_condition import TextGeometry
        from vtbench.generators.published.next_token.nar.network import SIZES, NarGeometry, NarNetwork

        geometry = NarGeometry(SIZES[size], VOCABULARY, grid, text=TextGeometry(LENGTH))
        filters = Filters(temperature, top_k, top_p, greedy, PRECISIONS[draw])
        settings = SamplerSettings(filters, guidance(cfg_scale, cfg_interval), draw, order=geometry.order.name)
        self._setup_from_text(
            lambda: NarNetwork(geometry),
            Source(**where),
            Identity(tokenizer, VOCABULARY, (grid, grid), settings, ImageRule()),
            text_encoder,
            text_precision,
        )
