"""``hi-mar``: Hi-MAR's generators (Zheng et al. 2025), 2505.20288: MAR with coarse tokens first.

Held against HiDream-ai/himar (1d378c1) on a CPU with equal seeded weights, float32, single images after numpy's and
torch's seed, with guidance of both parts, of one and of none, linear and constant: small networks over 16 coarse tokens
and 256, 1 to 4 steps of 250 of diffusion. The largest difference is 9.8e-7 of the largest latent (they reach 9.2e4, for
untrained denoisers do not denoise). The whole B (244.7 M parameters), 32 coarse steps of 3 and one of 250: 1.8e-6 of
the largest, 1.2e5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from typing_extensions import Unpack

from vtbench.checkpoints.loading import Source, WeightsFrom
from vtbench.core.contracts import Condition, SamplingCost
from vtbench.generators.published.base import Identity, ImageRule, PublishedGenerator
from vtbench.generators.published.masked.hi_mar.geometry import SIZES
from vtbench.generators.published.masked.hi_mar.sampling import HiMarSettings, sample_in_parts
from vtbench.generators.published.masked.mar.adapter import SCALE, GuidanceName, schedule
from vtbench.generators.published.own_tokenizer import Latents
from vtbench.generators.sampling.masked.counts import left_in_order
from vtbench.generators.sampling.masked.latent_noise import LatentDraw
from vtbench.generators.sampling.masked.latent_settings import LatentSettings

if TYPE_CHECKING:
    from torch import Tensor


class HiMar(PublishedGenerator):
    """One of Hi-MAR's sizes over the latents of MAR's KL-16.

    Args:
        size: of the network.
        tokenizer: that it generates for: one of continuous latents.
        cfg_scale: guidance s of the image's tokens, in ``u + s (c - u)`` of the predicted noise; 1 for none.
        coarse_cfg_scale: of the coarse tokens, which both halves of the other guidance see.
        cfg_schedule: of both: ``linear`` is 1 + (s-1) of the share of places that are filled after the step; or
            ``constant``.
        steps: passes through the transformer for the image's tokens.
        coarse_steps: for the coarse tokens.
        diffusion_steps: of the map of the image's tokens, at each of those steps.
        coarse_diffusion_steps: of each coarse token.
        temperature: multiplies the noise of every diffusion step but the first.
        draw: ``by-position``, or ``torch-normal`` for the authors' own draws of a single image.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: a setting out of range.
        AdapterError: a tokenizer of a codebook, or of other channels.
    """

    family = "hi-mar"
    order: ClassVar[str] = "masked"
    citation = "Zheng et al., Hierarchical Masked Autoregressive Models with Low-Resolution Token Pivots, 2025"
    keys = ("model_ema",)
    settings_entry = "args"
    shrunken: ClassVar[Mapping[str, Any]] = {
        **{"size": "tiny", "steps": 3, "coarse_steps": 2, "diffusion_steps": 4, "coarse_diffusion_steps": 4},
        "tokenizer": "ldm-kl,channels=8,multipliers=[1,1,2],norm_groups=4,decoder_attention=0,random_weights_seed=0",
    }

    def __init__(
        self,
        size: Literal["B", "L", "H", "tiny"] = "B",
        tokenizer: str = "mar-kl16",
        *,
        cfg_scale: float = 2.5,
        coarse_cfg_scale: float = 2.7,
        cfg_schedule: GuidanceName = "linear",
        steps: int = 4,
        coarse_steps: int = 32,
        diffusion_steps: int = 250,
        coarse_diffusion_steps: int = 100,
        temperature: float = 1.0,
        draw: LatentDraw = "by-position",
        **where: Unpack[WeightsFrom],
    ) -> None:
        geometry = SIZES[size]
        both: dict[str, Any] = {"temperature": temperature, "draw": draw}
        coarse = LatentSettings(coarse_steps, schedule(cfg_schedule, coarse_cfg_scale), coarse_diffusion_steps, **both)
        fine = LatentSettings(steps, schedule(cfg_schedule, cfg_scale), diffusion_steps, variance="fixed-large", **both)
        # more steps than tokens are refused before anything is read
        left_in_order(geometry.coarse_places, coarse_steps)
        left_in_order(geometry.trunk.places, steps)
        self._setup(
            lambda: _network(size),
            Source(**where),
            Identity(
                tokenizer,
                Latents(geometry.trunk.channels, SCALE),
                (geometry.trunk.side, geometry.trunk.side),
                HiMarSettings(coarse, fine),
                ImageRule(),
                geometry.trunk.classes,
                {"latents": f"tokens / {SCALE}"},
            ),
        )

    def _draw(self, conditions: Sequence[Condition], seeds: Tensor) -> tuple[Tensor, SamplingCost]:
        return sample_in_parts(self._network, self._prompted(conditions), self._identity.settings, seeds)


def _network(size: str) -> Any:
    from vtbench.generators.published.masked.hi_mar.network import HiMarNetwork

    return HiMarNetwork(SIZES[size])
