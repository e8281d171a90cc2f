"""How a class of diffusers is called with images: found by trying, so that classes need not be listed."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from vtbench.core.errors import AdapterError

if TYPE_CHECKING:
    from torch import Tensor

STAGES = (
    "block_out_channels",
    "encoder_block_out_channels",
    "down_block_out_channels",
    "dim_mult",
    "ch_mult",
)
"""Configuration entries with one item a resolution; each but one halves the sides."""
DEEPEST = 32
"""Pixels a position taken where nothing says how many there are; what is measured counts."""


@dataclass(frozen=True, kw_only=True)
class Interface:
    """How one network takes images and gives them back.

    Attributes:
        frames: 0 where it takes images ``[B,C,H,W]``; else it takes videos ``[B,C,T,H,W]``, of which an image is this
            many equal frames. One frame, but where a class takes no fewer (VidTok, whose own ``forward`` repeats the
            first one).
        colours: 3, or 4 where it also sees opacity, which is 1 everywhere and left out of what comes back.
        factor: pixels a position along one side.
        channels: of a position.
        beside: what its ``decode`` is given beside the latents.
        one_by_one: it fails at several images at once (HunyuanVideo-1.5, whose attention mask is of one batch), so the
            library was told to slice the batch.
    """

    frames: int = 0
    colours: int = 3
    factor: int = 1
    channels: int = 0
    beside: Mapping[str, Any] = field(default_factory=dict)
    one_by_one: bool = False

    def given(self, images: Tensor) -> Tensor:
        """``[B,3,H,W]`` in [-1, 1] to what ``encode`` takes."""
        import torch.nn.functional as F

        if self.colours == 4:
            images = F.pad(images, (0, 0, 0, 0, 0, 1), value=1.0)
        return images.unsqueeze(2).expand(-1, -1, self.frames, -1, -1) if self.frames else images

    def latents(self, network: Any, images: Tensor) -> Tensor:
        """``[B,3,H,W]`` in [-1, 1] to ``[B,C,h,w]``: the mode of a posterior, never a sample.

        Raises:
            ValueError: positions in time where there should be one.
        """
        return self.still(outcome(network.encode(self.given(images))))

    def decoded(self, network: Any, latents: Tensor) -> Tensor:
        """Latents ``[B,C,h,w]`` to ``[B,3,H,W]`` in [-1, 1]."""
        return self.pixels(network.decode(latents.unsqueeze(2) if self.frames else latents, **self.beside))

    def still(self, values: Tensor) -> Tensor:
        """``[B,C,1,h,w]`` without its time; raises ``ValueError`` where there is more than one moment."""
        if not self.frames:
            return values
        if values.ndim != 5 or values.shape[2] != 1:
            raise ValueError(f"an image gave {list(values.shape)}, not [B,C,1,h,w]")
        return values.squeeze(2)

    def pixels(self, output: Any) -> Tensor:
        """What ``decode`` gave to ``[B,3,H,W]``."""
        sample: Tensor = output if hasattr(output, "shape") else output.sample
        return self.still(sample)[:, :3]


def outcome(encoded: Any) -> Tensor:
    """The latents in what ``encode`` of a class of diffusers returns.

    Raises:
        TypeError: it is none of the forms that the library has.
    """
    if hasattr(encoded, "latent_dist"):
        mode: Tensor = encoded.latent_dist.mode()
        return mode
    for name in ("latent", "latents"):
        if hasattr(encoded, name):
            found: Tensor = getattr(encoded, name)
            return found
    raise TypeError(f"encode returned {type(encoded).__name__}, in which no latents were found")


def interface_of(network: Any, source: str) -> Interface:
    """Try the network on a small image, as images first or as videos, by its first convolution.

    A network of the same class and configuration without memory is tried, which takes no time; the network itself only
    where that one cannot run.

    Args:
        network: on the CPU, in evaluation mode.
        source: for messages.

    Raises:
        AdapterError: it is not for RGB images, draws random numbers, or gives no image back for an image.
    """
    _refuse_noise(network, source)
    colours, faults = _colours(network, source), []
    for tried in (_sketch(network), network):
        for frames in _frames(network):
            try:
                found = _tried(tried, Interface(frames=frames, colours=colours, beside=_beside(network)))
            except Exception as error:  # noqa: BLE001 - whatever a class raises tells that it is called in another way
                faults.append((str(error).strip().splitlines() or [type(error).__name__])[0][:160])
                continue
            if found.one_by_one:
                network.enable_slicing()
            return found
    kind = type(network).__name__
    told = faults[len(faults) // 2]  # the first of the network itself
    raise AdapterError(f"{source}: {kind} does not take one image to latents and back: {told}")


def _sketch(network: Any) -> Any:
    """The network without memory; the network itself where its class cannot be built so."""
    import torch

    from vtbench.checkpoints.state import without_initialisation

    taken = inspect.signature(type(network).__init__).parameters
    try:
        with torch.device("meta"), without_initialisation():
            return type(network)(**{key: value for key, value in network.config.items() if key in taken}).eval()
    except Exception:  # noqa: BLE001 - a class that computes with its tensors while it is built
        return network


def _tried(network: Any, trial: Interface) -> Interface:
    """The interface with what was measured; raises whatever the class does where it is called in another way."""
    measured = _measured(network, trial, 1)
    try:
        return _measured(network, trial, 2)
    except Exception:  # noqa: BLE001 - what fails at two images and not at one is run an image at a time
        network.enable_slicing()
        _measured(network, trial, 2)
        return replace(measured, one_by_one=True)


def _measured(network: Any, trial: Interface, count: int) -> Interface:
    import torch

    side, device = 2 * _claimed(network), next(network.parameters()).device
    with torch.inference_mode():
        latents = trial.latents(network, torch.zeros(count, 3, side, side, device=device))
        pixels = trial.decoded(network, latents)
    if latents.ndim != 4 or latents.shape[-1] != latents.shape[-2] or side % latents.shape[-1]:
        raise ValueError(f"{side}x{side} pixels gave latents {list(latents.shape)}")
    if pixels.shape != (count, 3, side, side):
        raise ValueError(f"{side}x{side} pixels came back as {list(pixels.shape)}")
    return replace(trial, factor=side // latents.shape[-1], channels=latents.shape[1])


def _refuse_noise(network: Any, source: str) -> None:
    """What a decoder draws is out of reach of a sample's seed."""
    injected = network.config.get("decoder_inject_noise")
    drawn = any(injected) if isinstance(injected, list | tuple) else bool(injected)
    if drawn or type(network).__name__ == "ConsistencyDecoderVAE":
        raise AdapterError(f"{source}: the decoder of {type(network).__name__} draws random numbers, without seeds")


