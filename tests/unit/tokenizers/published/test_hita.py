"""``hita``: golden arrays of the published code, both files of weights, and who sees whom."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from seeded_weights import golden, seeded_array, seeded_images
from torch import Tensor

from vtbench.checkpoints.cards import load_cards
from vtbench.core.codes import Codes
from vtbench.core.errors import AdapterError, AssetMissingError
from vtbench.tokenizers.fetching import fetch_card
from vtbench.tokenizers.published.hita import backbone as hita_backbone
from vtbench.tokenizers.published.hita.adapter import Hita
from vtbench.tokenizers.published.hita.backbone import AUTHORS_FILE, FILE, REPOSITORY
from vtbench.tokenizers.published.hita.beside import BACKBONE
from vtbench.tokenizers.published.hita.dinov2_registers import resampled, shrunk

State = dict[str, Tensor]
SMALL = Hita.shrunken
SIZE, SLOTS, SIDE, SHIFT = 48, 8, 12, 4
# So that places and slots differ, and look at one another.
GAINS = {
    **{"carrier_tokens": 12.0, "pos_embed": 24.0, "position_embedding": 24.0, "register_tokens": 8.0},
    **{f"to_{part}.weight": 3.0 for part in "qkv"},
    **{f"{part}_proj.weight": 2.0 for part in "qkv"},
    "to_out.0.weight": 2.0,
}
pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")


def weights() -> tuple[State, State]:
    """Seeded, under the names of the published code: the tokenizer's file and DINOv2's."""
    expected = golden("hita")
    state = {}
    for name, shape in zip(expected["names"].tolist(), expected["shapes"].tolist(), strict=True):
        gain = next((value for ending, value in GAINS.items() if name.endswith(ending)), 1.0)
        state[name] = torch.from_numpy(seeded_array(name, tuple(map(int, shape.split(","))))) * gain
    seen = {name.removeprefix(BACKBONE): tensor for name, tensor in state.items() if name.startswith(BACKBONE)}
    return {name: tensor for name, tensor in state.items() if not name.startswith(BACKBONE)}, seen


def published(state: State) -> dict[str, Any]:
    """As the authors write it."""
    averages = {**state, "quantize.codebook_used": torch.zeros(9), "slot_quantize.codebook_used": torch.zeros(9)}
    return {"model": {name: tensor + 1 for name, tensor in averages.items()}, "ema": averages, "steps": 3}


def timms(seen: State) -> State:
    """DINOv2's weights as timm publishes them."""
    own = {name: tensor for name, tensor in seen.items() if name not in ("mask_token", "register_tokens")}
    changed = {"reg_token": seen["register_tokens"], "cls_token": seen["cls_token"] + seen["pos_embed"][:, :1]}
    return {**own, **changed, "pos_embed": seen["pos_embed"][:, 1:]}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("hita")
    state, seen = weights()
    torch.save(published(state), folder / "hita-tok.pt")
    torch.save(seen, folder / AUTHORS_FILE)
    return str(folder / "hita-tok.pt"), str(folder / AUTHORS_FILE)


@pytest.fixture(scope="module")
def small(files: tuple[str, str]) -> Hita:
    return Hita(**SMALL, checkpoint=files[0], backbone=files[1])


def test_codes_and_pixels_are_those_of_the_published_code(small: Hita) -> None:
    expected = golden("hita")
    codes = small.encode(seeded_images(2, SIZE))
    for found, name, distinct in zip(codes.levels, ("slots", "local"), (7, 44), strict=True):
        assert torch.equal(found, torch.from_numpy(expected[name]).long())
        assert len(found.unique()) == distinct
    pixels = (torch.from_numpy(expected["reconstruction"]) + 1) / 2
    torch.testing.assert_close(small.decode(codes)[..., ::3, ::3], pixels, atol=1e-4, rtol=0)


def test_dinov2_sees_what_the_published_code_shows_it(small: Hita) -> None:
    with torch.no_grad():
        seen = small._network.encode_transformer.backbone(seeded_images(2, SIZE) * 2 - 1)
    torch.testing.assert_close(seen, torch.from_numpy(golden("hita")["seen"]), atol=1e-5, rtol=0)


