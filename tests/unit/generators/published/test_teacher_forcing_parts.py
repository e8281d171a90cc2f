"""Likelihood of codes drawn in parts: that of the sampler's own distribution, part by part."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from vtbench.core.codes import Codes
from vtbench.core.contracts import Condition
from vtbench.core.errors import UsageError
from vtbench.generators import GENERATORS
from vtbench.generators.protocols import LikelihoodGenerator
from vtbench.generators.sampling.filters import Filters, probabilities

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
CONDITIONS = [Condition(label=3), Condition(label=7)]


@pytest.fixture(scope="module", params=["open-magvit2-ar", "elm-ar"])
def generator(request: pytest.FixtureRequest) -> Any:
    family: Any = GENERATORS.load(request.param)
    return family.random(**family.shrunken)


def test_parts_come_back_from_codes(generator: Any) -> None:
    sizes = [2**bits for bits in ((2, 4) if generator.family == "open-magvit2-ar" else (3, 3))]
    drawing = torch.Generator().manual_seed(0)
    parts = torch.stack([torch.randint(0, size, (2, 16), generator=drawing) for size in sizes], dim=-1)
    assert torch.equal(generator._parts(generator._codes(parts)), parts)


def test_it_is_that_of_the_samplers_unfiltered_distribution(generator: Any) -> None:
    """The chain of cached steps that sampling takes, at temperature 1 and without guidance."""
    assert isinstance(generator, LikelihoodGenerator)
    codes = generator.sample_codes(CONDITIONS, torch.tensor([1, 2]))
    parts, network = generator._parts(codes), generator._network
    found = torch.zeros(2, 16, dtype=torch.float64)
    with torch.inference_mode():
        cache = network.make_cache(2)
        hidden = network.prefill(torch.tensor([3, 7]), cache)
        for token in range(16):
            inner = network.inner(hidden)
            for part in (0, 1):
                logits = inner.logits(part, parts[:, token, part - 1] if part else None)
                found[:, token] += probabilities(logits, Filters()).gather(-1, parts[:, token, part, None]).log()[:, 0]
            hidden = network.step(parts[:, token : token + 1], cache)[:, -1] if token < 15 else hidden
    told = generator.log_likelihood(CONDITIONS, codes)
    assert told.dtype == torch.float64 and told.shape == (2, 16)
    torch.testing.assert_close(told, found, rtol=0, atol=1e-4)


def test_codes_of_other_images_are_refused(generator: Any) -> None:
    codes = Codes(bits=(torch.zeros(3, 4, 4, 6, dtype=torch.bool),))
    with pytest.raises(UsageError, match="codes of 3 images, 16 tokens each, for 2 conditions"):
        generator.log_likelihood(CONDITIONS, codes)
