"""``nar``: NAR's class-conditional generators (He et al. 2025), 2503.10696.

Written from ThisisBillhe/NAR (225c1fb, NAR-images). With equal random weights of the whole network of size B (97
tensors) on a CPU: logits of one image, teacher-forced, equal bit for bit; all of 256 greedy tokens under guidance 2
equal (74 distinct), and all of 256 drawn after ``manual_seed(7)`` (252 distinct). At a small size greedy sequences of
two images equal theirs for ``cfg_interval`` -1, 0, 3, 5 and 9, and those in ``tests/unit/generators/published``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from typing_extensions import Unpack

from vtbench.checkpoints.loading import Source, WeightsFrom
from vtbench.generators.published.base import Identity, ImageRule, PublishedGenerator
from vtbench.generators.published.next_token.llamagen.adapter import LlamaGen
from vtbench.generators.published.next_token.nar.neighbouring import CITATION, VOCABULARY, Neighbouring
from vtbench.generators.sampling.draws import PRECISIONS, DrawRule
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.guidance import Constant, Schedule, WhileAtMost
from vtbench.generators.sampling.settings import SamplerSettings

CLASSES = 1000


class Nar(Neighbouring, PublishedGenerator):
    """One of NAR's sizes over the codes of LlamaGen's VQ-16: an anti-diagonal a pass, 31 passes for 256 tokens.

    Args:
        size: of the network.
        grid: tokens along one side: 16 for 256 pixels, 24 for 384.
        tokenizer: that it generates for.
        cfg_scale: guidance s in ``u + s (c - u)``, on the mean of both heads; 1 for none.
        cfg_interval: guide while at most so many tokens are there; -1 for all.
        temperature: logits are divided by it.
        top_k: only the k likeliest tokens stay; 0 for all.
        top_p: only the likeliest tokens that together exceed p stay; 1 for all.
        greedy: the likeliest token at every position.
        draw: ``inverse-cdf``, or ``torch-multinomial`` for the authors' own draws of a single image.
        output_size: pixels to which images are resized as the authors do; those of the tokenizer unless given.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: a setting out of range.
    """

    family = "nar"
    citation = CITATION
    keys = ("model", "module", "state_dict")
    ignore_unexpected = ("freqs_cis",)
    shrunken: ClassVar[Mapping[str, Any]] = LlamaGen.shrunken

    def __init__(
        self,
        size: Literal["B", "M", "L", "XL", "tiny"] = "B",
        grid: int = 16,
        tokenizer: str = "llamagen-ds16",
        *,
        cfg_scale: float = 1.0,
        cfg_interval: int = -1,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        greedy: bool = False,
        draw: DrawRule = "inverse-cdf",
        output_size: int | None = None,
        **where: Unpack[WeightsFrom],
    ) -> None:
        from vtbench.generators.published.next_token.nar.network import SIZES, NarGeometry, NarNetwork

        geometry = NarGeometry(SIZES[size], VOCABULARY, grid, CLASSES)
        filters = Filters(temperature, top_k, top_p, greedy, PRECISIONS[draw])
        settings = SamplerSettings(filters, guidance(cfg_scale, cfg_interval), draw, order=geometry.order.name)
        self._setup(
            lambda: NarNetwork(geometry),
            Source(**where),
            Identity(tokenizer, VOCABULARY, (grid, grid), settings, ImageRule(output_size), CLASSES),
        )


def guidance(scale: float, interval: int) -> Schedule:
    """The schedule that the arguments mean."""
    return Constant(scale) if interval < 0 else WhileAtMost(scale, interval)
