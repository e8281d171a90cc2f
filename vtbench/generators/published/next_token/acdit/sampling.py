"""ACDiT's loop: blocks one after the other, each out of noise by diffusers' DPM-Solver++.

Hu et al., ACDiT: Interpolating Autoregressive Conditional Modeling and Diffusion Transformer, 2412.07720, section 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from vtbench.core.contracts import SamplingCost
from vtbench.core.errors import AssetMissingError, UsageError
from vtbench.core.extras import install_extra
from vtbench.generators.sampling.guidance import OFF, Constant, as_recorded, guided_logits
from vtbench.generators.sampling.masked.latent_noise import LatentDraw, make_latent_noise

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.generators.published.next_token.acdit.network import AcditNetwork
    from vtbench.generators.sampling.next_token import Prompted

_DRAWS_IN_WORDS: dict[LatentDraw, str] = {
    "by-position": "normal, float32, on the CPU, a stream of the sample's own for each block",
    "torch-normal": "normal, float32, from the sample's own generator on the sampling device, block after block",
}


@dataclass(frozen=True)
class AcditSettings:
    """Everything that moves a sample, beside the weights.

    Attributes:
        steps: of the solver, for each block.
        cfg_scale: guidance of the predicted noise; 1 for none.
        draw: where the noise that a block starts from comes from.

    Raises:
        UsageError: a value out of range.
    """

    steps: int = 25
    cfg_scale: float = 1.5
    draw: LatentDraw = "by-position"

    def __post_init__(self) -> None:
        if not 1 <= self.steps <= 1000:
            raise UsageError(f"steps={self.steps}: must be a whole number from 1 to 1000")
        if self.cfg_scale < OFF:
            raise UsageError(f"cfg_scale={self.cfg_scale}: must be 1 (none) or more")
        if self.draw not in _DRAWS_IN_WORDS:
            raise UsageError(f"draw={self.draw!r}: must be one of {', '.join(_DRAWS_IN_WORDS)}")

    def notes(self) -> tuple[str, ...]:
        """What a reader of the numbers must know, beside the record: nothing."""
        return ()

    def as_recorded(self) -> dict[str, Any]:
        """Every setting by name."""
        return {
            "steps": self.steps,
            "order": "square blocks in raster order, each of its tokens at once",
            "solver": "DPM-Solver++ of second order (multistep, midpoint) over linear noise 1e-4 to 0.02",
            **as_recorded(Constant(self.cfg_scale), of="predicted noise"),
            "draw": _DRAWS_IN_WORDS[self.draw],
        }


def sample_blocks(
    network: AcditNetwork, prompted: Prompted, settings: AcditSettings, seeds: Tensor
) -> tuple[Tensor, SamplingCost]:
    """Latents ``float32 [B,side²,channels]`` of a batch in raster order, and what they took.

    Args:
        network: in evaluation mode; call it under ``torch.inference_mode``.
        prompted: the conditions.
        settings: all that moves a sample.
        seeds: ``int64 [B]``.

    Raises:
        AssetMissingError: diffusers is not installed.
    """
    import torch

    geometry, guided = network.geometry, settings.cfg_scale != OFF
    labels, halves = (prompted.doubled(), 2) if guided else (prompted.conditional, 1)
    cache = network.make_cache(len(labels))
    noise = make_latent_noise(settings.draw, seeds, labels.device)
    made: list[Tensor] = []
    for block in range(geometry.blocks):
        (x,) = noise.maps(block, (geometry.block, geometry.token_channels), 0, guided)
        before = made[-1].repeat(halves, 1, 1) if made else None
        solver = _solver(settings.steps)
        for time in solver.timesteps:
            found = network.denoise(x.repeat(halves, 1, 1), int(time), labels, block, before, cache)
            x = solver.step(guided_logits(found, settings.cfg_scale) if guided else found.float(), time, x).prev_sample
            before = None
        made.append(x)
    computed = len(labels) * geometry.block * (geometry.blocks * settings.steps + geometry.blocks - 1)
    cost = SamplingCost(
        forward_passes=geometry.blocks * settings.steps,
        tokens=len(seeds) * geometry.blocks * geometry.block,
        kv_cache_bytes=cache.nbytes,
        tokens_computed=computed,
        kv_cache_bytes_at_end=cache.nbytes,
    )
    return geometry.latents_of(torch.stack(made, dim=1)), cost


def _solver(steps: int) -> Any:
    """diffusers' DPM-Solver++ with the schedule of its DDIM, as the authors make it; of one block."""
    try:
        from diffusers import DDIMScheduler, DPMSolverMultistepScheduler
    except ImportError as error:
        raise AssetMissingError("acdit needs diffusers, for its solver", install_extra("hub")) from error
    other, kind = cast(Any, DDIMScheduler), cast(Any, DPMSolverMultistepScheduler)
    solver = kind.from_config(other().config)
    solver.set_timesteps(steps)
    return solver
