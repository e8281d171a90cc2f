"""Speculative Jacobi decoding: the host's distribution, in fewer passes, and no image that minds another."""

from __future__ import annotations

import math
from itertools import product

import pytest
import torch
from rule_weights import filled
from scipy.stats import chi2
from table_host import TableHost

from vtbench.core.contracts import Condition
from vtbench.core.errors import UsageError
from vtbench.generators import GENERATORS
from vtbench.generators.published.next_token.llamagen.network import LlamaGenGeometry, LlamaGenNetwork
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.guidance import Constant, Interval
from vtbench.generators.sampling.next_token import Prompted, sample_tokens
from vtbench.generators.sampling.settings import SamplerSettings
from vtbench.generators.sampling.strategies.acceptance import GroupedRatio, Ratio
from vtbench.generators.sampling.strategies.jacobi import Jacobi
from vtbench.networks.decoder_transformer import DecoderGeometry

DRAWS = 50_000
SMALL = LlamaGenGeometry(DecoderGeometry(depth=2, heads=4, width=64, hidden=192), vocabulary=128, grid=4, classes=10)
LABELS, NONE = torch.tensor([3, 7, 3, 0]), torch.tensor([10] * 4)
SEEDS = torch.tensor([5, 6, 7, 5])
GUIDED = SamplerSettings(Filters(0.9, 40, 0.95), Interval(2.0, 5))


@pytest.fixture(scope="module")
def network() -> LlamaGenNetwork:
    made: LlamaGenNetwork = filled(LlamaGenNetwork(SMALL))
    return made


def settings(strategy: Jacobi | None, like: SamplerSettings | None = None) -> SamplerSettings:
    like = like or SamplerSettings()
    return SamplerSettings(like.filters, like.guidance, like.draw, strategy=strategy)


def drawn_by_tables(host: TableHost, chosen: SamplerSettings) -> torch.Tensor:
    """``[V^N]`` counts of whole sequences."""
    labels = torch.zeros(DRAWS, dtype=torch.int64)
    tokens, _ = sample_tokens(host, Prompted(labels, labels + 1), chosen, torch.arange(DRAWS))
    places = host.vocabulary ** torch.arange(host.tokens - 1, -1, -1)
    return torch.bincount((tokens * places).sum(dim=1), minlength=host.vocabulary**host.tokens)


def p_value(counts: torch.Tensor, expected: torch.Tensor) -> float:
    """Of Pearson's test, over sequences that are expected five times or more; none that cannot be may be there."""
    assert counts[expected == 0].sum() == 0
    rare = expected < 5
    seen = torch.cat([counts[~rare].double(), counts[rare].sum().double()[None]])
    wanted = torch.cat([expected[~rare], expected[rare].sum()[None]])
    kept = wanted > 0
    statistic = ((seen - wanted).square()[kept] / wanted[kept]).sum().item()
    return float(chi2.sf(statistic, int(kept.sum()) - 1))


@pytest.mark.parametrize(("strategy", "like"), [
    (Jacobi(3), SamplerSettings()),
    (Jacobi(4, "repeat-left"), SamplerSettings(Filters(0.8, 3), Constant(1.7))),
    (Jacobi(4), SamplerSettings(Filters(1.3, 0, 0.9))),
])  # fmt: skip
def test_it_has_the_distribution_of_its_host(strategy: Jacobi, like: SamplerSettings) -> None:
    host = TableHost(vocabulary=4, tokens=4)
    counts = drawn_by_tables(host, settings(strategy, like))
    assert p_value(counts, DRAWS * host.distribution(like)) > 1e-3


def test_grouping_has_another_distribution() -> None:
    host = TableHost(vocabulary=8, tokens=3)
    strategy = Jacobi(3, acceptance=GroupedRatio(half=3, near=0.5))
    assert p_value(drawn_by_tables(host, settings(strategy)), DRAWS * host.distribution(SamplerSettings())) < 1e-9


@pytest.mark.parametrize("window", [2, 5, 16, 99])
@pytest.mark.parametrize(
    "like", [SamplerSettings(Filters(greedy=True)), SamplerSettings(Filters(greedy=True), Constant(2.0))]
)
def test_greedy_it_is_the_greedy_host(network: LlamaGenNetwork, window: int, like: SamplerSettings) -> None:
    prompted = Prompted(LABELS, NONE)
    plain, _ = sample_tokens(network, prompted, like, SEEDS)
    found, cost = sample_tokens(network, prompted, settings(Jacobi(window), like), SEEDS)
    assert torch.equal(found, plain)
    assert math.ceil(16 / min(window, 16)) <= cost.forward_passes <= 16
    assert cost.tokens == 64 and cost.steps is not None and cost.steps <= 64


def test_a_window_of_one_token_is_plain_sampling(network: LlamaGenNetwork) -> None:
    plain, before = sample_tokens(network, Prompted(LABELS, NONE), GUIDED, SEEDS)
    found, cost = sample_tokens(network, Prompted(LABELS, NONE), settings(Jacobi(1), GUIDED), SEEDS)
    assert torch.equal(found, plain) and cost.drafts_proposed == 0
    assert cost.forward_passes == 16 and cost.steps == before.steps == 64
    assert cost.tokens_computed == before.tokens_computed and cost.kv_cache_bytes == before.kv_cache_bytes


