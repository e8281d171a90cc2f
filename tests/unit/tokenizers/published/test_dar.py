"""D-AR: held against arrays of the published code, and what its sampler and its masks do in closed form."""

from __future__ import annotations

import argparse
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from seeded_weights import golden, seeded_array, seeded_images
from torch import Tensor

from vtbench.checkpoints.cards import load_cards
from vtbench.core.codes import Codes
from vtbench.core.errors import AdapterError, UsageError
from vtbench.tokenizers.contract import check_tokenizer
from vtbench.tokenizers.published.dar.adapter import DATA_SCALE, DarTokenizer, _starts

# Six steps over four groups, so that some groups are seen twice.
SMALL: dict[str, Any] = {
    **{"tokens": 16, "groups": 4, "steps": 6, "codebook_size": 64, "size": 32, "width": 128},
    **{"encoder_depth": 2, "decoder_depth": 2, "denoiser_depth": 1},
}
GAINS = {"gate": 10.0, "query_embedding": 5.0}
SEEDS = torch.tensor([11, 12])
pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    """Seeded weights under the published names."""
    made = {}
    for name, tensor in DarTokenizer.random(**SMALL)._network.state_dict().items():
        gain = next((gain for part, gain in GAINS.items() if part in name), 1.0)
        made[name] = torch.from_numpy(seeded_array(name, tuple(tensor.shape))) * gain
    return made


def published(state: dict[str, Tensor]) -> dict[str, Any]:
    """As training writes it: averaged weights beside raw ones that are others, and what inference has no use for."""
    unused = {"quantize.codebook_used": torch.zeros(8), "diff_decoder.net.repa_out.0.bias": torch.zeros(2)}
    raw = {name: tensor + 1 for name, tensor in state.items()}
    return {"model": {**raw, **unused}, "ema": {**state, **unused}, "steps": 3}


