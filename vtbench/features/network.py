"""What every extractor shares: a frozen, fused network, its fingerprint, and how it is run."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor, nn

from vtbench import assets
from vtbench.core.digests import digest_arrays
from vtbench.core.errors import AdapterError
from vtbench.core.threads.lanes import by_image

State = Mapping[str, Tensor]
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the training images' pixels in [0, 1], as torchvision and timm give them."""
Self = TypeVar("Self", bound="NetworkExtractor")


class NetworkExtractor(ABC):
    """Base of the extractors here: :class:`~vtbench.core.contracts.FeatureExtractor` around one network.

    The network runs in float32 without TF32 and with deterministic kernels. On a CPU every image is run by itself on
    one thread (:mod:`vtbench.core.threads.lanes`), so that its features depend on nothing beside it. On a GPU they do
    not depend on the batch an image came in beyond the noise of float32 sums.

    Attributes:
        id: name, resize, first 12 hex digits of the weights' digest, dtype.
        features: names of what :meth:`__call__` returns.
        widths: numbers of each for an image.
        required_assets: weight files needed when no ``state`` is given.
    """

    features: ClassVar[tuple[str, ...]]
    widths: ClassVar[Mapping[str, int]]
    required_assets: ClassVar[tuple[str, ...]]

    def __init__(self, network: nn.Module, identity: str) -> None:
        self.id = identity
        self._network = network

    def to(self: Self, *, device: torch.device) -> Self:
        """Move the network; returns itself."""
        self._network.to(device)
        return self

    def __call__(self, images: Tensor) -> dict[str, Tensor]:
        """``uint8 [B,3,H,W]`` RGB of any size to ``float32 [B,D]`` by feature name, on the network's device.

        Raises:
            ValueError: another dtype or shape.
        """
        self._check(images)
        device = next(self._network.parameters()).device

        def run(part: Tensor) -> dict[str, Tensor]:
            return self._forward(self._resize(part, device))

        with torch.inference_mode(), exact_float32():
            at_once = max(1, self._at_once(images))
            if device.type == "cpu" and len(images):
                parts = by_image(run, images, most=at_once)
            else:
                parts = [run(part) for part in torch.split(images, at_once)]
            return {name: torch.cat([part[name] for part in parts]) for name in self.features}

    def _check(self, images: Tensor) -> None:
        """Raise ``ValueError`` where it is not given what it takes."""
        if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != 3:
            raise ValueError(f"an extractor takes uint8 [B,3,H,W], got {images.dtype} {tuple(images.shape)}")

    def _at_once(self, images: Tensor) -> int:
        """How many may be worked on together, which bounds memory: all."""
        return len(images)

    @abstractmethod
    def _resize(self, images: Tensor, device: torch.device) -> Tensor:
        """``uint8 [B,3,H,W]`` to the network's own size, ``float32 [B,3,h,w]`` still in [0, 255], on ``device``."""

    @abstractmethod
    def _forward(self, images: Tensor) -> dict[str, Tensor]:
        """Resized images to features."""


def asset_or(state: State | None, asset: str) -> tuple[State, str]:
    """The weights to use and the first 12 digits of their digest: those given, or the verified asset's.

    Raises:
        AssetMissingError: the asset cannot be had.
    """
    if state is None:
        return assets.load_tensors(asset), assets.fingerprint(asset)[:12]
    return state, digest_arrays({name: tensor.detach().cpu().numpy() for name, tensor in state.items()})[:12]


def frozen(network: nn.Module) -> nn.Module:
    """For inference only: evaluation mode, no gradients, ``channels_last`` (faster convolutions on every device)."""
    network.eval().requires_grad_(False)
    return network.to(memory_format=torch.channels_last)


def filled(network: Any, tensors: State, source: str, name: str, repair: str) -> Any:
    """A network that was made on torch's device ``meta``, with these tensors as they are, frozen.

    Args:
        network: without memory.
        tensors: all that it has, and no others.
        source: where they are from.
        name: of the network.
        repair: what to give instead.

    Raises:
        AdapterError: the tensors do not fill it.
    """
    try:
        network.load_state_dict(tensors, assign=True)
    except RuntimeError as error:
        raise AdapterError(f"{source} does not fill {name}: {str(error)[:300]}", repair) from error
    return network.eval().requires_grad_(False)


def standardised(
    pixels: Tensor, mean: tuple[float, ...] = IMAGENET_MEAN, std: tuple[float, ...] = IMAGENET_STD
) -> Tensor:
    """``[B,C,H,W]`` in [0, 1] less the mean of each channel, over its standard deviation; ImageNet's unless given."""
    average, deviation = (by_channel(values, pixels.device) for values in (mean, std))
    return (pixels - average) / deviation


@lru_cache(maxsize=32)
def by_channel(values: tuple[float, ...], device: torch.device) -> Tensor:
    """A number a channel, ``float32 [C,1,1]`` on ``device``: sent there once, not for every batch."""
    with torch.inference_mode(False):  # a tensor made in inference mode would serve in nothing else
        return torch.tensor(values, device=device).view(-1, 1, 1)


def fuse_batch_norm(network: nn.Module, pairs: Sequence[tuple[str, str]]) -> nn.Module:
    """Fold each batch norm into the convolution before it, in place; the network must be in evaluation mode.

    Args:
        network: searched recursively.
        pairs: names ``(convolution, batch norm)`` of sibling modules.

    Raises:
        ValueError: a module has the batch norm of a pair but not its convolution.
    """
    for parent in list(network.modules()):
        children = dict(parent.named_children())
        for convolution, norm in pairs:
            first, second = children.get(convolution), children.get(norm)
            if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                setattr(parent, convolution, torch.nn.utils.fuse_conv_bn_eval(first, second))
                setattr(parent, norm, nn.Identity())
    left = [name for name, module in network.named_modules() if isinstance(module, nn.BatchNorm2d)]
    if left:
        raise ValueError(f"batch norms without a convolution to fold them into: {left[:3]}")
    return network


def _exact_switches() -> list[tuple[Any, str, Any]]:
    """What to set, and to what, for float32 without TF32 and without autotuning on CUDA."""
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    common: list[tuple[Any, str, Any]] = [(cudnn, "benchmark", False), (cudnn, "deterministic", True)]
    # Newer PyTorch has a setting per operator, and refuses to read the older one where these disagree.
    if hasattr(cudnn, "conv") and hasattr(matmul, "fp32_precision"):
        return [*common, (cudnn.conv, "fp32_precision", "ieee"), (matmul, "fp32_precision", "ieee")]
    return [*common, (cudnn, "allow_tf32", False), (matmul, "allow_tf32", False)]


@contextlib.contextmanager
def exact_float32() -> Iterator[None]:
    """Sets :func:`_exact_switches`, and restores on leaving whatever the process had."""
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in _exact_switches()]
    try:
        for owner, name, value in _exact_switches():
            setattr(owner, name, value)
        yield
    finally:
        for owner, name, value in before:
            setattr(owner, name, value)
