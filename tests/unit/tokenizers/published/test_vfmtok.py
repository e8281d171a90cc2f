"""VFMTok against arrays that the published code made with the same weights and images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from seeded_weights import golden, seeded_array, seeded_images
from torch import Tensor

from vtbench.core.errors import AdapterError, AssetMissingError, UsageError
from vtbench.tokenizers.published.hita import backbone as second_file
from vtbench.tokenizers.published.hita.beside import BACKBONE
from vtbench.tokenizers.published.vfmtok.adapter import VfmTok
from vtbench.tokenizers.published.vfmtok.deformable import DeformableAttention

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
SMALL = VfmTok.shrunken
GAINS = {"encode_transformer.carrier_tokens": 10.0, "encode_transformer.slots_pos": 10.0}  # so that queries differ


def weights() -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Seeded, under the names of the published code: the tokenizer's file and DINOv2's."""
    expected = golden("vfmtok")
    state = {}
    for name, shape in zip(expected["names"].tolist(), expected["shapes"].tolist(), strict=True):
        array = torch.from_numpy(seeded_array(name, tuple(map(int, shape.split(",")))))
        state[name] = array * GAINS.get(name, 1.0)
    seen = {name.removeprefix(BACKBONE): tensor for name, tensor in state.items() if name.startswith(BACKBONE)}
    return {name: tensor for name, tensor in state.items() if not name.startswith(BACKBONE)}, seen


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """As the authors write them: averages beside raw weights, and DINOv2 elsewhere."""
    state, seen = weights()
    averages = {**state, "slot_quantize.codebook_used": torch.zeros(9)}
    torch.save({"model": {name: tensor + 1 for name, tensor in averages.items()}, "ema": averages}, tmp_path / "tok.pt")
    torch.save(seen, tmp_path / "dinov2.pth")
    return {"checkpoint": str(tmp_path / "tok.pt"), "backbone": str(tmp_path / "dinov2.pth")}


def test_codes_and_pixels_are_those_of_the_published_code(files: dict[str, str]) -> None:
    expected = golden("vfmtok")
    tokenizer = VfmTok(**SMALL, **files)
    assert [weight.source for weight in tokenizer.info.weights] == list(files.values())
    codes = tokenizer.encode(seeded_images(2, 56))
    assert torch.equal(codes.levels[0], torch.from_numpy(expected["level0"]).long())
    assert len(codes.levels[0].unique()) > 10
    pixels = (torch.from_numpy(expected["reconstruction"]) + 1) / 2
    torch.testing.assert_close(tokenizer.decode(codes), pixels, atol=1e-4, rtol=0)


def test_a_query_sees_no_later_one_and_the_map_sees_all() -> None:
    tokenizer = VfmTok.random(**SMALL)
    reader = tokenizer._network.encode_transformer
    queries = torch.randn(1, 16, 32, generator=torch.Generator().manual_seed(0))
    features = torch.randn(1, 4, 16, 32, generator=torch.Generator().manual_seed(1))
    changed = queries.clone()
    changed[:, 9] *= -3
    with torch.inference_mode():
        pair = [reader.transformer(given, reader.slots_pos, features) for given in (queries, changed)]
        moved = (pair[0] - pair[1]).abs().amax((0, 2)).nonzero().flatten().tolist()
        assert moved == list(range(9, 16))
        maps = [tokenizer._network.decode_transformer(given) for given in (queries, changed)]
    assert maps[0].shape == (1, 32, 7, 7)
    assert bool(((maps[0] - maps[1]).abs().amax(1) > 1e-6).all())  # all queries come before the map


def test_places_that_are_looked_up_are_mixed_by_their_shares() -> None:
    """One head, one map, one point: the value at the query's own place, moved by whole cells."""
    attention = DeformableAttention(width=2, heads=1, maps=1, points=1)
    with torch.no_grad():
        for layer in (attention.value_proj, attention.output_proj):
            layer.weight.copy_(torch.eye(2))
            layer.bias.zero_()
        attention.sampling_offsets.weight.zero_()
        attention.sampling_offsets.bias.copy_(torch.tensor([1.0, 0.0]))  # a column to the right
    features = torch.arange(18.0).reshape(1, 1, 9, 2)
    centre = torch.tensor([[0.5, 0.5]])
    found = attention(torch.zeros(1, 1, 2), centre, features)
    torch.testing.assert_close(found[0, 0], features[0, 0, 5], atol=1e-5, rtol=0)
    outside = attention(torch.zeros(1, 1, 2), torch.tensor([[5.0, 5.0]]), features)
    torch.testing.assert_close(outside, torch.zeros(1, 1, 2))


def test_learnt_places_are_resampled_to_the_map() -> None:
    writer = VfmTok.random(**SMALL)._network.decode_transformer
    places = writer._map_places()
    square = writer.position_embedding[:, 1:].transpose(1, 2).reshape(1, 32, 5, 5)
    expected = F.interpolate(square, scale_factor=(7.1 / 5, 7.1 / 5), mode="bicubic")
    assert places.shape == (1, 49, 32)
    torch.testing.assert_close(places, expected.flatten(2).transpose(1, 2))


def test_faults_are_told(files: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def absent(repository: str, file: str) -> Path:
        raise AssetMissingError(f"{repository}/{file}: not here")

    monkeypatch.setattr(second_file, "hub_file", absent)
    with pytest.raises(AssetMissingError, match="vfmtok needs DINOv2's weights"):
        VfmTok(**SMALL, checkpoint=files["checkpoint"])
    with pytest.raises(UsageError, match="size=60"):
        VfmTok.random(**{**SMALL, "size": 60})
    torch.save({"blocks.0.norm1.weight": torch.zeros(2)}, tmp_path / "other.pth")
    with pytest.raises(AdapterError, match="it is no DINOv2 with registers"):
        VfmTok(**SMALL, checkpoint=files["checkpoint"], backbone=str(tmp_path / "other.pth"))


def test_the_published_network(without_memory: None) -> None:
    """Tensors and elements of the published file beside DINOv2's, without what training left."""
    made: Any = VfmTok.random(card="vfmtok-dinov2-l")
    state = {name: tensor for name, tensor in made._network.state_dict().items() if not name.startswith(BACKBONE)}
    assert (len(state), sum(tensor.numel() for tensor in state.values())) == (424, 72759983)
