"""CoDe: a drafter and a refiner that are one network are that network; what each computes is counted apart."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import pytest
import torch
from next_scale_cases import AUTHORS, check_an_image_stands_alone, sampled
from sorted_weights import digest, drawn

from vtbench.checkpoints.cards import load_generator_cards
from vtbench.core.contracts import Condition
from vtbench.core.errors import UsageError
from vtbench.generators.published.next_scale.var.adapter import Var
from vtbench.generators.published.next_scale.var.network import SIDES_256, VarGeometry, VarNetwork
from vtbench.generators.resolve import resolve_generator
from vtbench.generators.sampling.filters import LAST
from vtbench.generators.sampling.next_scale.accumulation import ResidualAccumulator
from vtbench.generators.sampling.next_scale.ramps import Ramp
from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule
from vtbench.generators.sampling.next_scale.settings import ScaleSettings
from vtbench.generators.sampling.next_scale.strategies.collaboration import Collaboration, Refiner
from vtbench.tokenizers.published.var_vq.adapter import VarVQ

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
SCHEDULE = ScaleSchedule.square(SIDES_256)
TOKENS = SCHEDULE.tokens
PLAIN = ScaleSettings(SCHEDULE, (AUTHORS,), Ramp(1.5), draw="torch-multinomial")
WARM = replace(PLAIN, filters=tuple(replace(AUTHORS, temperature=one, order=LAST) for one in [1.1] * 7 + [1.0] * 3))


def network(seed: int = 2, **sizes: Any) -> VarNetwork:
    made: VarNetwork = drawn(VarNetwork(VarGeometry(**{"depth": 2, "width": 128, "heads": 2, **sizes})), seed)
    return made


def code(refiner: VarNetwork, drafted: int) -> Collaboration:
    count = sum(parameter.numel() for parameter in refiner.parameters())
    return Collaboration(Refiner(network=refiner, name="twin", revision="random-2", parameters=count), drafted)


@pytest.fixture(scope="module")
def accumulator() -> ResidualAccumulator:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tokenizer = VarVQ.random(channels=32)
    drawn(tokenizer._network, 1)
    with torch.no_grad():
        tokenizer._network.quantize.embedding.weight.normal_(generator=torch.Generator().manual_seed(9))
    return ResidualAccumulator(SCHEDULE, tokenizer.contribution)


@pytest.fixture(scope="module")
def host() -> VarNetwork:
    return network()


@pytest.mark.parametrize("drafted", [6, 8, 9])
def test_a_network_that_refines_itself_is_itself(
    host: VarNetwork, accumulator: ResidualAccumulator, drafted: int
) -> None:
    codes, cost = sampled(host, accumulator, replace(PLAIN, strategy=code(network(), drafted)), [3], [0])
    assert digest(codes) == "f25892c47d12"  # the authors' VAR
    again = SCHEDULE.before(drafted)
    assert {role: share.forward_passes for role, share in cost.models.items()} == {
        "drafter": drafted,
        "refiner": 10 - drafted,
    }
    assert cost.tokens_computed == 2 * (TOKENS + again)  # both halves of guidance
    assert {6: 155, 7: 255, 8: 424, 9: 680}[drafted] == SCHEDULE.before(drafted + 1)  # the refiner's first pass
    assert cost.kv_cache_bytes == cost.kv_cache_bytes_at_end == 2 * 2 * TOKENS * 128 * (4 + 4)


def test_a_pair_has_the_codes_of_the_authors_code(accumulator: ResidualAccumulator) -> None:
    settings = replace(WARM, filters=tuple(replace(one, top_k=600) for one in WARM.filters))
    pair = replace(settings, strategy=code(network(5), 7))
    codes, cost = sampled(network(depth=3, width=192, heads=3), accumulator, pair, [3], [0])
    assert digest(codes) == "06c6a6668b0d"
    assert (cost.forward_passes, cost.tokens_computed) == (10, 2 * (155 + 680))


def test_all_scales_drafted_leave_the_drafter_alone(host: VarNetwork, accumulator: ResidualAccumulator) -> None:
    codes, cost = sampled(host, accumulator, replace(PLAIN, strategy=code(network(5), 10)), [3], [0])
    assert digest(codes) == "f25892c47d12"
    assert cost.forward_passes == 10 and not cost.models


def test_the_authors_temperatures_move_every_split_alike(host: VarNetwork, accumulator: ResidualAccumulator) -> None:
    whole = digest(sampled(host, accumulator, WARM, [3], [0])[0])
    found = {
        digest(sampled(host, accumulator, replace(WARM, strategy=code(network(), n)), [3], [0])[0]) for n in (6, 9)
    }
    assert found == {whole} != {"f25892c47d12"}


def test_a_smaller_refiner_has_a_cache_of_its_own_size(host: VarNetwork, accumulator: ResidualAccumulator) -> None:
    small = code(network(7, depth=1, width=64, heads=1), 8)
    codes, cost = sampled(host, accumulator, replace(PLAIN, strategy=small), [3], [0])
    whole = sampled(host, accumulator, PLAIN, [3], [0])[0]
    assert all(torch.equal(a, b) for a, b in zip(codes[:8], whole[:8], strict=True))
    assert not torch.equal(codes[8], whole[8])
    drafter = 2 * 2 * SCHEDULE.before(8) * 128 * 8
    refiner = 2 * 1 * TOKENS * 64 * 8
    assert [share.kv_cache_bytes for share in cost.models.values()] == [drafter, refiner]
    assert (cost.kv_cache_bytes, cost.kv_cache_bytes_at_end) == (max(drafter, refiner), refiner)
    assert {  # MiB in half precision, of d30 with guidance
        n: round(2 * 30 * SCHEDULE.before(n) * 1920 * 4 / 2**20) for n in (6, 7, 8, 9)
    } == {6: 40, 7: 68, 8: 112, 9: 186}


def quoted(reference: str) -> str:
    return "'" + reference.replace("'", "''") + "'"


def tiny(**changed: Any) -> str:
    given = {"size": "tiny", "scales": "[1,2,3,4]", "tokenizer": quoted(Var.shrunken["tokenizer"]), **changed}
    return ",".join(["var", "random_weights_seed=0", *(f"{key}={value}" for key, value in given.items())])


def test_a_reference_names_the_refiner() -> None:
    generator = resolve_generator(tiny(strategy="code", refiner=quoted(tiny()), drafted_scales=2))
    plain = resolve_generator(tiny())
    conditions, seeds = [Condition(label=3), Condition(label=7)], torch.tensor([1, 2])
    assert torch.equal(generator.sample(conditions, seeds), plain.sample(conditions, seeds))
    told = generator.info.sampler
    assert (told["strategy"], told["strategy_drafted_scales"]) == ("code", 2)
    assert (told["strategy_refiner"], told["strategy_refiner_revision"]) == ("var-random", "random-0")
    assert told["strategy_refiner_parameters"] == plain.info.parameters
    cost = generator.sampling_cost()
    assert cost is not None and [share.forward_passes for share in cost.models.values()] == [2, 2]
    shares = [share.weight_bytes for share in cost.models.values()]
    held = sum(4 * tensor.numel() for tensor in plain._network.state_dict().values())
    assert shares == [held, held] and cost.weight_bytes == 2 * held
    assert (
        generator.to(dtype=torch.float64)._identity.settings.strategy.refiner.network.head.weight.dtype == torch.float64
    )


def test_an_image_stands_alone() -> None:
    plain = resolve_generator(tiny())
    settings = replace(plain._identity.settings, strategy=code(network(5, schedule=plain._schedule), 2))
    check_an_image_stands_alone(plain._network, plain._accumulator(), settings)


WIDER = "var,size=tiny,random_weights_seed=0,tokenizer='var-vq,random_weights_seed=0,channels=32'"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"strategy": "code", "drafted_scales": 2}, "needs refiner"),
        ({"refiner": "var-d16"}, "strategy=plain takes no refiner"),
        ({"strategy": "cod"}, "must be plain, code"),
        ({"strategy": "code", "refiner": "flexvar-d16", "drafted_scales": 2}, "of the family var"),
        ({"strategy": "code", "refiner": quoted(WIDER), "drafted_scales": 2}, "refiner=.* has scales"),
        ({"strategy": "code", "refiner": quoted(tiny()), "drafted_scales": 5}, "must be 1 to 4"),
        ({"temperature": "[1.0,1.1]"}, "temperature has 2 values"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        resolve_generator(tiny(**given))


def test_published_pairs_are_cards() -> None:
    cards = load_generator_cards()
    for drafted in (6, 7, 8, 9):
        card, refiner = cards[f"code-{drafted}"], cards[f"code-{drafted}-refiner"]
        assert card.args["drafted_scales"] == drafted and card.args["refiner"] == refiner.name
        assert card.args["temperature"] == [1.1] * 7 + [1.0] * 3 and card.args["size"] == "d30"
        assert refiner.args["size"] == "d16" and refiner.parameters == cards["var-d16"].parameters
        assert {anchor.metric for anchor in card.anchors} == {"gfid", "is_mean"}