@pytest.fixture(scope="module")
def loaded(state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> DarTokenizer:
    file = tmp_path_factory.mktemp("dar") / "published.pt"
    torch.save(published(state), file)
    return DarTokenizer(**SMALL, checkpoint=str(file))


def test_codes_and_pixels_are_those_of_the_published_code(loaded: DarTokenizer) -> None:
    expected = golden("dar")
    codes = loaded.encode(seeded_images(2, 32), SEEDS)
    indices = torch.from_numpy(expected["indices"]).long()
    assert torch.equal(codes.levels[0], indices)
    assert len(indices.unique()) >= 16 and not torch.equal(indices[0], indices[1])
    pixels = (torch.from_numpy(expected["reconstruction"]) + 1) / 2
    torch.testing.assert_close(loaded.decode(codes, SEEDS), pixels, atol=1e-4, rtol=0)


def test_an_image_does_not_depend_on_its_batch(loaded: DarTokenizer) -> None:
    images, seeds = seeded_images(3, 32, seed=1), torch.tensor([4, 5, 6])
    together, alone = loaded.encode(images, seeds), loaded.encode(images[1:2], seeds[1:2])
    assert torch.equal(together.levels[0][1:2], alone.levels[0])
    torch.testing.assert_close(loaded.decode(together, seeds)[1:2], loaded.decode(alone, seeds[1:2]), atol=1e-4, rtol=0)


def test_noise_follows_the_seed(loaded: DarTokenizer) -> None:
    codes = loaded.encode(seeded_images(1, 32), SEEDS[:1])
    once, again, other = (loaded.decode(codes, torch.tensor([seed])) for seed in (1, 1, 2))
    assert torch.equal(once, again) and float((once - other).abs().mean()) > 0.1


def test_a_file_that_does_not_fit_is_told(state: dict[str, Tensor], tmp_path: Path) -> None:
    narrow = {**state, "quant_in_conv.weight": state["quant_in_conv.weight"][:4].clone()}
    torch.save(published(narrow), tmp_path / "narrow.pt")
    torch.save({"encoder.layer.weight": torch.zeros(2)}, tmp_path / "other.pt")
    torch.save({**published(state), "args": argparse.Namespace()}, tmp_path / "objects.pt")
    for name, told in (("narrow", "another shape"), ("other", "missing"), ("objects", "refused")):
        with pytest.raises(AdapterError, match=rf"dar: .*{told}") as error:
            DarTokenizer(**SMALL, checkpoint=str(tmp_path / f"{name}.pt"))
    assert "--convert" in error.value.hint


def test_the_published_network(without_memory: None) -> None:
    card = load_cards()["dar-v1"]
    state = DarTokenizer.random(card=card.name, **card.args)._network.state_dict()
    # of 830 tensors with 307,510,208 elements, six are of a head that training alone has, and one is a statistic
    assert len(state) == 830 - 7
    assert sum(tensor.numel() for tensor in state.values()) == 307_510_208 - 7_344_896 - 65_536


def test_contract() -> None:
    tokenizer = DarTokenizer.random(**DarTokenizer.shrunken)
    assert sum(parameter.numel() for parameter in tokenizer._network.parameters()) < 2_000_000
    failed = {result.name for result in check_tokenizer(tokenizer) if not result.passed}
    assert failed <= {"range", "alignment"}


def test_a_random_encoder_tells_images_apart() -> None:
    network = DarTokenizer.random(**DarTokenizer.shrunken)._network
    first, second = network.encode(seeded_images(2, 32) * 2 - 1)
    assert float((first - second).abs().max()) > 1e-3


@pytest.mark.parametrize(
    ("steps", "starts"),
    [
        (8, [0, 32, 64, 96, 128, 160, 192, 224]),
        (4, [0, 64, 128, 192]),
        (16, [0, 32, 32, 64, 64, 96, 96, 128, 128, 160, 160, 192, 192, 224, 224, 224]),
        (1, [0]),
    ],
)
def test_which_tokens_a_step_sees(steps: int, starts: list[int]) -> None:
    assert _starts(steps, 8, 256) == starts


def with_velocity(tokenizer: DarTokenizer, velocity: Any, monkeypatch: pytest.MonkeyPatch) -> DarTokenizer:
    monkeypatch.setattr(tokenizer._network, "velocity", velocity)
    return tokenizer


def test_a_straight_flow_is_followed_to_its_end(loaded: DarTokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    # the velocity of the straight line to a grey image, wherever it is asked
    grey, seed = 0.3 * DATA_SCALE, torch.tensor([7])
    noise = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(7))
    codes = Codes(levels=(torch.zeros(1, 16, dtype=torch.int64),), image_size=(32, 32))
    pixels = with_velocity(loaded, lambda *_: grey - noise, monkeypatch).decode(codes, seed)
    torch.testing.assert_close(pixels, torch.full_like(pixels, (0.3 + 1) / 2), atol=1e-5, rtol=0)


def test_steps_are_those_of_the_shifted_schedule(loaded: DarTokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def velocity(images: Tensor, condition: Tensor, time: Tensor) -> Tensor:
        asked.append(float(time))
        return torch.full_like(images, float(time) ** 2)

    end = with_velocity(loaded, velocity, monkeypatch)._flow(torch.zeros(1, 3, 2, 2), torch.zeros(1, 16, 128))
    times = [step / 6 / (step / 6 + 2 * (1 - step / 6)) for step in range(7)]
    assert asked == pytest.approx(times[:6], abs=1e-6)
    courses = [0.0, *(1.5 * now**2 - 0.5 * before**2 for before, now in pairwise(times[:6]))]
    expected = math.fsum((times[step + 1] - times[step]) * course for step, course in enumerate(courses))
    torch.testing.assert_close(end, torch.full_like(end, expected), atol=1e-6, rtol=0)


def test_tokens_are_causal(loaded: DarTokenizer) -> None:
    network, images = loaded._network, seeded_images(1, 32) * 2 - 1
    entries = torch.randn(1, 8, 16, generator=torch.Generator().manual_seed(0))
    changed = entries.clone()
    changed[:, :, 10] += 1
    difference = (network.conditions(changed) - network.conditions(entries)).abs().amax((0, 2))
    assert float(difference[:10].max()) < 1e-5 and float(difference[10:].min()) > 1e-4
    before, query = network.encode(images), network.query_embedding.weight.data
    kept = query[10].clone()
    try:
        query[10] += 1
        moved = (network.encode(images) - before).abs().amax((0, 1))
    finally:
        query[10] = kept
    assert float(moved[:10].max()) < 1e-5 and float(moved[10:].min()) > 1e-4


def test_a_first_group_shapes_every_step_and_the_last_only_its_own(loaded: DarTokenizer) -> None:
    seen: list[Tensor] = []
    hook = loaded._network.diff_decoder["net"].cond_mlp.register_forward_hook(
        lambda _, given, __: seen.append(given[0])
    )
    try:
        for token in (63, 0):
            codes = torch.zeros(1, 16, dtype=torch.int64)
            codes[:, -1] = token
            loaded.decode(Codes(levels=(codes,), image_size=(32, 32)), SEEDS[:1])
    finally:
        hook.remove()
    assert [tuple(part.shape) for part in seen] == [(1, 4, 128)] * 12
    same = [bool(torch.allclose(one, other, atol=1e-5)) for one, other in zip(seen[:6], seen[6:], strict=True)]
    assert same == [True, True, True, True, False, False]


def test_half_precision_keeps_the_noisy_image_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = DarTokenizer.random(**DarTokenizer.shrunken)
    codes = tokenizer.encode(seeded_images(1, 32), SEEDS[:1])
    whole = tokenizer.decode(codes, SEEDS[:1])
    half = tokenizer.to(dtype=torch.bfloat16).decode(codes, SEEDS[:1])
    assert half.dtype == torch.float32 and 0 < float((half - whole).abs().mean()) < 0.05
    noise = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(7))
    pixels = with_velocity(tokenizer, lambda *_: -noise, monkeypatch).decode(codes, torch.tensor([7]))
    torch.testing.assert_close(pixels, torch.full_like(pixels, 0.5), atol=1e-5, rtol=0)


@pytest.mark.parametrize("wrong", [{"groups": 3}, {"width": 96}, {"steps": 0}, {"tokens": 2048}])
def test_sizes_that_cannot_be(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="dar: "):
        DarTokenizer.random(**{**DarTokenizer.shrunken, **wrong})
