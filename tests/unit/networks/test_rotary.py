"""Rotary tables and the rotation, against complex numbers written out one by one."""

import math

import pytest
import torch

from vtbench.networks.rotary import grid_table, line_table, rotate


def test_a_line_turns_each_pair_by_its_own_frequency():
    table = line_table(5, 8)
    for position in range(5):
        for pair in range(4):
            angle = position * 10000 ** (-2 * pair / 8)
            assert table[position, pair].tolist() == pytest.approx([math.cos(angle), math.sin(angle)], abs=1e-6)


def test_a_grid_turns_half_the_pairs_by_row_and_half_by_column():
    table = grid_table(3, 4, 16, zero_rows=2)
    assert table.shape == (2 + 12, 8, 2) and not table[:2].any()
    line = line_table(4, 8)
    for row in range(3):
        for column in range(4):
            place = table[2 + row * 4 + column]
            torch.testing.assert_close(place[:4], line[row])
            torch.testing.assert_close(place[4:], line[column])


def test_rotation_is_that_of_complex_numbers_on_neighbouring_channels():
    x = torch.randn(2, 3, 2, 8, generator=torch.Generator().manual_seed(0))
    table = line_table(3, 8)
    turned = rotate(x, table)
    a, b = x[..., 0::2], x[..., 1::2]
    cos, sin = table[:, None, :, 0], table[:, None, :, 1]
    torch.testing.assert_close(turned[..., 0::2], a * cos - b * sin)
    torch.testing.assert_close(turned[..., 1::2], a * sin + b * cos)
    assert torch.equal(rotate(x, line_table(3, 8, zero_rows=3)[:3]), torch.zeros_like(x))
    assert rotate(x.bfloat16(), table).dtype == torch.bfloat16
