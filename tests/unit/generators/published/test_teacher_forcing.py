"""Likelihood of codes: that of the sampler's own distribution, token by token, and of nothing else."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from vtbench.core.codes import Codes
from vtbench.core.contracts import Condition
from vtbench.core.errors import UsageError
from vtbench.generators import GENERATORS
from vtbench.generators.protocols import LikelihoodGenerator
from vtbench.generators.published.base import PublishedGenerator
from vtbench.generators.published.next_token.llamagen.adapter import LlamaGen
from vtbench.generators.published.next_token.taming.adapter import TamingGpt
from vtbench.generators.published.teacher_forcing import TeacherForced
from vtbench.generators.sampling.filters import Filters, probabilities

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
LOADED = {name: GENERATORS.load(name) for name in GENERATORS.builtin}
TOLD = {name: kind for name, kind in LOADED.items() if isinstance(kind, type) and issubclass(kind, TeacherForced)}
GROUPED = ("detailflow-gpt", "nar", "nar-t2i")
"""Families that draw several tokens a pass."""
PUBLISHED = {name: kind for name, kind in TOLD.items() if issubclass(kind, PublishedGenerator)}
ELSEWHERE = ("rarm",)
"""Conditioned on neighbours alone: in a test of its own."""
FAMILIES = {name: kind for name, kind in PUBLISHED.items() if name not in (*GROUPED, *ELSEWHERE)}
CONDITIONS = [Condition(label=3, prompt="a cat"), Condition(label=7, prompt="two dogs, asleep")]


def test_there_are_some() -> None:
    assert {"llamagen", "rar", "ibq-ar", "gigatok-gpt", "d-ar", "hita-gpt"} <= set(FAMILIES)


@pytest.mark.parametrize("name", FAMILIES)
def test_it_is_that_of_the_samplers_unfiltered_distribution(name: str) -> None:
    """The chain of cached steps that sampling takes, at temperature 1 and without guidance."""
    family: Any = FAMILIES[name]
    generator = family.random(**family.shrunken)
    assert isinstance(generator, LikelihoodGenerator)
    codes = generator.sample_codes(CONDITIONS, torch.tensor([1, 2]))
    tokens, prompted = generator._tokens_of(codes), generator._prompted(CONDITIONS)
    network = generator._host(prompted) if hasattr(generator, "_host") else generator._network
    with torch.inference_mode():
        cache = network.make_cache(2)
        logits, found = network.prefill(prompted.conditional, cache), []
        for token in range(tokens.shape[1]):
            drawn = probabilities(logits, Filters())
            found.append(drawn.gather(-1, tokens[:, token : token + 1]).log()[:, 0])
            if token + 1 < tokens.shape[1]:
                logits = network.step(tokens[:, token : token + 1], cache)[:, -1]
    told = generator.log_likelihood(CONDITIONS, codes)
    assert told.dtype == torch.float64 and told.shape == tokens.shape
    torch.testing.assert_close(told, torch.stack(found, dim=1).double(), rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", GROUPED)
def test_tokens_drawn_side_by_side_are_given_the_groups_before(name: str) -> None:
    """The chain of cached passes that sampling takes: what is told of a token is what it was drawn from."""
    family: Any = PUBLISHED[name]
    generator = family.random(**family.shrunken)
    codes = generator.sample_codes(CONDITIONS, torch.tensor([1, 2]))
    tokens, network = codes.levels[0].flatten(1), generator._network
    found = torch.zeros(tokens.shape, dtype=torch.float64)
    with torch.inference_mode():
        cache, groups = network.make_cache(2), [list(group) for group in network.order.groups]
        logits = network.prefill(generator._prompted(CONDITIONS).conditional, cache)
        for number, group in enumerate(groups):
            if number:
                logits = network.step(tokens[:, groups[number - 1]], number, cache)
            found[:, group] = probabilities(logits, Filters()).gather(-1, tokens[:, group, None]).log()[..., 0].double()
    told = generator.log_likelihood(CONDITIONS, codes)
    torch.testing.assert_close(told, found, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", ["llamagen", "rar", "open-magvit2-ar", "detailflow-gpt", "var", "tiny-ar"])
def test_a_condition_that_holds_nothing_is_the_network_without_a_class(name: str) -> None:
    family: Any = LOADED[name]
    generator = family() if name == "tiny-ar" else family.random(**family.shrunken)
    codes = generator.sample_codes([Condition(label=2)], torch.tensor([1]))
    assert generator.null_condition
    alone = generator.log_likelihood([Condition()], codes)
    given = generator.log_likelihood([Condition(label=2)], codes)
    assert alone.shape == given.shape and not torch.allclose(alone, given)
    with pytest.raises(UsageError, match="class"):
        generator.log_likelihood([Condition(), Condition(label=2)], codes.select([0, 0]))


def test_a_network_without_such_a_class_refuses_it() -> None:
    generator = TamingGpt.random(**TamingGpt.shrunken)
    assert not generator.null_condition
    codes = Codes(levels=(torch.zeros(1, 16, 16, dtype=torch.int64),))
    with pytest.raises(UsageError, match="nothing stands for no class"):
        generator.log_likelihood([Condition()], codes)


@pytest.fixture(scope="module")
def tiny() -> LlamaGen:
    return LlamaGen.random(**LlamaGen.shrunken, cfg_scale=3.0, top_k=5, temperature=0.5)


def test_settings_of_the_sampler_take_no_part(tiny: LlamaGen) -> None:
    codes = tiny.sample_codes(CONDITIONS, torch.tensor([1, 2]))
    plain = LlamaGen.random(**LlamaGen.shrunken)
    assert torch.equal(tiny.log_likelihood(CONDITIONS, codes), plain.log_likelihood(CONDITIONS, codes))


def test_equal_logits_cost_the_logarithm_of_the_codebook() -> None:
    generator = LlamaGen.random(**LlamaGen.shrunken)
    generator._network.output.weight.zero_()
    codes = Codes(levels=(torch.randint(0, 16384, (2, 4, 4)),), image_size=(64, 64))
    bits = -generator.log_likelihood(CONDITIONS, codes) / math.log(2)
    torch.testing.assert_close(bits, torch.full((2, 16), 14.0, dtype=torch.float64))


@pytest.mark.parametrize(
    ("codes", "told"),
    [
        (torch.zeros(2, 3, 3, dtype=torch.int64), "its images have 16 tokens"),
        (torch.zeros(3, 4, 4, dtype=torch.int64), "codes of 3 images, 16 tokens each, for 2 conditions"),
    ],
)
def test_codes_of_other_images_are_refused(tiny: LlamaGen, codes: torch.Tensor, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        tiny.log_likelihood(CONDITIONS, Codes(levels=(codes,), image_size=(64, 64)))
    assert told in str(caught.value)