@pytest.mark.parametrize("strategy", [
    Jacobi(6), Jacobi(6, "repeat-left"), Jacobi(5, acceptance=GroupedRatio()), Jacobi(6, first=3, last=9),
])  # fmt: skip
def test_an_image_depends_on_its_condition_and_seed_alone(network: LlamaGenNetwork, strategy: Jacobi) -> None:
    chosen = settings(strategy, GUIDED)

    def drawn(rows: slice) -> torch.Tensor:
        return sample_tokens(network, Prompted(LABELS[rows], NONE[rows]), chosen, SEEDS[rows])[0]

    whole = drawn(slice(None))
    assert torch.equal(whole, torch.cat([drawn(slice(0, 1)), drawn(slice(1, 4))]))
    assert not torch.equal(whole[0], whole[2])


def test_a_host_of_one_place_gives_the_same_images_one_by_one(
    network: LlamaGenNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen, prompted = settings(Jacobi(6), GUIDED), Prompted(LABELS, NONE)
    together, cost = sample_tokens(network, prompted, chosen, SEEDS)
    monkeypatch.setattr(LlamaGenNetwork, "ragged", False)
    alone, costs = sample_tokens(network, prompted, chosen, SEEDS)
    assert torch.equal(together, alone)
    assert (costs.steps, costs.drafts_proposed, costs.drafts_accepted) == (
        cost.steps, cost.drafts_proposed, cost.drafts_accepted)  # fmt: skip
    assert costs.forward_passes == costs.steps and costs.kv_cache_bytes * 4 == cost.kv_cache_bytes


def test_drafts_of_the_host_itself_are_all_accepted() -> None:
    """A host that looks at nothing has drawn every draft from what it says now: only the first window may fail."""
    host = TableHost(vocabulary=5, tokens=61, blind=True)
    labels = torch.zeros(20, dtype=torch.int64)
    _, cost = sample_tokens(host, Prompted(labels, labels), settings(Jacobi(4)), torch.arange(20))
    plain, _ = sample_tokens(host, Prompted(labels, labels), SamplerSettings(), torch.arange(20))
    assert plain.shape == (20, 61) and cost.drafts_proposed is not None and cost.drafts_accepted is not None
    random = cost.drafts_proposed - cost.drafts_accepted
    assert (
        0 < random < cost.drafts_proposed and cost.steps is not None and 20 * math.ceil(61 / 4) <= cost.steps < 20 * 61
    )


def test_the_work_is_counted(network: LlamaGenNetwork) -> None:
    chosen = settings(Jacobi(4), SamplerSettings(guidance=Constant(2.0)))
    _, cost = sample_tokens(network, Prompted(LABELS[:1], NONE[:1]), chosen, SEEDS[:1])
    assert cost.steps == cost.forward_passes and cost.drafts_proposed and cost.tokens_computed is not None
    assert cost.tokens == 16 == cost.forward_passes + (cost.drafts_accepted or 0)
    assert cost.tokens_computed == 2 * (cost.forward_passes + cost.drafts_proposed)
    assert cost.kv_cache_bytes == 2 * 2 * 2 * 16 * 64 * 4  # layers, keys and values, halves, positions, width, float32


def test_the_strategy_is_recorded() -> None:
    recorded = settings(Jacobi(8)).as_recorded()
    assert (recorded["strategy"], recorded["strategy_lossless"], recorded["strategy_window"]) == ("sjd", True, 8)
    lossy = settings(Jacobi(acceptance=GroupedRatio())).as_recorded()
    assert lossy["strategy"] == "gsd" and lossy["strategy_lossless"] is False
    assert "strategy" not in SamplerSettings().as_recorded() and Ratio.lossless


def test_draws_of_the_authors_are_of_one_token_a_pass() -> None:
    with pytest.raises(UsageError, match="one token a pass"):
        SamplerSettings(draw="torch-multinomial", strategy=Jacobi())


def test_sequences_of_the_reference_are_products_of_tables() -> None:
    host = TableHost(vocabulary=3, tokens=2)
    found = host.distribution(SamplerSettings())
    first, then = host.first[0].softmax(0), host.then[0].softmax(-1)
    for place, (a, b) in enumerate(product(range(3), repeat=2)):
        assert found[place] == pytest.approx(float(first[a] * then[a, b]), rel=1e-6)


@pytest.mark.parametrize("family", ["d-ar", "gigatok-gpt", "hita-gpt", "ibq-ar", "rar", "taming-gpt"])
def test_every_family_of_one_token_a_pass_takes_a_strategy(family: str) -> None:
    """A window of one token is plain sampling; a wider one is another draw of the same images' distribution."""
    factory = GENERATORS.load(family)
    guided = {} if family == "taming-gpt" else {"cfg_scale": 2.0}
    conditions, seeds = [Condition(label=3), Condition(label=7)], torch.tensor([1, 2])
    with pytest.warns(UserWarning, match="random weights"):
        plain, narrow, wide = (
            factory.random(**{**factory.shrunken, **guided, **more})
            for more in (
                {},
                {"strategy": "sjd", "window": 1},
                {"strategy": "gsd", "window": 5, "filling": "repeat-left"},
            )
        )
    expected = plain.sample_codes(conditions, seeds).levels[0]
    assert torch.equal(narrow.sample_codes(conditions, seeds).levels[0], expected)
    found = wide.sample_codes(conditions, seeds).levels[0]
    assert found.shape == expected.shape and wide.sampling_cost().drafts_proposed > 0
    assert wide.info.sampler["strategy"] == "gsd" and any("lossy" in note for note in wide.notes)
