"""``titok-generator``: TiTok's masked generators over 32, 64 or 128 tokens (Yu et al. 2024), 2406.07550, and
One-D-Piece's over 256 (Miwa et al. 2025), 2501.10064.

Held against bytedance/1d-tokenizer (942a96f) on a CPU with equal seeded weights. Small networks of both trunks: logits
equal; all 48 images drawn after ``manual_seed`` with constant, linear and power-cosine guidance, with and without
annealing of the softmax, equal token by token. The whole L-32 (177.2 M parameters) and S-128 (295.0 M): logits equal,
six images each of 8 steps equal token by token. So are the sequences of ``tests/unit/generators/published``.
One-D-Piece's generator (turingmotors/One-D-Piece, 473665d) is that BERT with more places, and its file of network and
sampler differs from TiTok's in one line, which says whose it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from typing_extensions import Unpack

from vtbench.checkpoints.loading import Source, WeightsFrom
from vtbench.core.errors import AdapterError, UsageError
from vtbench.generators.published.base import Identity, ImageRule
from vtbench.generators.published.masked.base import CLASSES, MaskedGenerator
from vtbench.generators.sampling.guidance import (
    FROM_CONDITIONAL,
    FROM_UNCONDITIONAL,
    Constant,
    Formula,
    PowerCosine,
    Proportional,
    Schedule,
)
from vtbench.generators.sampling.masked.counts import MaskSchedule
from vtbench.generators.sampling.masked.settings import MaskedSettings

if TYPE_CHECKING:
    from vtbench.generators.published.masked.titok.geometry import TitokGeometry

GuidanceName = Literal["constant", "linear", "power-cosine"]
_TINY = (
    "titok,encoder=tiny,decoder=tiny,tokens=8,codebook_size=32,codebook_dim=6,two_stage=False,size=64,patch=16,"
    "pixel_channels=32,random_weights_seed=0"
)


class TiTokGenerator(MaskedGenerator):
    """One of TiTok's generators. Settings not given are those published for L-32.

    Args:
        size: L-32, B-64 and One-D-Piece are BERTs (transformers' own class), S-128 is a U-ViT.
        tokenizer: that it generates for, of as many tokens.
        cfg_scale: guidance s.
        cfg_schedule: ``constant`` s and ``linear`` s i/S at step i of S are of ``c + s (c - u)``, where 0 is none;
            ``power-cosine`` is 1 + (s-1)(1 - cos(π (i/S)^power))/2 in ``u + s (c - u)``, where 1 is none.
        cfg_power: of ``power-cosine``.
        steps: S.
        randomize_temperature: of the Gumbel noise on logits and on the confidence, falling to 0 at the last step.
        softmax_annealing: logits are divided by 0.5 + 0.8 (1 - (i+1)/S), as the script of the published numbers does.
        mask_schedule: ``arccos``, ``cosine`` or ``linear``.
        greedy: the likeliest token for every place.
        draw: ``inverse-cdf``, or ``torch-gumbel`` for the authors' own draws of a single image.
        codebook_size: entries of the tokenizer's codebook; those of the size unless given.
        classes: labels that it was trained with.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: a setting out of range.
        AdapterError: a tokenizer of another number of tokens.
    """

    family = "titok-generator"
    citation = "Yu et al., An Image is Worth 32 Tokens for Reconstruction and Generation, NeurIPS 2024"
    ignore_unexpected = ("model.embeddings.position_ids", "model.embeddings.token_type_ids")
    shrunken: ClassVar[Mapping[str, Any]] = {"size": "tiny-u-vit", "tokenizer": _TINY}

    def __init__(
        self,
        size: Literal["L-32", "B-64", "S-128", "One-D-Piece", "nano", "tiny-bert", "tiny-u-vit"] = "L-32",
        tokenizer: str = "titok-l32",
        *,
        cfg_scale: float = 4.5,
        cfg_schedule: GuidanceName = "linear",
        cfg_power: float = 3.0,
        steps: int = 8,
        randomize_temperature: float = 9.5,
        softmax_annealing: bool = True,
        mask_schedule: MaskSchedule = "arccos",
        greedy: bool = False,
        draw: Literal["inverse-cdf", "torch-gumbel"] = "inverse-cdf",
        codebook_size: int | None = None,
        classes: int = CLASSES,
        **where: Unpack[WeightsFrom],
    ) -> None:
        from vtbench.generators.published.masked.titok.geometry import SIZES

        guidance, formula = schedule(cfg_schedule, cfg_scale, cfg_power)
        settings = MaskedSettings(
            steps=steps,
            guidance=guidance,
            formula=formula,
            mask_schedule=mask_schedule,
            tokens="greedy" if greedy else "annealed",
            confidence="logit",
            randomize_temperature=randomize_temperature,
            softmax_annealing=softmax_annealing,
            draw=draw,
        )
        geometry = replace(SIZES[size], classes=classes, vocabulary=codebook_size or SIZES[size].vocabulary)
        image = ImageRule(rounding="truncate")
        self._setup(
            lambda: _network(geometry),
            Source(**where),
            Identity(tokenizer, geometry.vocabulary, (geometry.tokens,), settings, image, classes),
        )

    def _check_tokenizer(self) -> None:
        super()._check_tokenizer()
        (wanted,) = self._identity.grid
        found = getattr(self.tokenizer, "tokens", None)
        if found != wanted:
            told = "takes no line of tokens" if found is None else f"takes {found}"
            raise AdapterError(
                f"{self.family} draws {wanted} tokens an image; the tokenizer {self.tokenizer.info.name} {told}",
                "name the one of that many tokens that the generator was trained on, as its card does",
            )


def schedule(name: GuidanceName, scale: float, power: float) -> tuple[Schedule, Formula]:
    """The one of that name, and the formula it is of.

    Raises:
        UsageError: no such schedule.
    """
    if name == "power-cosine":
        return PowerCosine(scale, power), FROM_UNCONDITIONAL
    if name not in ("constant", "linear"):
        raise UsageError(f"cfg_schedule={name!r}: must be constant, linear or power-cosine")
    return (Constant(scale) if name == "constant" else Proportional(scale)), FROM_CONDITIONAL


def _network(geometry: TitokGeometry) -> Any:
    from vtbench.generators.published.masked.titok.networks import build

    return build(geometry)
