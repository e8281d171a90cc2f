"""``cosmos``: the Haar transform in closed form, published sizes, and a TorchScript program read as tensors."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from seeded_weights import golden, seed_weights, seeded_array, seeded_images

from vtbench.checkpoints.cards import load_cards
from vtbench.core.errors import AdapterError, UsageError
from vtbench.tokenizers.published.cosmos.adapter import Cosmos
from vtbench.tokenizers.published.cosmos.haar import to_bands, to_images
from vtbench.tokenizers.resolve import resolve_tokenizer

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
DISCRETE: dict[str, Any] = {**Cosmos.shrunken, "levels": (8, 8, 5), "inner": 16}


def test_bands_are_means_and_differences_of_two_by_two_pixels() -> None:
    image = torch.tensor([[1.0, 2.0], [4.0, 8.0]])[None, None]
    # mean; upper row less the lower; left column less the right; one diagonal less the other: each a quarter
    assert to_bands(image, 1).flatten().tolist() == [15 / 4, -9 / 4, -5 / 4, 3 / 4]


def test_bands_come_before_channels_and_again_for_every_step() -> None:
    images = torch.arange(2 * 3 * 8 * 8).float().reshape(2, 3, 8, 8)
    bands = to_bands(images, 2)
    assert bands.shape == (2, 48, 2, 2)
    torch.testing.assert_close(bands[:, :3], torch.nn.functional.avg_pool2d(images, 4))
    once = to_bands(images, 1)
    torch.testing.assert_close(bands[:, 12:24], to_bands(once, 1)[:, 12:24])


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
def test_the_way_back(steps: int) -> None:
    images = torch.rand(2, 3, 16, 24, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(to_images(to_bands(images, steps), steps), images)


@pytest.mark.parametrize("sizes", [{}, {"levels": (8, 8, 5), "inner": 16}], ids=["ci", "di"])
def test_codes_and_pixels_are_those_of_the_published_code(sizes: dict[str, Any], tmp_path: Path) -> None:
    small = {"compression": 8, "channels": 32, "multipliers": (1, 2, 2), "blocks": 1, **sizes}
    state = {
        name: torch.from_numpy(seeded_array(name, tuple(tensor.shape))) * (3 if name == "quant_conv.weight" else 1)
        for name, tensor in Cosmos.random(**small)._network.state_dict().items()
    }
    torch.save(state, tmp_path / "w.pt")
    loaded, expected = Cosmos(**small, checkpoint=str(tmp_path / "w.pt")), golden(f"cosmos-{'di' if sizes else 'ci'}")
    codes = loaded.encode(seeded_images(2, 32))
    if codes.latents is not None:
        torch.testing.assert_close(codes.latents, torch.from_numpy(expected["latents"]), atol=1e-4, rtol=0)
    else:
        assert torch.equal(codes.levels[0], torch.from_numpy(expected["indices"]).long())
        assert len(codes.levels[0].unique()) > 20
    pixels = (torch.from_numpy(expected["reconstruction"]) + 1) / 2
    torch.testing.assert_close(loaded.decode(codes), pixels, atol=1e-4, rtol=0)


# Tensors and millions of elements of the published modules, built from their configurations.
PUBLISHED = {"cosmos-ci8": (198, 76.789), "cosmos-ci16": (202, 81.509)}
PUBLISHED |= {"cosmos-di8": (198, 79.004), "cosmos-di16": (202, 83.724)}
PUBLISHED |= {"cosmos-ci8-360p": (202, 81.385), "cosmos-ci16-360p": (206, 84.335)}
PUBLISHED |= {"cosmos-di8-360p": (202, 83.600), "cosmos-di16-360p": (206, 86.549)}


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_card_has_the_published_sizes(name: str, without_memory: None) -> None:
    tensors, millions = PUBLISHED[name]
    tokenizer: Any = resolve_tokenizer(f"{name},random_weights_seed=0")
    state = tokenizer._network.state_dict()
    assert len(state) == tensors and load_cards()[name].geometry is not None
    assert sum(tensor.numel() for tensor in state.values()) / 1e6 == pytest.approx(millions, abs=0.0006)


class Program(torch.nn.Module):
    """What is published: a program, with buffers that it keeps though no state dict would."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.encoder, self.decoder = network.encoder, network.decoder
        self.quant_conv, self.post_quant_conv = network.quant_conv, network.post_quant_conv
        self.encoder.register_buffer("wavelets", torch.ones(2), persistent=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.decoder(self.post_quant_conv(self.quant_conv(self.encoder(images))))
        return output


@pytest.mark.parametrize("sizes", [Cosmos.shrunken, DISCRETE], ids=["continuous", "discrete"])
def test_a_program_is_read_as_tensors(sizes: dict[str, Any], tmp_path: Path) -> None:
    made = Cosmos.random(**sizes)
    seed_weights(made._network)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.jit.trace(Program(made._network).to(torch.bfloat16), torch.zeros(1, 3, 32, 32).bfloat16())
        torch.jit.save(program, str(tmp_path / "autoencoder.jit"))
    loaded = Cosmos(**sizes, checkpoint=str(tmp_path / "autoencoder.jit"))
    assert loaded._dtype == torch.float32 and loaded.info.weights[0].name == "autoencoder.jit"
    made.to(dtype=torch.float32)
    images = seeded_images(2, 32)
    codes, wanted = loaded.encode(images), made.encode(images)
    if codes.latents is not None:
        assert wanted.latents is not None and torch.equal(codes.latents, wanted.latents)
    else:
        assert torch.equal(codes.levels[0], wanted.levels[0]) and len(codes.levels[0].unique()) > 4
    assert torch.equal(loaded.decode(codes), made.decode(wanted))
    (tmp_path / "folder").mkdir()
    (tmp_path / "autoencoder.jit").rename(tmp_path / "folder" / "autoencoder.jit")
    assert Cosmos(**sizes, checkpoint=str(tmp_path / "folder")).info.revision == loaded.info.revision


def test_another_geometry_is_told(tmp_path: Path) -> None:
    made = Cosmos.random(**Cosmos.shrunken)
    torch.save(made._network.state_dict(), tmp_path / "w.pt")
    with pytest.raises(AdapterError, match=r"encoder\.conv_in\.weight is 8x48x3x3 in the file, 8x12x3x3"):
        Cosmos(**Cosmos.shrunken, patch=2, checkpoint=str(tmp_path / "w.pt"))


@pytest.mark.parametrize("wrong", [{"compression": 12}, {"compression": 2}, {"compression": 64}, {"patch": 3}])
def test_faulty_sizes_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="cosmos: "):
        Cosmos.random(**{**Cosmos.shrunken, **wrong})


def test_sides_that_are_no_multiple_are_padded_and_cropped() -> None:
    tokenizer = Cosmos.random(**DISCRETE)
    codes = tokenizer.encode(seeded_images(1, 64)[..., :50, :33])
    assert codes.grids == ((4, 3),) and tokenizer.decode(codes).shape == (1, 3, 50, 33)
