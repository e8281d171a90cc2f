"""``elm-mlm``: ELM's masked generators (Liu et al. 2024), 2410.16257, over the codes of its binary autoencoder.

Held against Pepper-lll/LMforImageGeneration (c2f29f0), two layers of equal weights, float32 on a CPU: logits equal, and
of single images drawn by its own ``generate_cfg`` (six labels and seeds, each schedule of guidance and of masks at 1, 4
and 10 steps, noise at 0, 1 and 4.5) all 324 equal, once its class was given the ``model_type`` that it lacks, and the
loop here the same random numbers. Theirs take the noise of the confidence from numpy's unseeded stream, so that no seed
replays an image, and ``draw`` is no setting here.
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
from vtbench.generators.sampling.courses import Course
from vtbench.generators.sampling.guidance import Constant, Schedule
from vtbench.generators.sampling.masked.counts import MaskSchedule
from vtbench.generators.sampling.masked.settings import MaskedSettings
from vtbench.networks.binary import bits_of

if TYPE_CHECKING:
    from torch import Tensor

GuidanceName = Literal["constant", "linear", "powercos"]


class ElmMlm(MaskedGenerator):
    """One of ELM's masked generators: a token is one number of so many bits. Settings not given are the defaults of the
    authors' script; they publish no number of these files.

    Args:
        size: of the network.
        bits: of a token.
        grid: tokens along one side.
        tokenizer: that it generates for, of as many bits.
        cfg_scale: guidance s in ``u + s (c - u)``; 1 for none.
        cfg_schedule: ``constant`` s; ``linear`` 1 + (s-1) (i+1)/S; or ``powercos`` 1 + (s-1) (1 - cos(π (i+1)/S))/2 at
            step i of S, the authors' power being 1.
        steps: S.
        temperature: of the Gumbel noise on the confidence, falling to 0 at the last step; tokens are drawn at 1.
        mask_schedule: ``cosine`` or ``linear``.
        greedy: the likeliest token at every place.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: a setting out of range.
    """

    family = "elm-mlm"
    citation = "Liu et al., Elucidating the Design Space of Language Models for Image Generation, 2024"
    # of the authors' class, which has both and uses neither
    ignore_unexpected = ("output.weight", "pos_embed.weight")
    shrunken: ClassVar[Mapping[str, Any]] = {
        **{"size": "tiny", "bits": 6, "grid": 4, "steps": 4, "cfg_scale": 2.0},
        "tokenizer": "elm-bae,bits=6,channels=32,multipliers=[1,2],latents=32,blocks=1,random_weights_seed=0",
    }

    def __init__(
        self,
        size: Literal["L", "XL", "XXL", "tiny"] = "L",
        bits: int = 16,
        grid: int = 16,
        tokenizer: str = "elm-bae-16",
        *,
        cfg_scale: float = 10.0,
        cfg_schedule: GuidanceName = "constant",
        steps: int = 10,
        temperature: float = 1.0,
        mask_schedule: MaskSchedule = "cosine",
        greedy: bool = False,
        **where: Unpack[WeightsFrom],
    ) -> None:
        from vtbench.generators.published.masked.elm.network import MASKED_SIZES, ElmMaskedNetwork
        from vtbench.generators.published.next_token.elm.network import ElmGeometry

        geometry = ElmGeometry(MASKED_SIZES[size], 1, bits, grid, CLASSES)
        settings = MaskedSettings(
            steps=steps,
            guidance=schedule(cfg_schedule, cfg_scale),
            mask_schedule=mask_schedule,
            tokens="greedy" if greedy else "softmax",
            randomize_temperature=temperature,
        )
        self._bits = bits
        self._setup(
            lambda: ElmMaskedNetwork(geometry),
            Source(**where),
            Identity(tokenizer, 2**bits, (grid, grid), settings, ImageRule(rounding="truncate"), CLASSES),
        )

    def _codes(self, tokens: Tensor) -> Codes:
        """The highest bit is the tokenizer's first channel, which :class:`Codes` tells last."""
        side = self._side()
        planes = bits_of(tokens, self._bits).view(len(tokens), *self._identity.grid, self._bits)
        return Codes(bits=(planes,), image_size=(side, side))


def schedule(name: GuidanceName, scale: float) -> Schedule:
    """The one of the authors' name.

    Raises:
        UsageError: they have none of that name.
    """
    if name not in ("constant", "linear", "powercos"):
        raise UsageError(f"cfg_schedule={name!r}: must be constant, linear or powercos")
    if name == "constant":
        return Constant(scale)
    return Course(scale, "rising" if name == "linear" else "half-cosine", "(t+1)/N")
