"""MaskGIT's VQGAN under the names of taming transformers, in which MAGE's file has it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from vtbench.tokenizers.published.maskgit_vq import MaskGitVQ


def in_tamings_names(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Blocks of the middle count from 1 by name, and the convolution behind a doubling is a module's."""
    found = {}
    for name, tensor in state.items():
        name = re.sub(r"\.mid\.(\d)\.", lambda match: f".mid.block_{int(match[1]) + 1}.", name)
        found[name.replace(".upsample_conv.", ".upsample.conv.")] = tensor
    return found


@pytest.mark.filterwarnings("ignore:.*random weights")
def test_mages_file_is_read_under_its_own_names(tmp_path: Path) -> None:
    small = {**MaskGitVQ.shrunken, "blocks": 2}
    made = MaskGitVQ.random(**small)
    state = made._network.state_dict()
    named = in_tamings_names(state)
    assert {"encoder.mid.block_1.conv1.weight", "decoder.up.1.upsample.conv.bias"} <= set(named)
    file = tmp_path / "vqgan_jax_strongaug.ckpt"
    torch.save({"state_dict": named}, file)
    read = MaskGitVQ(**small, checkpoint=str(file))
    assert all(torch.equal(tensor, state[name]) for name, tensor in read._network.state_dict().items())
    images = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    assert torch.equal(read.decode(read.encode(images)), made.decode(made.encode(images)))
