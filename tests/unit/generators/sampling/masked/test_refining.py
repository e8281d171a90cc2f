"""The loop of masked generators: what it may never do, whatever the network says."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from vtbench.core.errors import UsageError
from vtbench.generators.sampling.guidance import (
    FROM_CONDITIONAL,
    FROM_UNCONDITIONAL,
    Constant,
    PowerCosine,
    Proportional,
    RisingCosine,
)
from vtbench.generators.sampling.masked.refining import refine
from vtbench.generators.sampling.masked.settings import MaskedSettings
from vtbench.generators.sampling.next_token import Prompted

PLACES, VOCABULARY, NONE = 12, 9, 4
PLAIN = MaskedSettings(5, randomize_temperature=2.0)
TITOK = MaskedSettings(
    5, Proportional(4.5), FROM_CONDITIONAL, "arccos", "annealed", "logit", 3.0, softmax_annealing=True
)
MASKBIT = MaskedSettings(5, RisingCosine(7.1, 3.0), FROM_CONDITIONAL, "cosine", randomize_temperature=7.8)
ALL = [PLAIN, TITOK, MASKBIT, replace(TITOK, draw="torch-gumbel"), replace(MASKBIT, draw="torch-multinomial")]


class Host:
    """Logits that depend on the condition and on every known token; it keeps what it was shown."""

    places, mask_token = PLACES, VOCABULARY

    def __init__(self):
        generator = torch.Generator().manual_seed(0)
        self.by_class = torch.randn(NONE + 1, PLACES, VOCABULARY, generator=generator)
        self.by_token = torch.randn(VOCABULARY + 1, VOCABULARY, generator=generator)
        self.shown = []

    def predict(self, condition, tokens):
        self.shown.append(tokens)
        return self.by_class[condition] + self.by_token[tokens].cumsum(1) / PLACES


def drawn(settings, labels=(0, 1, 2), seeds=(5, 6, 7), host=None):
    labels = torch.tensor(labels)
    prompted = Prompted(labels, torch.full_like(labels, NONE))
    return refine(host or Host(), prompted, settings, torch.tensor(seeds))


@pytest.mark.parametrize("settings", ALL)
def test_masked_places_decrease_to_none_and_known_tokens_stay(settings):
    host = Host()
    tokens, cost = drawn(settings, host=host)
    seen = [*(shown[:3] for shown in host.shown), tokens]
    masked = torch.stack([(one == VOCABULARY).sum(-1) for one in seen])
    assert (masked[0] == PLACES).all() and (masked[-1] == 0).all() and (masked[1:] < masked[:-1]).all()
    for before, after in pairwise(seen):
        assert torch.equal(before[before != VOCABULARY], after[before != VOCABULARY])
    assert (cost.forward_passes, cost.tokens, cost.kv_cache_bytes) == (5, 3 * PLACES, 0)


@pytest.mark.parametrize("settings", ALL)
def test_an_image_depends_on_its_condition_and_seed_alone(settings):
    whole, _ = drawn(settings, (0, 1, 0, 0), (5, 6, 7, 5))
    parts = [drawn(settings, (label,), (seed,))[0] for label, seed in ((0, 5), (1, 6), (0, 7), (0, 5))]
    assert torch.equal(whole, torch.cat(parts))
    assert torch.equal(whole[0], whole[3]) and not torch.equal(whole[0], whole[2])


def test_as_many_steps_as_places_fill_one_at_a_time():
    host = Host()
    greedy = MaskedSettings(PLACES, mask_schedule="linear", tokens="greedy")
    tokens, _ = drawn(greedy, host=host)
    assert [(one[0] == VOCABULARY).sum().item() for one in host.shown] == list(range(PLACES, 0, -1))
    again = torch.full((3, PLACES), VOCABULARY)
    for _ in range(PLACES):
        chances = host.predict(torch.tensor([0, 1, 2]), again).softmax(-1)
        best = chances.amax(-1).masked_fill(again != VOCABULARY, -1)
        place = best.argmax(-1, keepdim=True)
        again = again.scatter(1, place, chances.argmax(-1).gather(1, place))
    assert torch.equal(tokens, again)


@pytest.mark.parametrize("settings", [
    replace(TITOK, randomize_temperature=0.0), replace(PLAIN, tokens="greedy", randomize_temperature=0.0),
])  # fmt: skip
def test_without_noise_the_seed_is_of_no_account(settings):
    assert torch.equal(drawn(settings)[0], drawn(settings, seeds=(1, 2, 3))[0])


@pytest.mark.parametrize(("guidance", "formula"), [
    (Constant(0.0), FROM_CONDITIONAL), (Proportional(0.0), FROM_CONDITIONAL),
    (RisingCosine(0.0, 3.0), FROM_CONDITIONAL), (PowerCosine(1.0, 3.0), FROM_UNCONDITIONAL),
])  # fmt: skip
def test_guidance_of_no_strength_is_none(guidance, formula):
    host = Host()
    tokens, _ = drawn(replace(PLAIN, guidance=guidance, formula=formula), host=host)
    assert torch.equal(tokens, drawn(PLAIN)[0]) and {len(one) for one in host.shown} == {3}


def test_both_formulas_say_the_same_one_apart():
    above = drawn(replace(PLAIN, guidance=Constant(1.5), formula=FROM_CONDITIONAL))
    assert torch.equal(above[0], drawn(replace(PLAIN, guidance=Constant(2.5)))[0])
    assert not torch.equal(above[0], drawn(PLAIN)[0])


def test_one_step_draws_all_at_once():
    host = Host()
    tokens, _ = drawn(replace(PLAIN, steps=1, tokens="greedy"), host=host)
    (shown,) = host.shown
    assert torch.equal(tokens, host.predict(torch.tensor([0, 1, 2]), shown).argmax(-1))


def test_more_steps_than_places_end_all_the_same():
    tokens, _ = drawn(replace(PLAIN, steps=2 * PLACES))
    assert (tokens < VOCABULARY).all()


def test_the_record_names_everything_that_moves_a_sample():
    recorded = TITOK.as_recorded()
    assert recorded["cfg_formula"] == "c + s (c - u), logits" and recorded["cfg_schedule"] == "proportional"
    assert {"steps", "mask_schedule", "token_draw", "confidence", "softmax_temperature", "draw"} <= set(recorded)
    texts = {str(settings.as_recorded()) for settings in ALL}
    assert len(texts) == len(ALL)


@pytest.mark.parametrize(("changed", "told"), [
    ({"steps": 0}, "steps=0"), ({"steps": 2.5}, "whole number"), ({"randomize_temperature": -1.0}, "0 or more"),
    ({"mask_schedule": "root"}, "arccos"), ({"draw": "mine"}, "inverse-cdf"), ({"tokens": "best"}, "softmax"),
    ({"confidence": "entropy"}, "logit"),
])  # fmt: skip
def test_a_value_out_of_range_is_refused(changed, told):
    with pytest.raises(UsageError, match=told):
        replace(PLAIN, **changed)
