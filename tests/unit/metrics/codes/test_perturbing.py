"""Perturbed codes: neighbours against brute force, rates against their expectation, seeds and batches."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from vtbench.core.codes import Codes
from vtbench.core.errors import UsageError
from vtbench.metrics.codes.perturbing import Neighbours, Perturbation, Perturber

BOOK = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
INDICES = torch.randint(40, (3, 50, 40), generator=torch.Generator().manual_seed(1))
SEEDS = [11, 12, 13]


def perturbed(codes: Codes, seeds: list[int] = SEEDS, book: Tensor | None = BOOK, **rule: float) -> Codes:
    made = Perturber(Perturbation(**rule), lambda level: book)(codes, seeds)  # type: ignore[arg-type]
    assert made is not None
    return made


def test_neighbours_are_those_of_a_loop() -> None:
    found = Neighbours(BOOK, 5).of(torch.arange(40))
    for row in range(40):
        order = sorted(range(40), key=lambda other: float((BOOK[row] - BOOK[other]).double().square().sum()))
        assert found[row].tolist() == order[:5] and found[row, 0] == row


def test_equally_near_rows_are_in_the_order_of_the_codebook_whoever_asks() -> None:
    """The corners and edges of a cube, as quantisers of scalars have them: nearly all distances are shared."""
    book = torch.tensor(list(itertools.product((-1.0, -1 / 3, 1 / 3, 1.0), repeat=3)))
    whole = Neighbours(book, 20).of(torch.arange(64))
    alone = torch.cat([Neighbours(book, 20).of(torch.tensor([row])) for row in range(64)])
    assert torch.equal(whole, alone)
    assert whole[0, :4].tolist() == [0, 1, 4, 16]
    twice = Neighbours(book.repeat(2, 1), 2).of(torch.arange(128))
    assert twice[:64].tolist() == twice[64:].tolist() == [[row, row + 64] for row in range(64)]


def test_tokens_are_replaced_at_the_rate_by_uniform_neighbours() -> None:
    found = perturbed(Codes(levels=(INDICES,)), rate=0.5, strength=4).levels[0]
    # One of four draws is the token itself.
    assert float((found != INDICES).double().mean()) == pytest.approx(0.5 * 0.75, abs=0.02)
    near = Neighbours(BOOK, 4).of(INDICES.flatten())
    place = (near == found.flatten()[:, None]).double()
    assert bool((place.sum(1) == 1).all())
    assert place.mean(0).tolist() == pytest.approx([0.625, 0.125, 0.125, 0.125], abs=0.02)


def test_rate_0_and_strength_1_change_nothing_and_strength_has_an_end() -> None:
    codes = Codes(levels=(INDICES,))
    for rule in ({"rate": 0.0}, {"rate": 1.0, "strength": 1}):
        assert torch.equal(perturbed(codes, **rule).levels[0], INDICES)
    most = perturbed(codes, rate=1.0, strength=1000).levels[0]
    assert torch.equal(most.unique(), torch.arange(40))


def test_an_image_has_its_own_draws_in_any_batch_and_levels_differ() -> None:
    codes = Codes(levels=(INDICES, INDICES))
    together = perturbed(codes, rate=0.5, strength=8)
    alone = perturbed(codes.select([2]), [SEEDS[2]], rate=0.5, strength=8)
    assert all(torch.equal(a[2:], b) for a, b in zip(together.levels, alone.levels, strict=True))
    assert not torch.equal(*together.levels)


def test_bits_flip_with_their_probability() -> None:
    bits = torch.zeros(3, 40, 40, 8, dtype=torch.bool)
    found = perturbed(Codes(bits=(bits,)), flip=0.05).bits[0]
    assert float(found.double().mean()) == pytest.approx(0.05, abs=0.004)


def test_latents_get_noise_of_their_channels_deviation() -> None:
    latents = (
        torch.randn(3, 2, 64, 64, generator=torch.Generator().manual_seed(2)) * torch.tensor([1.0, 50.0])[:, None, None]
    )
    found = perturbed(Codes(latents=latents), noise=0.2).latents
    assert found is not None
    ratio = (found - latents).std((0, 2, 3)) / latents.std((0, 2, 3))
    assert ratio.tolist() == pytest.approx([0.2, 0.2], rel=0.03)


def test_without_a_codebook_there_is_no_answer() -> None:
    assert Perturber(Perturbation(), lambda level: None)(Codes(levels=(INDICES,)), SEEDS) is None
    assert Perturber(Perturbation(), lambda level: BOOK)(Codes(payload=(b"a",)), [0]) is None


@pytest.mark.parametrize("rule", [{"rate": 1.1}, {"strength": 0}, {"flip": -0.1}, {"noise": -1.0}])
def test_what_is_no_probability_is_refused(rule: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="cannot be perturbed"):
        Perturbation(**rule)  # type: ignore[arg-type]
