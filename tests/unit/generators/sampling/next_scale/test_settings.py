"""Schedules, ramps and settings: data that says by itself what it is."""

from __future__ import annotations

import pytest

from vtbench.core.errors import UsageError
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.guidance import FROM_UNCONDITIONAL, Constant
from vtbench.generators.sampling.next_scale.ramps import Ramp
from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule
from vtbench.generators.sampling.next_scale.settings import ScaleSettings

VAR = ScaleSchedule.square((1, 2, 3, 4, 5, 6, 8, 10, 13, 16))


def test_a_schedule_counts_its_tokens() -> None:
    assert (len(VAR), VAR.tokens, VAR.before(0), VAR.before(3), VAR.before(10)) == (10, 680, 0, 14, 680)
    wide = ScaleSchedule(((1, 1), (1, 2), (2, 4)))
    assert wide.lengths == (1, 2, 8) and wide.as_recorded() == [[1, 1], [1, 2], [2, 4]]
    assert VAR.as_recorded() == [1, 2, 3, 4, 5, 6, 8, 10, 13, 16]


@pytest.mark.parametrize("sizes", [(), ((1, 0),), ((-1, 2),)])
def test_a_schedule_of_nothing_is_refused(sizes: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(UsageError, match="1 or more"):
        ScaleSchedule(sizes)


def test_a_ramp_starts_at_none_and_may_pass_its_scale() -> None:
    assert [Ramp(1.5).strength(scale, 10) for scale in (0, 3, 9)] == [0.0, 0.5, 1.5]
    assert [Ramp(2.5, longest=9).strength(scale, 13) for scale in (0, 9, 12)] == [0.0, 2.5, 2.5 * (12 / 9)]
    assert Ramp(2.5, longest=9).strength(3, 6) == 2.5 * (3 / 5)
    assert [Ramp(3.0, longest=9, full_from=10).strength(scale, 12) for scale in (9, 10, 11)] == [3.0, 3.0, 3.0]
    assert Ramp(1.5).strength(0, 1) == 0.0
    with pytest.raises(UsageError, match="0 is no guidance"):
        Ramp(-1.0)


def test_guidance_may_end_early() -> None:
    cut = ScaleSettings(VAR, guidance=Ramp(9.0), guided_scales=4)
    assert cut.strengths() == (0.0, 1.0, 2.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    assert cut.as_recorded()["guided_scales"] == 4
    other = ScaleSettings(VAR, guidance=Constant(4.0), formula=FROM_UNCONDITIONAL, guided_scales=1)
    assert other.strengths()[:2] == (4.0, 1.0)
    with pytest.raises(UsageError, match="guided_scales=-1"):
        ScaleSettings(VAR, guided_scales=-1)


def test_everything_that_moves_a_sample_is_recorded() -> None:
    first, rest = Filters(top_k=1), Filters(top_k=900, top_p=0.96, boundary="reaches")
    told = ScaleSettings(VAR, (first, *(rest,) * 9), Ramp(1.5), draw="torch-multinomial").as_recorded()
    assert told["scales"][-1] == 16 and told["top_k"] == [1] + [900] * 9 and told["temperature"] == 1.0
    assert told["top_p_boundary"] == [None] + ["reaches"] * 9
    assert (told["cfg_schedule"], told["cfg_scale"]) == ("ramp over scales", 1.5)
    assert told["cfg_formula"] == "(1 + s) c - s u, logits" and "exponential" in told["draw"]
    with pytest.raises(UsageError, match="filters for 2 scales, but there are 10"):
        ScaleSettings(VAR, (first, rest))
