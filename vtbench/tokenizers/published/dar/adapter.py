"""``dar``: D-AR's sequential diffusion tokenizer, whose decoder denoises pixels, step by step from group to group.

Held against the published code (showlab/D-AR, 3fb0f2d) with equal seeded weights of the whole network, all gates other
than zero (830 tensors, seven of them unused here; 307.5 M elements, 300.1 M of them used), in float32 on a CPU, two
images of 256 pixels: all of 512 indices equal (142 distinct), and eight steps from equal noise give reconstructions
within 1.1e-5 at a magnitude of 9.8. A file as training writes it holds a configuration too, so it is refused:
``vtbench fetch --convert IN OUT.safetensors --entry ema`` takes out what the published evaluation uses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Unpack

from vtbench.checkpoints.loading import WeightsFrom
from vtbench.core.codes import Codes
from vtbench.core.errors import UsageError
from vtbench.networks.nearest import nearest_directions, normalise_rows
from vtbench.networks.seeded_noise import drawn_from_seeds
from vtbench.tokenizers.published.base import OfficialTokenizer, Source

if TYPE_CHECKING:
    from torch import Tensor

TIME_SHIFT = 2.0
"""Steps are smaller near the noise: time t of even steps becomes t / (t + 2 (1 - t))."""
DATA_SCALE = 0.6
"""Pixels of [-1, 1] are multiplied by this where the flow ends."""
HEAD = 64
"""Channels of an attention head."""


class DarTokenizer(OfficialTokenizer):
    """An index a token, of the codebook entry whose direction is nearest; the picture is drawn from each image's seed.

    A step of the flow is conditioned by one group of tokens, early groups first. As the authors' evaluation of
    reconstructions does, averaged weights are taken, steps are Adams-Bashforth's of second order, as many as there are
    groups, and nothing guides them. That evaluation runs under bfloat16 autocast; here it is float32 unless ``--dtype``
    says otherwise, and the noisy image is float32 in any case.

    Args:
        tokens: tokens an image, 1,024 at most.
        groups: groups of tokens, of equal size.
        steps: steps of the flow; of another number than the groups, each takes the group whose time is nearest.
        codebook_size: entries.
        codebook_dim: their width.
        size: side of the images, in pixels.
        patch: side of an encoder's patch.
        pixel_patch: side of a denoiser's patch.
        width: channels of all transformers; a head has 64.
        encoder_depth: blocks that read the image.
        decoder_depth: blocks that read the tokens.
        denoiser_depth: blocks of the denoiser.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: ``groups`` does not divide ``tokens``, 64 does not divide ``width``, ``tokens`` is above 1,024, or
            ``steps`` is not positive.
    """

    family = "dar"
    citation = "Gao and Shou, D-AR: Diffusion via Autoregressive Models, 2505.23660"
    keys = ("ema", "model")
    # a statistic of training; a head that training holds against another network's features
    ignore_unexpected = ("quantize.codebook_used", "diff_decoder.net.repa_out.*")
    channels_last = False
    shrunken: ClassVar[dict[str, Any]] = {
        **{"tokens": 8, "groups": 4, "steps": 4, "codebook_size": 64, "size": 32, "width": HEAD},
        **{"encoder_depth": 1, "decoder_depth": 1, "denoiser_depth": 1},
    }

    def __init__(
        self,
        tokens: int = 256,
        groups: int = 8,
        steps: int = 8,
        codebook_size: int = 16384,
        codebook_dim: int = 8,
        size: int = 256,
        patch: int = 16,
        pixel_patch: int = 8,
        width: int = 768,
        encoder_depth: int = 8,
        decoder_depth: int = 8,
        denoiser_depth: int = 12,
        **where: Unpack[WeightsFrom],
    ) -> None:
        if tokens % groups or not 0 < tokens <= 1024 or width % HEAD or steps < 1:
            raise UsageError(
                f"dar: tokens={tokens}, groups={groups}, width={width}, steps={steps}",
                "groups divides tokens, of which there are 1024 at most; 64 divides width; steps is at least 1",
            )
        self._tokens, self._groups, self._steps = tokens, groups, steps
        depths = (encoder_depth, decoder_depth, denoiser_depth)
        self._setup(
            lambda: _network(tokens, codebook_size, codebook_dim, width, *depths, patch, pixel_patch),
            Source(**where),
            kind="discrete",
            codebook_sizes=(codebook_size,),
            native_size=size,
            fixed_size=True,
            stochastic=True,
        )

    def _finish(self, network: Any) -> None:
        normalise_rows(network.quantize.embedding)

    def _encode(self, images: Tensor, seeds: Tensor | None = None) -> Codes:
        return Codes(levels=(nearest_directions(self._network.encode(images), self._network.quantize.embedding),))

    def _decode(self, codes: Codes, seeds: Tensor | None = None) -> Tensor:
        import torch

        assert seeds is not None
        return self._denoised(codes, drawn_from_seeds(torch.randn, self.noise_shape, seeds))

    @property
    def noise_shape(self) -> tuple[int, int, int]:
        """Of the noise that one image begins as."""
        assert self.info.native_size is not None
        return (3, self.info.native_size, self.info.native_size)

    def decode_from(self, codes: Codes, noise: Tensor) -> Tensor:
        """As ``decode``, from given noise ``float32 [B,3,H,W]``, normal, instead of noise from seeds."""
        import torch

        with torch.inference_mode():
            return self._pixels(self._denoised(codes, noise), codes)

    def _denoised(self, codes: Codes, noise: Tensor) -> Tensor:
        conditions = self._network.conditions(self._network.quantize.embedding(codes.levels[0]).transpose(1, 2))
        return self._flow(noise.to(conditions.device), conditions) / DATA_SCALE

    def _flow(self, image: Tensor, conditions: Tensor) -> Tensor:
        """From noise ``[B,3,H,W]`` at time 0 to an image at time 1.

        A step goes along 3/2 of the velocity less 1/2 of the one before, the first along the velocity. The weights are
        those of equal steps, which these are not: the published sampler has it so.
        """
        import torch

        even = torch.arange(self._steps + 1, device=image.device) / self._steps
        times = even / (even + TIME_SHIFT * (1 - even))
        size, before = self._tokens // self._groups, None
        for index, start in enumerate(_starts(self._steps, self._groups, self._tokens)):
            seen = conditions[:, start : start + size]
            velocity = self._network.velocity(image.to(self._dtype), seen, times[index]).float()
            course = velocity if before is None else 1.5 * velocity - 0.5 * before
            image, before = image + (times[index + 1] - times[index]) * course, velocity
        return image


def _starts(steps: int, groups: int, tokens: int) -> list[int]:
    """First token that each step sees: of the group whose time is nearest, the later one between two."""
    nearest = ((2 * step * groups + steps) // (2 * steps) for step in range(steps))
    return [min(group, groups - 1) * (tokens // groups) for group in nearest]


def _network(*sizes: Any) -> Any:
    from vtbench.tokenizers.published.dar.network import Geometry, Network

    return Network(Geometry(*sizes))
