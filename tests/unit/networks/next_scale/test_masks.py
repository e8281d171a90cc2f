"""Which positions see which, written out."""

from __future__ import annotations

import torch

from vtbench.networks.next_scale.masks import block_causal, block_diagonal

CPU = torch.device("cpu")


def test_a_scale_sees_those_before_and_all_of_itself() -> None:
    found = block_causal([1, 2], 1, CPU)
    assert found is not None and found.int().tolist() == [[1, 1, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1]]
    assert block_causal([4], 3, CPU) is None


def test_a_scale_sees_itself_alone() -> None:
    found = block_diagonal([1, 2], CPU)
    assert found is not None and found.int().tolist() == [[1, 0, 0], [0, 1, 1], [0, 1, 1]]
    assert block_diagonal([4], CPU) is None