def _claimed(network: Any) -> int:
    """Pixels a position, as far as the class or its configuration says."""
    said = _stated(network, "spatial_compression_ratio")
    stages = next((network.config[name] for name in STAGES if network.config.get(name)), None)
    if isinstance(said, int):
        return said
    return DEEPEST if stages is None else int(2 ** (len(stages) - 1))


def _stated(network: Any, name: str) -> Any:
    return network.config.get(name) or vars(network).get(name)


def _frames(network: Any) -> tuple[int, ...]:
    """Ways to try: images first where the first convolution has two dimensions."""
    from torch import nn

    steps = _stated(network, "temporal_compression_ratio")
    repeated = (steps,) if isinstance(steps, int) and steps > 1 else ()
    first = next((layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Conv3d)), None)
    return (0, 1, *repeated) if isinstance(first, nn.Conv2d) else (1, *repeated, 0)


def _colours(network: Any, source: str) -> int:
    """3 or 4, by what comes out; more may go in, where a class adds features of its own (Mochi).

    ``in_channels`` and ``out_channels`` count those of a patch where patches are folded before the first layer (Wan
    2.2).
    """
    config = network.config
    named = (config.get(name) for name in ("in_channels", "input_channels", "out_channels"))
    counted = [number for number in named if number is not None] or [3]
    patch = config.get("patch_size")
    area = patch**2 if isinstance(patch, int) and counted[-1] > 4 else 1
    colours = counted[-1] / area
    if colours not in (3, 4) or counted[0] / area < colours:
        told = " and ".join(dict.fromkeys(map(str, counted)))
        raise AdapterError(f"{source}: {told} channels, not RGB images")
    return int(colours)


def _beside(network: Any) -> dict[str, Any]:
    """``num_frames=1`` where frames are decoded as a batch (Stable Video Diffusion)."""
    return {"num_frames": 1} if "num_frames" in inspect.signature(network.decode).parameters else {}
