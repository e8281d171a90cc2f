"""``elm-ar``: ELM's autoregressive generators (Liu et al. 2024), 2410.16257, over the codes of its binary autoencoders.

Held against Pepper-lll/LMforImageGeneration (c2f29f0), two layers of equal weights, float32 on a CPU, 1, 2 and 3
sub-codes: logits equal, the greedy sequence of ``tests/unit/generators/published`` equal, and of single images
drawn by its own ``generate_cfg`` (three seeds, each schedule at 3, temperature 0.9, top-k 9) all of it equal. It
runs every pass over all tokens so far; here keys and values are kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from typing_extensions import Unpack

from vtbench.checkpoints.loading import Source, WeightsFrom
from vtbench.core.codes import Codes
from vtbench.core.contracts import Condition, SamplingCost
from vtbench.core.errors import UsageError
from vtbench.generators.published.base import Identity, ImageRule, PublishedGenerator
from vtbench.generators.published.teacher_forcing_parts import TeacherForcedParts
from vtbench.generators.sampling.courses import Counted, Course, Curve
from vtbench.generators.sampling.draws import PRECISIONS, DrawRule
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.guidance import Constant, Schedule
from vtbench.generators.sampling.settings import SamplerSettings
from vtbench.networks.binary import bits_of, indices_of

if TYPE_CHECKING:
    from torch import Tensor


CLASSES = 1000
CURVES: Mapping[str, tuple[Curve, Counted]] = {
    "linear": ("rising", "(t+1)/N"),
    "cos": ("sine", "(t+1)/N"),
    "log": ("logarithm", "(t+1)/N"),
    "square": ("square", "(t+1)/N"),
    "square_root": ("square-root", "t/N"),
}
"""The authors' names of schedules, beside ``constant``."""


class ElmAr(TeacherForcedParts, PublishedGenerator):
    """One of ELM's sizes: a token is ``sub_codes`` numbers of ``bits`` bits, drawn independently of one another.

    Args:
        size: of the network.
        sub_codes: of a token.
        bits: of a sub-code.
        grid: tokens along one side.
        tokenizer: that it generates for, of ``sub_codes * bits`` bits a token.
        cfg_scale: guidance s in ``u + s (c - u)``; 1 for none.
        cfg_schedule: its course over the tokens: ``constant``, ``linear``, ``cos``, ``log``, ``square`` or
            ``square_root``.
        temperature: logits are divided by it.
        top_k: only the k likeliest of a sub-code stay; 0 for all.
        greedy: the likeliest at every step.
        draw: ``inverse-cdf``, or ``torch-multinomial`` for the authors' own draws of a single image.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: a setting out of range.
    """

    family = "elm-ar"
    citation = "Liu et al., Elucidating the Design Space of Language Models for Image Generation, 2024"
    shrunken: ClassVar[Mapping[str, Any]] = {
        **{"size": "tiny", "bits": 3, "grid": 4},
        "tokenizer": "elm-bae,bits=6,channels=32,multipliers=[1,2],latents=32,blocks=1,random_weights_seed=0",
    }

    def __init__(
        self,
        size: Literal["L", "XL", "XXL", "2B", "tiny"] = "L",
        sub_codes: int = 2,
        bits: int = 10,
        grid: int = 16,
        tokenizer: str = "elm-bae-20",
        *,
        cfg_scale: float = 1.0,
        cfg_schedule: str = "constant",
        temperature: float = 1.0,
        top_k: int = 0,
        greedy: bool = False,
        draw: DrawRule = "inverse-cdf",
        **where: Unpack[WeightsFrom],
    ) -> None:
        from vtbench.generators.published.next_token.elm.network import SIZES, ElmGeometry, ElmNetwork

        geometry = ElmGeometry(SIZES[size], sub_codes, bits, grid, CLASSES)
        filters = Filters(temperature, top_k, greedy=greedy, precision=PRECISIONS[draw])
        settings = SamplerSettings(filters, schedule(cfg_scale, cfg_schedule), draw)
        self._bits = bits
        self._setup(
            lambda: ElmNetwork(geometry),
            Source(**where),
            Identity(
                tokenizer,
                2 ** (sub_codes * bits),
                (grid, grid),
                settings,
                ImageRule(rounding="truncate"),
                CLASSES,
            ),
        )

    def _draw(self, conditions: Sequence[Condition], seeds: Tensor) -> tuple[Tensor, SamplingCost]:

        from vtbench.generators.sampling.sub_codes import sample_sub_codes

        prompted = self._prompted(conditions)
        return sample_sub_codes(self._network, prompted, self._identity.settings, seeds)

    def _codes(self, tokens: Tensor) -> Codes:
        """Sub-codes ``int64 [B,N,K]``: the first sub-code's highest bit is the tokenizer's first channel, which
        :class:`Codes` tells last."""
        import torch

        parts = [bits_of(part, self._bits) for part in reversed(tokens.unbind(-1))]
        side = self._side()
        joined = torch.cat(parts, dim=-1)
        return Codes(bits=(joined.view(len(joined), *self._identity.grid, -1),), image_size=(side, side))

    def _parts(self, codes: Codes) -> Tensor:
        import torch

        each = torch.split(codes.bits[0].flatten(1, -2), self._bits, dim=-1)
        return torch.stack([indices_of(part) for part in reversed(each)], dim=-1)


def schedule(scale: float, name: str) -> Schedule:
    """The one of the authors' name; raises ``UsageError`` for a name that they have not."""
    if name == "constant":
        return Constant(scale)
    if name not in CURVES:
        raise UsageError(f"cfg_schedule={name!r}: unknown", f"one of {', '.join(('constant', *CURVES))}")
    return Course(scale, *CURVES[name])
