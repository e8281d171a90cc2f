"""``maskbit-generator``: MaskBit's masked generators over tokens of 10 to 18 bits (Weber et al. 2024), 2409.16211.

Held against markweberdev/maskbit (5ea3d73) on a CPU with equal weights. A small network: logits equal; all 72 images
drawn after ``manual_seed`` with constant, linear and cosine guidance, each with three mask schedules, with and without
annealing of the softmax, equal part by part. The whole 14-bit network (304.9 M parameters) with random weights: logits
equal, an image of 16 steps equal in all of its 512 parts. So are the rule-made sequences of
``tests/unit/generators/published``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from typing_extensions import Unpack

from vtbench.checkpoints.loading import Source, WeightsFrom
from vtbench.core.codes import Codes
from vtbench.core.errors import UsageError
from vtbench.generators.published.base import Identity, ImageRule
from vtbench.generators.published.masked.base import CLASSES, MaskedGenerator
from vtbench.generators.sampling.guidance import FROM_CONDITIONAL, Constant, Proportional, RisingCosine, Schedule
from vtbench.generators.sampling.masked.counts import MaskSchedule
from vtbench.generators.sampling.masked.settings import MaskedSettings

if TYPE_CHECKING:
    from torch import Tensor


GuidanceName = Literal["constant", "linear", "cosine"]
GRID = 16
TINY_GRID = 4
PARTS = 2


class MaskBitGenerator(MaskedGenerator):
    """One of MaskBit's generators. Settings not given are those published for 14 bits in 64 steps.

    Each token is predicted and masked in two halves of its bits; guidance is ``c + s (c - u)``, where 0 is none.

    Args:
        bits: of a token.
        size: ``base`` is the published one.
        tokenizer: that it generates for, of as many bits.
        cfg_scale: guidance s.
        cfg_schedule: ``constant`` s; ``linear`` s i/S; or ``cosine`` s (1 - cos(π (i/S)^power))/2 at step i of S.
        cfg_power: of ``cosine``.
        steps: S.
        randomize_temperature: of the Gumbel noise on the confidence, falling to 0 at the last step.
        softmax_annealing: logits are divided by 0.5 + 0.8 (1 - (i+1)/S); no published number has it.
        mask_schedule: ``arccos``, ``cosine`` or ``linear``.
        greedy: the likeliest value for every half.
        draw: ``inverse-cdf``, or ``torch-multinomial`` for the authors' own draws of a single image.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: a setting out of range.
    """

    family = "maskbit-generator"
    citation = "Weber et al., MaskBit: Embedding-free Image Generation via Bit Tokens, TMLR 2024"
    ignore_unexpected = ("bits_to_indices",)  # follows from the number of bits
    shrunken: ClassVar[Mapping[str, Any]] = {
        "bits": 6,
        "size": "tiny",
        "steps": 8,
        "tokenizer": "maskbit,bits=6,channels=32,multipliers=[1,2],blocks=1,random_weights_seed=0",
    }

    def __init__(
        self,
        bits: int = 14,
        size: Literal["base", "tiny"] = "base",
        tokenizer: str = "maskbit-14bit",
        *,
        cfg_scale: float = 7.1,
        cfg_schedule: GuidanceName = "cosine",
        cfg_power: float = 3.0,
        steps: int = 64,
        randomize_temperature: float = 7.8,
        softmax_annealing: bool = False,
        mask_schedule: MaskSchedule = "arccos",
        greedy: bool = False,
        draw: Literal["inverse-cdf", "torch-multinomial"] = "inverse-cdf",
        **where: Unpack[WeightsFrom],
    ) -> None:
        if bits < PARTS or bits % PARTS:
            raise UsageError(f"bits={bits}: must be even, for a token is predicted in two halves")
        settings = MaskedSettings(
            steps=steps,
            guidance=schedule(cfg_schedule, cfg_scale, cfg_power),
            formula=FROM_CONDITIONAL,
            mask_schedule=mask_schedule,
            tokens="greedy" if greedy else "softmax",
            confidence="log-probability",
            randomize_temperature=randomize_temperature,
            softmax_annealing=softmax_annealing,
            draw=draw,
        )
        self._bits, grid = bits, GRID if size == "base" else TINY_GRID
        image = ImageRule(rounding="truncate")
        self._setup(
            lambda: _network(bits, size),
            Source(**where),
            Identity(tokenizer, 2**bits, (grid, grid), settings, image, CLASSES),
        )

    def _convert(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        # the authors' loader takes this older name too
        old, new = "token_emb.", "input_proj."
        return {new + name.removeprefix(old) if name.startswith(old) else name: value for name, value in state.items()}

    def _codes(self, tokens: Tensor) -> Codes:
        from vtbench.generators.published.masked.maskbit.network import bits_of

        side = self._side()
        planes = bits_of(tokens, self._bits // PARTS).reshape(len(tokens), *self._identity.grid, self._bits)
        return Codes(bits=(planes,), image_size=(side, side))


def schedule(name: GuidanceName, scale: float, power: float) -> Schedule:
    """The one of that name.

    Raises:
        UsageError: no such schedule.
    """
    if name not in ("constant", "linear", "cosine"):
        raise UsageError(f"cfg_schedule={name!r}: must be constant, linear or cosine")
    if name == "cosine":
        return RisingCosine(scale, power)
    return Constant(scale) if name == "constant" else Proportional(scale)


def _network(bits: int, size: str) -> Any:
    from vtbench.generators.published.masked.maskbit.network import LfqBert, MaskbitGeometry

    if size == "base":
        return LfqBert(MaskbitGeometry(bits, PARTS))
    return LfqBert(MaskbitGeometry(bits, PARTS, depth=2, heads=4, width=64, hidden=128, tokens=TINY_GRID**2))
