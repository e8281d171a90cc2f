"""LPIPS against the ``lpips`` package holding the same weights."""

from __future__ import annotations

import io
import os
import warnings

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter
from skimage import data

from vtbench import assets
from vtbench.assets.conversion import HEADS, convert, installed_lpips_heads
from vtbench.core.digests import digest_arrays
from vtbench.core.errors import AdapterError
from vtbench.metrics.images.lpips import LpipsAlex, LpipsVgg

CLASSES = {"alex": LpipsAlex, "vgg": LpipsVgg}


def as_batch(array) -> torch.Tensor:
    return torch.from_numpy(np.array(array)).permute(2, 0, 1)[None].contiguous()


def jpeg(array, quality=10):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def distorted(photo):
    """Six images: JPEG at quality 10, blurred, noisy, shifted, one level off, and grey."""
    noise = photo + np.random.default_rng(0).normal(0, 20, photo.shape)
    images = [
        jpeg(photo),
        np.asarray(Image.fromarray(photo).filter(ImageFilter.GaussianBlur(2))),
        np.clip(np.rint(noise), 0, 255).astype(np.uint8),
        np.roll(photo, 3, axis=1),
        photo ^ 1,
        np.full_like(photo, 128),
    ]
    return torch.cat([as_batch(image) for image in images])


def weights(net):
    """The real weights. Only where the network is forbidden may they be missing."""
    name = f"lpips_{net}"
    if os.environ.get("VTBENCH_OFFLINE") == "1" and not assets.status(name).available:
        pytest.skip(f"{name} is not at hand, and VTBENCH_OFFLINE=1")
    return assets.load_tensors(name)


@pytest.fixture(scope="module", params=CLASSES)
def pair(request):
    """Our metric, and the package's network with the same tensors in place."""
    import lpips

    net = request.param
    tensors = weights(net)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torchvision's, about an argument the package still uses
        official = lpips.LPIPS(net=net, pnet_rand=True, verbose=False)
    names = {name: f"features.{name.partition('.')[2]}" for name in official.net.state_dict()}
    assert set(names.values()) == {name for name in tensors if name.startswith("features.")}
    official.net.load_state_dict({name: tensors[ours] for name, ours in names.items()})

    def expected(prediction, reference):
        with torch.inference_mode():
            return official(prediction / 127.5 - 1, reference / 127.5 - 1).flatten().double()

    return CLASSES[net](), expected


@pytest.mark.parametrize("net", CLASSES)
def test_the_heads_are_those_of_the_package_bit_for_bit(net):
    tensors = weights(net)
    heads = installed_lpips_heads(net)
    assert len(heads) == HEADS
    assert all(np.array_equal(tensors[name].numpy(), head) for name, head in heads.items())


@pytest.mark.parametrize("size", [(96, 96), (65, 131), (32, 48)])
def test_rows_equal_the_packages(pair, size):
    ours, expected = pair
    photo = data.astronaut()[30 : 30 + size[0], 170 : 170 + size[1]].copy()
    prediction, reference = distorted(photo), as_batch(photo)
    reference = reference.expand_as(prediction)
    found = ours(prediction, reference, [None] * 6)
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, expected(prediction, reference), rtol=0, atol=1e-5)
    assert found[0] > 0.01 and found.argmin() == 4


def test_constant_images_equal_the_packages(pair):
    ours, expected = pair
    levels = torch.tensor([0, 1, 128, 255], dtype=torch.uint8).view(4, 1, 1, 1).expand(4, 3, 64, 64).contiguous()
    torch.testing.assert_close(ours(levels, levels.flip(0)), expected(levels, levels.flip(0)), rtol=0, atol=1e-5)


def test_equal_images_score_exactly_zero(pair):
    ours, _ = pair
    batch = distorted(data.coffee()[100:164, 200:264].copy())
    assert ours(batch, batch.clone()).tolist() == [0.0] * 6


def test_rows_do_not_depend_on_the_batch(pair):
    ours, _ = pair
    photo = data.coffee()[100:164, 200:264].copy()
    prediction, reference = distorted(photo), as_batch(photo).expand(6, 3, 64, 64)
    together = ours(prediction, reference)
    alone = torch.cat([ours(prediction[i : i + 1], reference[i : i + 1]) for i in range(6)])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-7)
    assert torch.equal(together, ours(prediction, reference))
    assert ours(prediction[:0], reference[:0]).shape == (0,)


def test_small_images_are_scored_down_to_the_networks_limit(pair):
    ours, expected = pair
    side = ours.smallest_side
    photo = data.astronaut()[100 : 100 + side, 200 : 200 + side + 9].copy()
    prediction, reference = as_batch(jpeg(photo)), as_batch(photo)
    torch.testing.assert_close(ours(prediction, reference), expected(prediction, reference), rtol=0, atol=1e-5)
    assert ours(prediction[:, :, 1:], reference[:, :, 1:]).isnan().all()
    with pytest.raises(RuntimeError, match="too small"):  # the limit is the network's own
        expected(prediction[:, :, 1:], reference[:, :, 1:])


def test_the_result_is_an_ordinary_tensor_and_the_network_moves(pair):
    ours, _ = pair
    batch = as_batch(data.astronaut()[100:164, 200:264])
    assert ours.to(device="cpu") is ours
    found = ours(batch, 255 - batch)
    found += 1.0  # an inference tensor would refuse
    assert found.item() > 1.0


def test_wrong_inputs_are_refused(pair):
    ours, _ = pair
    good = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)
    for bad in (good.float() / 255, good[0], good[:, :1], good[..., :63]):
        with pytest.raises(AdapterError, match="lpips"):
            ours(bad, good)


@pytest.mark.parametrize("net", CLASSES)
def test_both_published_forms_have_one_fingerprint(net):
    """The tensors at hand, laid out as torchvision publishes them, convert to the fingerprint of the manifest."""
    tensors = {name: value for name, value in weights(net).items() if name.startswith("features.")}
    stream = io.BytesIO()
    torch.save({**tensors, "classifier.6.bias": torch.zeros(1000)}, stream)
    arrays = convert(f"torchvision_lpips_{net}", stream.getvalue(), "backbone.pth")
    assert digest_arrays(arrays) == assets.fingerprint(f"lpips_{net}")
