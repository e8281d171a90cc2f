"""Guidance: the formula, and schedules against numbers that follow from their definitions by hand."""

import pytest
import torch

from vtbench.core.errors import UsageError
from vtbench.generators.sampling.guidance import (
    FROM_BOTH,
    FROM_CONDITIONAL,
    FROM_UNCONDITIONAL,
    NONE_AT,
    Constant,
    Interval,
    Linear,
    Linspace,
    PowerCosine,
    Step,
    as_recorded,
    guide,
    guided,
    guided_by,
    guided_logits,
)

LOGITS = torch.randn(6, 40, generator=torch.Generator().manual_seed(0))


def strengths(schedule, tokens):
    return [schedule.strength(token, tokens) for token in range(tokens)]


def test_guidance_is_linear_from_the_unconditional_logits():
    conditional, unconditional = LOGITS[:3], LOGITS[3:]
    torch.testing.assert_close(guide(conditional, unconditional, 0.0), unconditional)
    torch.testing.assert_close(guide(conditional, unconditional, 3.0), 3 * conditional - 2 * unconditional)
    assert torch.equal(guided_logits(LOGITS, 1.0), conditional)
    torch.testing.assert_close(guided_logits(LOGITS, 2.0), 2 * conditional - unconditional)


def test_three_formulas_say_one_thing():
    conditional, unconditional = LOGITS[:3], LOGITS[3:]
    wanted = guided_by(FROM_UNCONDITIONAL, conditional, unconditional, 2.5)
    for formula in (FROM_CONDITIONAL, FROM_BOTH):
        torch.testing.assert_close(guided_by(formula, conditional, unconditional, 1.5), wanted)
    for formula, none in NONE_AT.items():
        torch.testing.assert_close(guided_by(formula, conditional, unconditional, none), conditional)
    exactly = (1 + 1.5) * conditional - 1.5 * unconditional
    assert torch.equal(guided_by(FROM_BOTH, conditional, unconditional, 1.5), exactly)


def test_an_interval_counts_decode_steps_so_that_one_more_token_is_guided():
    assert strengths(Interval(2.0, 3), 8) == [2, 2, 2, 2, 2, 1, 1, 1]
    assert strengths(Interval(2.0, -1), 3) == [2, 2, 2]
    assert guided(strengths(Interval(2.0, 3), 8)) == 5


def test_a_step_guides_the_first_token_and_those_from_its_start():
    """GigaTok: of 256 tokens from 18 % on, token 0 and tokens 46 to 255 are guided in full."""
    found = strengths(Step(1.75, 0.18), 256)
    assert found[0] == 1.75 and set(found[1:46]) == {1.0001} and set(found[46:]) == {1.75}


def test_linspace_reaches_both_ends():
    found = strengths(Linspace(1.2, 8.0), 256)
    assert found[0] == 1.2 and found[-1] == 8.0
    assert strengths(Linspace(2.0, 2.0), 4) == strengths(Constant(2.0), 4)


def test_power_cosine_is_that_of_rar():
    found = [PowerCosine(16.0, 2.75).strength(token, 256) for token in (0, 64, 128, 192, 255)]
    assert found == pytest.approx([1, 1.0181, 1.8031, 7.4044, 15.9958], abs=5e-5)
    assert strengths(PowerCosine(3.0, 0.0), 5) == [3.0] * 5


def test_power_cosine_from_the_second_token_leaves_the_first_guided():
    found = strengths(PowerCosine(3.0, 1.0, from_second=True), 5)
    assert found[:2] == [3.0, 1.0] and found[3] == pytest.approx(2.0)


def test_linear_counts_from_one():
    assert strengths(Linear(5.0), 4) == [2, 3, 4, 5]


def test_nothing_is_guided_where_every_strength_is_one():
    assert guided([1.0] * 4) == 0 and guided([1.0, 2.0, 1.0]) == 2


def test_the_record_names_schedule_parameters_and_formula():
    assert as_recorded(Interval(2.0, 3)) == {
        "cfg_schedule": "interval",
        "cfg_scale": 2.0,
        "cfg_last": 3,
        "cfg_formula": "u + s (c - u), logits",
    }


def test_a_negative_scale_is_refused():
    with pytest.raises(UsageError, match=r"cfg_scale=-1\.0"):
        Constant(-1.0)
