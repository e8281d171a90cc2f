"""Orders of groups: every position once, and as many passes as groups."""

import pytest

from vtbench.generators.sampling.orders import DecodingOrder, anti_diagonals, singly_then_groups


@pytest.mark.parametrize("side", [1, 2, 4, 16, 24, 32])
def test_anti_diagonals_are_a_permutation_in_2g_minus_1_passes(side):
    order = anti_diagonals(side)
    assert sorted(order.positions()) == list(range(side * side))
    assert len(order.groups) == 2 * side - 1
    for distance, group in enumerate(order.groups):
        assert {position // side + position % side for position in group} == {distance}
        assert list(group) == sorted(group)  # ascending by row


def test_of_one_token_there_is_one_pass():
    assert anti_diagonals(1).groups == ((0,),)


def test_what_is_there_before_each_group():
    assert anti_diagonals(3).before() == [0, 1, 3, 6, 8]


@pytest.mark.parametrize(("tokens", "passes"), [(128, 23), (256, 39), (512, 71)])
def test_singles_come_before_groups(tokens, passes):
    order = singly_then_groups(tokens, 8, 8)
    assert len(order.groups) == passes and list(order.positions()) == list(range(tokens))
    assert order.before()[:10] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 16]


@pytest.mark.parametrize("groups", [((0, 1), (1,)), ((0,), (2,)), ((1, 2),)])
def test_a_position_that_is_missing_or_comes_twice_is_refused(groups):
    with pytest.raises(ValueError, match="every position"):
        DecodingOrder("wrong", groups)
