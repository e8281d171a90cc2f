"""``emu3-vq``: the published layout, golden arrays of the published code, and parity with transformers' class."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from seeded_weights import golden, seeded_array, seeded_images
from torch import Tensor

from vtbench.core.errors import AdapterError
from vtbench.tokenizers.published.emu3_vq import Emu3VQ, to_transformers

SMALL: dict[str, Any] = {"channels": 32, "multipliers": (1, 2), "blocks": 1, "codebook_size": 64}
TO_PUBLISHED = (
    (r"\.(down|up)_block\.", "."),
    (r"\.attn_norms\.(\d+)\.", r".attn.\1.norm."),
    (r"\.middle_block\.attn_norm\.", ".mid.attn_1.norm."),
    (r"\.middle_block\.", ".mid."),
    (r"\.([qkv])_proj\.", r".\1."),
    (r"\.out_proj\.", ".proj_out."),
)


def published(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The class's names and shapes to those of the published file."""
    renamed = {}
    for name, tensor in state.items():
        attention = re.search(r"_proj\.weight$", name) is not None
        for pattern, replacement in TO_PUBLISHED:
            name = re.sub(pattern, replacement, name)
        renamed[name] = (tensor[..., None, None] if attention else tensor).clone()
    return renamed


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Emu3VQ:
    """Loaded from a file in the published layout, with weights that follow the published names."""
    with pytest.warns(UserWarning, match="random weights"):
        layout = published(Emu3VQ.random(**SMALL)._network.state_dict())
    buffers = ("running_mean", "running_var", "num_batches_tracked")
    state = {
        name: tensor if name.endswith(buffers) else torch.from_numpy(seeded_array(name, tuple(tensor.shape)))
        for name, tensor in layout.items()
    }
    state["quant_conv.conv.weight"] = state["quant_conv.conv.weight"] * 20  # so that many entries are in use
    path = tmp_path_factory.mktemp("emu3") / "model.pth"
    torch.save(state, path)
    return Emu3VQ(**SMALL, checkpoint=str(path))


def test_codes_and_pixels_are_those_of_the_published_code(small: Emu3VQ) -> None:
    expected = golden("emu3-vq")
    codes = small.encode(seeded_images(2, 32))
    assert torch.equal(codes.levels[0], torch.from_numpy(expected["codes"]).long())
    assert len(codes.levels[0].unique()) > 20
    pixels = (torch.from_numpy(expected["reconstruction"]) + 1) / 2
    torch.testing.assert_close(small.decode(codes), pixels, atol=1e-5, rtol=0)


def test_one_frame_through_the_layers_in_space_is_what_the_class_makes_of_four(small: Emu3VQ) -> None:
    images = seeded_images(3, 48, seed=1)
    codes = small.encode(images)
    with torch.no_grad():
        direct = small._network.encode(images * 2 - 1, torch.tensor([[48, 48]] * 3)).image_tokens
        pixels = (small._network.decode(codes.levels[0]) + 1) / 2
    assert torch.equal(codes.levels[0], torch.stack(list(direct)))
    torch.testing.assert_close(small.decode(codes), pixels, atol=1e-6, rtol=0)


def test_another_size_is_padded_and_cropped(small: Emu3VQ) -> None:
    codes = small.encode(seeded_images(1, 64)[..., :33, :50])
    assert codes.grids == ((17, 25),) and small.decode(codes).shape == (1, 3, 33, 50)


def test_the_published_file() -> None:
    with torch.device("meta"):
        network = _whole()
    state = published(network.state_dict())
    assert len(state) == 495
    assert sum(parameter.numel() for parameter in network.parameters()) == 270_740_287
    assert state["encoder.down.3.attn.1.q.weight"].shape == (1024, 1024, 1, 1)
    assert state["decoder.up.3.attn.2.norm.conv_y.weight"].shape == (1024, 4, 1, 1)
    assert state["quantize.embedding.weight"].shape == (32768, 4)
    assert to_transformers(state).keys() == network.state_dict().keys()


def test_the_classes_own_names_stay(small: Emu3VQ) -> None:
    state = small._network.state_dict()
    assert to_transformers(state).keys() == state.keys()


def test_another_width_is_told(small: Emu3VQ, tmp_path: Path) -> None:
    torch.save(published(small._network.state_dict()), tmp_path / "w.pth")
    with pytest.raises(AdapterError, match=r"emu3-vq: .*another shape"):
        Emu3VQ(**{**SMALL, "codebook_size": 32}, checkpoint=str(tmp_path / "w.pth"))


def _whole() -> Any:
    from vtbench.tokenizers.published import emu3_vq

    sizes = {
        "base_channels": 256,
        "channel_multiplier": [1, 2, 2, 4],
        "latent_channels": 4,
        "embed_dim": 4,
        "codebook_size": 32768,
        "num_res_blocks": 2,
        "temporal_downsample_factor": 4,
        "attn_resolutions": [3],
        "hidden_size": 1024,
    }
    return emu3_vq._network(sizes)
