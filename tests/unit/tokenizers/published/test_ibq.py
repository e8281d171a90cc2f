"""``ibq``: golden arrays of the published code, and a lookup by inner product that is not one by distance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import official_layout as layout
import pytest
import torch
from seeded_weights import golden, seeded_array, seeded_images
from torch import Tensor

from vtbench.checkpoints.cards import load_cards
from vtbench.core.errors import AdapterError, UsageError
from vtbench.networks.nearest import largest_products, nearest_codes
from vtbench.tokenizers.published.ibq import Ibq

SMALL: dict[str, Any] = {"channels": 32, "multipliers": (1, 2), "codebook_dim": 8, "codebook_size": 64, "blocks": 1}
pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")


def seeded_state() -> dict[str, Tensor]:
    """Seeded weights under the published names; a gain, so that many entries are in use."""
    shapes = {name: tuple(t.shape) for name, t in layout.to_ldm(Ibq.random(**SMALL)._network.state_dict(), 2).items()}
    state = {name: torch.from_numpy(seeded_array(name, shape)) for name, shape in shapes.items()}
    state["quant_conv.weight"] *= 4.0
    return state


def published(state: dict[str, Tensor]) -> dict[str, Any]:
    """As Lightning writes it: raw weights that are others, and averages under names without dots."""
    raw = {name: tensor + 1 for name, tensor in state.items()}
    averages = {f"model_ema.{name.replace('.', '')}": tensor for name, tensor in state.items()}
    more = {"model_ema.decay": torch.tensor(0.999), "loss.discriminator.main.0.weight": torch.zeros(1)}
    return {"state_dict": {**raw, **averages, **more}, "epoch": 3}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("ibq") / "imagenet256.ckpt"
    torch.save(published(seeded_state()), path)
    return str(path)


@pytest.fixture(scope="module")
def small(file: str) -> Ibq:
    return Ibq(**SMALL, checkpoint=file)


def test_codes_and_pixels_are_those_of_the_published_code(small: Ibq) -> None:
    expected = golden("ibq")
    codes = small.encode(seeded_images(2, 32))
    assert torch.equal(codes.levels[0], torch.from_numpy(expected["indices"]).long())
    assert len(codes.levels[0].unique()) >= 30
    pixels = (torch.from_numpy(expected["reconstruction"]) + 1) / 2
    torch.testing.assert_close(small.decode(codes)[..., ::2, 1::2], pixels, atol=1e-4, rtol=0)


def test_an_image_does_not_depend_on_its_batch(small: Ibq) -> None:
    images = seeded_images(3, 32, seed=1)
    together, alone = small.encode(images), small.encode(images[1:2])
    assert torch.equal(together.levels[0][1:2], alone.levels[0])
    torch.testing.assert_close(small.decode(together)[1:2], small.decode(alone), atol=1e-4, rtol=0)


def test_a_long_entry_wins_a_product_that_a_near_one_wins_by_distance(monkeypatch: pytest.MonkeyPatch) -> None:
    latents = torch.tensor([1.0, 0.5])[None, :, None, None]
    entries = torch.tensor([[1.0, 0.5], [9.0, 0.0], [0.0, 1.0]])
    assert int(largest_products(latents, entries)) == 1 and int(nearest_codes(latents, entries)) == 0
    generator = torch.Generator().manual_seed(0)
    many, book = torch.randn(2, 5, 7, 3, generator=generator), torch.randn(40, 5, generator=generator)
    expected = torch.einsum("bchw,kc->bhwk", many, book).argmax(-1)
    monkeypatch.setattr("vtbench.networks.nearest.CHUNK", 80)  # two rows at a time
    assert torch.equal(largest_products(many, book), expected)


def test_raw_weights_and_files_that_do_not_fit(file: str, tmp_path: Path) -> None:
    raw = Ibq(**SMALL, weights="raw", checkpoint=file)
    assert "took the raw weights of a checkpoint that holds averaged ones too: weights=ema takes those" in raw.notes
    (note,) = Ibq(**SMALL, checkpoint=file).notes
    assert note.startswith("took the averaged weights")
    name = "encoder.conv_in.weight"
    assert torch.equal(raw._network.state_dict()[name], seeded_state()[name] + 1)
    torch.save({"state_dict": seeded_state()}, tmp_path / "plain.ckpt")
    with pytest.raises(AdapterError, match="ibq: the checkpoint has no averaged weights"):
        Ibq(**SMALL, checkpoint=str(tmp_path / "plain.ckpt"))
    with pytest.raises(AdapterError, match=r"quantize\.embedding\.weight is 64x8 in the file, 32x8 is expected"):
        Ibq(**{**SMALL, "codebook_size": 32}, checkpoint=file)
    with pytest.raises(UsageError, match="no weights 'both'"):
        Ibq.random(**SMALL, weights="both")


@pytest.mark.parametrize(
    ("card", "elements"), [("ibq-16384", 110_982_019), ("ibq-262144", 173_896_579), ("emu3.5", 455_336_963)]
)
def test_the_published_network(card: str, elements: int, without_memory: None) -> None:
    state = layout.to_ldm(Ibq.random(card=card, **load_cards()[card].args)._network.state_dict(), 5)
    assert len(state) == 543 and sum(tensor.numel() for tensor in state.values()) == elements