def test_an_image_does_not_depend_on_its_batch(small: Hita) -> None:
    images = seeded_images(3, SIZE, seed=1)
    together, alone = small.encode(images), small.encode(images[1:2])
    for many, one in zip(together.levels, alone.levels, strict=True):
        assert torch.equal(many[1:2], one)
    torch.testing.assert_close(small.decode(together)[1:2], small.decode(alone), atol=1e-5, rtol=0)


def test_slots_are_read_before_the_map_and_the_map_in_order(small: Hita) -> None:
    """The second transformer hides what comes later, slots first; the one before it hides nothing."""
    network = small._network.encode_transformer
    x = torch.randn(1, SLOTS + 9, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before = network.transformer2(x)
        changed = x.clone()
        changed[:, SLOTS + 2] *= -1
        after = network.transformer2(changed)
        apart = (before - after).abs().amax((0, 2))
        everything = (network.transformer1(x) - network.transformer1(changed)).abs().amax((0, 2))
    assert apart[: SLOTS + 2].max() == 0 and apart[SLOTS + 2 :].min() > 1e-4 and everything.min() > 1e-6


def test_the_last_tokens_of_the_map_are_not_painted(small: Hita) -> None:
    """The decoder takes place i of the map before it has read token i - 3, for the published shift of 4."""
    codes = small.encode(seeded_images(1, SIZE))
    slots, local = codes.levels

    def painted(place: int) -> Tensor:
        """Which places of the decoder's map change with one token."""
        maps = []
        for index in (0, 1):
            level = local.clone()
            level.view(-1)[place] = index
            book = small._network.quantize.embedding(level).movedim(-1, 1)
            with torch.no_grad():
                entries = small._network.post_slots_quant(small._network.slot_quantize.embedding(slots))
                maps.append(small._network.decode_transformer(entries, small._network.post_quant_conv(book)))
        return (maps[0] - maps[1]).abs().amax((0, 1)).flatten().nonzero().flatten()

    count = SIDE**2
    assert painted(20).tolist() == list(range(20 + SHIFT, count))
    assert painted(count - SHIFT - 1).tolist() == [count - 1]
    assert painted(count - SHIFT).tolist() == []
    last = local.clone()
    last.view(-1)[-SHIFT:] = (last.view(-1)[-SHIFT:] + 7) % 64
    assert torch.equal(small.decode(Codes(levels=(slots, last), image_size=(SIZE, SIZE))), small.decode(codes))


def test_codebooks_are_compared_by_direction(small: Hita) -> None:
    for quantiser in (small._network.slot_quantize, small._network.quantize):
        lengths = quantiser.embedding.weight.norm(dim=-1)
        torch.testing.assert_close(lengths, torch.ones(64))


@pytest.mark.parametrize("layout", ["timm", "inside"])
def test_other_places_of_dinov2s_weights(
    layout: str, small: Hita, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """timm's file in an asset folder; or a file that was saved whole."""
    state, seen = weights()
    if layout == "timm":
        from safetensors.torch import save_file

        (tmp_path / REPOSITORY).mkdir(parents=True)
        save_file({name: tensor.clone() for name, tensor in timms(seen).items()}, tmp_path / REPOSITORY / FILE)
        monkeypatch.setenv("VTBENCH_ASSETS", str(tmp_path))
    else:
        state.update({BACKBONE + name: tensor for name, tensor in seen.items()})
    torch.save(published(state), tmp_path / "tok.pt")
    other = Hita(**SMALL, checkpoint=str(tmp_path / "tok.pt"))
    assert len(other.info.weights) == (2 if layout == "timm" else 1)
    wanted = small._network.state_dict()
    for name, tensor in other._network.state_dict().items():
        assert torch.equal(tensor, wanted[name]), name


def test_both_files_are_told(small: Hita, files: tuple[str, str]) -> None:
    assert [weight.source for weight in small.info.weights] == list(files)
    assert len({weight.sha256 for weight in small.info.weights}) == 2
    assert small.info.revision == small.info.weights[0].sha256[:12]


def test_without_dinov2s_weights_it_says_what_to_do(files: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(repository: str, file: str) -> Path:
        raise AssetMissingError(f"{repository}/{file}: not here")

    monkeypatch.setattr(hita_backbone, "hub_file", absent)
    with pytest.raises(AssetMissingError, match="needs DINOv2's weights") as caught:
        Hita(**SMALL, checkpoint=files[0])
    assert "backbone=FILE" in str(caught.value.hint) and AUTHORS_FILE in str(caught.value.hint)


def test_both_files_are_fetched(files: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VTBENCH_ASSETS", str(tmp_path))
    for source, name in zip(files, ("hita-tok.pt", AUTHORS_FILE), strict=True):
        (tmp_path / name).write_bytes(Path(source).read_bytes())
    found = fetch_card(load_cards()["hita-v"])
    assert [located.path for located in found] == [tmp_path / "hita-tok.pt", tmp_path / AUTHORS_FILE]
    assert all(len(located.sha256) == 64 for located in found)


def test_files_that_do_not_fit_are_told(files: tuple[str, str], tmp_path: Path) -> None:
    state, seen = weights()
    slim, small = "encode_transformer.carrier_tokens", "blocks.0.attn.qkv.weight"
    torch.save(published({**state, slim: state[slim][:, :1]}), tmp_path / "slim.pt")
    torch.save({"ema": {"encoder.layer.weight": torch.zeros(2)}}, tmp_path / "other.pt")
    torch.save({**seen, small: seen[small][:3]}, tmp_path / "slim-dino.pt")
    torch.save({name: seen[name] for name in seen if name != "register_tokens"}, tmp_path / "no-registers.pt")
    for checkpoint, backbone, told in (
        (tmp_path / "slim.pt", files[1], "slim.pt .*another shape .*carrier_tokens"),
        (tmp_path / "other.pt", None, "other.pt .*are missing"),
        (files[0], tmp_path / "slim-dino.pt", "slim-dino.pt .*another shape"),
        (files[0], tmp_path / "no-registers.pt", "no-registers.pt: it is no DINOv2 with registers"),
    ):
        with pytest.raises(AdapterError, match=f"hita: .*{told}"):
            Hita(**SMALL, checkpoint=str(checkpoint), backbone=backbone and str(backbone))


def test_an_image_of_another_size_is_refused(small: Hita) -> None:
    with pytest.raises(AdapterError, match="takes 48 pixels a side"):
        small.encode(seeded_images(1, 32))


@pytest.mark.parametrize("card", ["hita-v", "hita-u"])
def test_the_published_network(card: str, without_memory: None) -> None:
    """Tensors and elements of the published file without its counters, and of DINOv2 at 37x37 places."""
    tokenizer = Hita.random(card=card)
    state = tokenizer._network.state_dict()
    own = {name: tensor for name, tensor in state.items() if not name.startswith(BACKBONE)}
    assert (len(own), sum(tensor.numel() for tensor in own.values())) == (501 - 2, 104_371_911 - 2 * 65_536)
    seen = {name: tensor.numel() for name, tensor in state.items() if name not in own}
    # the mask token is not taken; 16x16 places are, and the class token has none
    assert len(seen) == 344 - 1 and sum(seen.values()) == 304_372_736 - 1024 - 1024 * (37**2 + 1 - 16**2)
    geometry = load_cards()[card].geometry
    assert geometry is not None and geometry.tokens == (128, 21**2)
    assert state["encode_transformer.pos_embed"].shape == (1, 21**2, 512)


def test_the_blur_is_as_wide_as_the_scale_asks() -> None:
    """15 to 8 pixels, corners aligned, takes every second one: what is left of a line is the blur's own weights."""
    beside = math.exp(-1 / (2 * ((15 / 8 - 1) / 2) ** 2))
    for column, places, weight in ((6, [3], 1.0), (7, [3, 4], beside)):
        line = torch.zeros(1, 1, 15, 15)
        line[..., column] = 1
        wanted = torch.zeros(8, 8)
        wanted[:, places] = weight / (1 + 2 * beside)
        torch.testing.assert_close(shrunk(line, 8)[0, 0], wanted, atol=1e-6, rtol=1e-5)
    assert torch.equal(shrunk(line, 15), line)


def test_places_of_a_coarser_grid_average_a_linear_ramp() -> None:
    rows = torch.arange(37.0).repeat_interleave(37).view(1, 37**2, 1)
    coarse = resampled(rows, 16).view(16, 16)
    centres = (torch.arange(16) + 0.5) * 37 / 16 - 0.5
    torch.testing.assert_close(coarse[2:-2, 8], centres[2:-2], atol=5e-3, rtol=0)
    assert torch.equal(resampled(rows, 37), rows)
