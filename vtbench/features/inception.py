"""The Inception network of 2015-12-05, which FID, KID and IS are defined on, behind three resizes."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import ClassVar, cast

import torch
from torch import Tensor, nn

from vtbench.features.network import NetworkExtractor, State, asset_or, frozen, fuse_batch_norm
from vtbench.features.packed import PackedConvolution
from vtbench.features.resizing import pillow_bicubic_float, plain_bilinear, tf1_bilinear

SIDE = 299
SPATIAL_CHANNELS = 7
_MIXED_6 = "Mixed_6d"
_TRUNK = (
    "Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "MaxPool_1", "Conv2d_3b_1x1", "Conv2d_4a_3x3", "MaxPool_2",
    "Mixed_5b", "Mixed_5c", "Mixed_5d", "Mixed_6a", "Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e",
    "Mixed_7a", "Mixed_7b", "Mixed_7c", "AvgPool",
)  # fmt: skip


class _Inception(NetworkExtractor):
    """Features of the network, whatever the resize before it."""

    features: ClassVar[tuple[str, ...]] = ("pool", "logits", "spatial")
    widths: ClassVar[Mapping[str, int]] = {"pool": 2048, "logits": 1008, "spatial": 2023}
    required_assets: ClassVar[tuple[str, ...]] = ("inception_tf",)
    name: ClassVar[str]

    def __init__(self, state: State | None = None) -> None:
        state, fingerprint = asset_or(state, "inception_tf")
        super().__init__(_network(state), f"{self.name}-{fingerprint}-float32")

    def _forward(self, images: Tensor) -> dict[str, Tensor]:
        # The graph subtracts 128 and multiplies by 2^-7; dividing by 128 gives the same bits.
        pooled, spatial = self._network((images - 128.0) / 128.0)
        return {"pool": pooled, "logits": pooled @ cast(Tensor, self._network.classifier).T, "spatial": spatial}


class InceptionTF(_Inception):
    """TF Inception with its own resize: TensorFlow 1 bilinear to 299×299, no antialiasing (Heusel et al. 2017).

    ``pool`` is the 2048-d average pool; ``logits`` the 1008 logits without their bias, as the score of Salimans et al.
    2016 is customarily computed; ``spatial`` the first 7 channels of the 1×1 branch of the block ``mixed_6`` (here
    ``Mixed_6d``) on its 17×17 grid, 2023 numbers, which sFID is taken of (Nash et al. 2021, as ADM's evaluator has it).
    The network class is torch-fidelity's.

    Args:
        state: weights under torch-fidelity's names; the asset ``inception_tf`` unless given.
    """

    name = "inception_tf-tf1bilinear299"

    def _resize(self, images: Tensor, device: torch.device) -> Tensor:
        return tf1_bilinear(images.to(device), SIDE)


class InceptionClean(_Inception):
    """The same network behind clean-fid's resize: Pillow bicubic, antialiased, in float (Parmar et al. 2022).

    clean-fid runs a TorchScript export of the graph of 2015-12-05 on ``(x - 128) / 128`` and takes its 2048-d average
    pool. That is the same graph, with the same weights and normalisation, as torch-fidelity's conversion: they differ
    by how their authors exported it, hence by float32 rounding only. So one weight file serves both extractors, and
    no program need be loaded from an archive.

    Args:
        state: weights under torch-fidelity's names; the asset ``inception_tf`` unless given.
    """

    name = "inception_clean-pillowbicubic299"

    def _resize(self, images: Tensor, device: torch.device) -> Tensor:
        return pillow_bicubic_float(images.to(device), SIDE)


class InceptionPytorch(_Inception):
    """The same network behind pytorch-fid's resize: PyTorch's bilinear to 299×299, no antialiasing, pixel centres.

    pytorch-fid (``mseitzer/pytorch-fid@b9c1811``) reads images as ``x / 255`` and feeds the network ``2 x - 1``, where
    the graph has ``(x - 128) / 128``: 128 is 0.502 of its white, not half. Its weights are those of the same graph.
    Held against its own class with the same seeded weights: 3e-7 of the features' norm; ``inception_tf`` is 1e-2 away.

    Args:
        state: weights under torch-fidelity's names; the asset ``inception_tf`` unless given.
    """

    name = "inception_pytorch-torchbilinear299"

    def _resize(self, images: Tensor, device: torch.device) -> Tensor:
        return plain_bilinear(images.to(device), SIDE) * (256.0 / 255.0)  # so that the base yields 2 x - 1


class _Layers(nn.Module):
    """The trunk up to the average pool, and the classifier's weight ``[1008,2048]``."""

    classifier: Tensor

    def __init__(self, before: nn.Module, mixed_6: nn.Module, after: nn.Module, classifier: Tensor) -> None:
        super().__init__()
        self.before, self.mixed_6, self.after = before, mixed_6, after
        self.register_buffer("classifier", classifier)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Average pool ``[B,2048]`` and spatial features ``[B,2023]``."""
        entering = self.before(images)
        spatial = cast(nn.Module, self.mixed_6.branch1x1)(entering)[:, :SPATIAL_CHANNELS].flatten(1)
        return self.after(self.mixed_6(entering)).flatten(1), spatial


def _pack(network: nn.Module) -> None:
    """Replace each block of a convolution, a norm that is folded into it, and a ReLU."""
    for name, child in network.named_children():
        if isinstance(getattr(child, "conv", None), nn.Conv2d):
            setattr(network, name, PackedConvolution(cast(nn.Conv2d, child.conv), "relu"))
        else:
            _pack(child)


def _network(state: State) -> nn.Module:
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    # The class always loads its weights itself, without restricting what the file may hold. Handing it a buffer with
    # tensors that have been verified leaves nothing to download and nothing foreign to unpickle.
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    buffer.seek(0)
    network = FeatureExtractorInceptionV3("inception", ["2048"], feature_extractor_weights_path=buffer)
    trunk = nn.Sequential(*(getattr(network, name) for name in _TRUNK))
    _pack(fuse_batch_norm(trunk.eval(), [("conv", "bn")]))
    middle = _TRUNK.index(_MIXED_6)
    classifier = network.fc.weight.detach().clone()
    return frozen(_Layers(trunk[:middle], trunk[middle], trunk[middle + 1 :], classifier))
