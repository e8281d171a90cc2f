"""``open-magvit2-ar``: Open-MAGVIT2's generators (Luo et al. 2024), 2409.04410, over its tokens of 18 bits.

Held against TencentARC/SEED-Voken (b9a17ea), two blocks over positions and two over parts, equal weights, float32 on a
CPU: logits of both parts equal, the greedy sequences of ``tests/unit/generators/published`` equal, and of single images
drawn by its own ``sample_Open_MAGVIT2`` (six seeds, two sets of settings, each different for the two parts) all equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from typing_extensions import Unpack

from vtbench.checkpoints.loading import Source, WeightsFrom
from vtbench.core.codes import Codes
from vtbench.core.contracts import Condition, SamplingCost
from vtbench.generators.published.base import Identity, ImageRule, PublishedGenerator
from vtbench.generators.published.teacher_forcing_parts import TeacherForcedParts
from vtbench.generators.sampling.draws import PRECISIONS, DrawRule
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.guidance import Constant
from vtbench.generators.sampling.settings import SamplerSettings
from vtbench.networks.binary import bits_of, indices_of

if TYPE_CHECKING:
    from torch import Tensor


CLASSES = 1000


class OpenMagvit2Ar(TeacherForcedParts, PublishedGenerator):
    """One of Open-MAGVIT2's sizes: a token is drawn in two parts, of 6 bits and then of 12.

    Each setting of the sampler counts for both parts unless the second has one of its own (``…_post``).

    Args:
        size: of the network.
        tokenizer: that it generates for.
        cfg_scale: guidance s in ``u + s (c - u)``; 1 for none.
        cfg_scale_post: of the second part.
        temperature: logits are divided by it.
        temperature_post: of the second part.
        top_k: only the k likeliest stay; 0 for all.
        top_k_post: of the second part.
        top_p: only the likeliest that together exceed p stay; 1 for all.
        top_p_post: of the second part.
        greedy: the likeliest at every step.
        draw: ``inverse-cdf``, or ``torch-multinomial`` for the authors' own draws of a single image.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: a setting out of range.
    """

    family = "open-magvit2-ar"
    citation = "Luo et al., Open-MAGVIT2: Toward Democratizing Auto-regressive Visual Generation, 2024"
    keys = ("state_dict",)
    prefix = "transformer."
    shrunken: ClassVar[Mapping[str, Any]] = {
        "size": "tiny",
        "tokenizer": "open-magvit2,bits=6,channels=32,multipliers=[1,1],blocks=1,random_weights_seed=0",
    }

    def __init__(
        self,
        size: Literal["B", "L", "XL", "tiny"] = "B",
        tokenizer: str = "open-magvit2-256",
        *,
        cfg_scale: float = 1.0,
        cfg_scale_post: float | None = None,
        temperature: float = 1.0,
        temperature_post: float | None = None,
        top_k: int = 0,
        top_k_post: int | None = None,
        top_p: float = 1.0,
        top_p_post: float | None = None,
        greedy: bool = False,
        draw: DrawRule = "inverse-cdf",
        **where: Unpack[WeightsFrom],
    ) -> None:
        from vtbench.generators.published.next_token.open_magvit2.network import SIZES, FactorisedNetwork

        geometry = SIZES[size]
        filters = Filters(temperature, top_k, top_p, greedy, PRECISIONS[draw])
        filters_post = replace(
            filters,
            temperature=temperature if temperature_post is None else temperature_post,
            top_k=top_k if top_k_post is None else top_k_post,
            top_p=top_p if top_p_post is None else top_p_post,
        )
        guidance_post = Constant(cfg_scale if cfg_scale_post is None else cfg_scale_post)
        settings = SamplerSettings(filters, Constant(cfg_scale), draw, further=((filters_post, guidance_post),))
        self._bits = geometry.bits
        self._setup(
            lambda: FactorisedNetwork(geometry),
            Source(**where),
            Identity(
                tokenizer,
                2 ** sum(geometry.bits),
                (geometry.grid, geometry.grid),
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
        """Pairs ``int64 [B,N,2]``: the bits of the first part are the tokenizer's first channels, lowest bit first."""
        import torch

        parts = [bits_of(part, count) for part, count in zip(tokens.unbind(-1), self._bits, strict=True)]
        side = self._side()
        joined = torch.cat(parts, dim=-1)
        return Codes(bits=(joined.view(len(joined), *self._identity.grid, -1),), image_size=(side, side))

    def _parts(self, codes: Codes) -> Tensor:
        import torch

        first, second = torch.split(codes.bits[0].flatten(1, -2), list(self._bits), dim=-1)
        return torch.stack([indices_of(first), indices_of(second)], dim=-1)
