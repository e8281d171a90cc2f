"""MGVQ against arrays that the published code made with the same weights and images."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from seeded_weights import golden, seeded_array, seeded_images
from torch import Tensor

from vtbench.checkpoints.cards import load_cards
from vtbench.core.errors import AdapterError, UsageError
from vtbench.tokenizers.published.mgvq.adapter import MgVQ
from vtbench.tokenizers.published.mgvq.network import from_published

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")


def published_name(name: str) -> str:
    """diffusers' names to the published ones; of queries, keys and values, to that of all three."""
    side, _, rest = name.partition(".")
    if side not in ("encoder", "decoder"):
        return name
    rest = re.sub(r"^(down|up)_blocks\.(\d+)\.(\d+)\.", r"stages.\2.op_list.\3.", rest)
    rest = re.sub(r"\.attn\.to_[qkv]\.", ".context_module.main.qkv.conv.", rest)
    rest = re.sub(r"\.attn\.to_out\.", ".context_module.main.proj.conv.", rest)
    rest = re.sub(r"\.attn\.norm_out\.", ".context_module.main.proj.norm.", rest)
    rest = re.sub(r"\.conv_out\.conv_(\w+)\.", r".local_module.main.\1_conv.conv.", rest)
    rest = re.sub(r"\.conv_out\.norm\.", ".local_module.main.point_conv.norm.", rest)
    rest = re.sub(r"(op_list\.\d+)\.(conv1|conv2)\.", r"\1.main.\2.conv.", rest)
    rest = re.sub(r"(op_list\.\d+)\.norm\.", r"\1.main.conv2.norm.", rest)
    rest = re.sub(r"(op_list\.\d+)\.conv\.", r"\1.main.conv.conv.", rest)
    ends = {
        "encoder": {"conv_in.conv.": "project_in.conv.conv.", "conv_out.": "project_out.main.op_list.0.conv."},
        "decoder": {
            **{"conv_in.": "project_in.main.conv.", "norm_out.": "project_out.op_list.0."},
            **{"conv_out.conv.": "project_out.op_list.2.conv.conv."},
        },
    }
    for own, theirs in ends[side].items():
        rest = re.sub(rf"^{re.escape(own)}", theirs, rest)
    return f"{side}.{rest}"


def seeded(name: str, shape: tuple[int, ...]) -> Tensor:
    values = torch.from_numpy(seeded_array(name, shape))
    return values.abs() + 0.5 if name.endswith("running_var") else values


def published() -> dict[str, Tensor]:
    """Seeded weights under the published names and in their shapes, with what training left."""
    state: dict[str, Tensor] = {}
    for own, tensor in MgVQ.random(**MgVQ.shrunken)._network.state_dict().items():
        name = published_name(own)
        shape = tuple(tensor.shape)
        if ".qkv." in name:
            shape = (3 * shape[0], shape[1], 1, 1)
        elif name.endswith(".proj.conv.weight"):
            shape = (*shape, 1, 1)
        state[name] = tensor if name.endswith("num_batches_tracked") else seeded(name, shape)
    return {**state, "quantize.codebook_used": torch.zeros(4, 8), "quantize.embed_prob": torch.zeros(4, 32)}


@pytest.fixture
def loaded(tmp_path: Path) -> MgVQ:
    torch.save({"model": published()}, tmp_path / "mgvq.pt")
    return MgVQ(**MgVQ.shrunken, checkpoint=str(tmp_path / "mgvq.pt"))


def test_codes_and_pixels_are_those_of_the_published_code(loaded: MgVQ) -> None:
    expected = golden("mgvq")
    codes = loaded.encode(seeded_images(2, 64)[..., :48])
    assert len(codes.levels) == 4 and codes.grids[0] == (8, 6)
    for group, level in enumerate(codes.levels):
        assert torch.equal(level, torch.from_numpy(expected[f"level{group}"]).long())
        assert len(level.unique()) > 8
    pixels = (torch.from_numpy(expected["reconstruction"]) + 1) / 2
    torch.testing.assert_close(loaded.decode(codes), pixels, atol=1e-4, rtol=0)


def test_every_group_has_its_part_of_the_table(loaded: MgVQ) -> None:
    codes = loaded.encode(seeded_images(1, 32))
    table, zero = loaded._network.quantize.embedding.weight, codes.levels[0] * 0
    seen: list[Tensor] = []
    loaded._network.post_quant_conv.register_forward_hook(lambda module, given, made: seen.append(given[0]))
    loaded.decode(type(codes)(levels=tuple(zero for _ in range(4))))
    assert torch.equal(seen[0][0, :, 0, 0], table[::32].flatten())


def test_queries_keys_and_values_come_apart() -> None:
    stem = "encoder.stages.3.op_list.0.context_module.main"
    kernel = torch.arange(18.0).reshape(6, 3, 1, 1)
    found = from_published({f"{stem}.qkv.conv.weight": kernel, f"{stem}.proj.conv.weight": kernel})
    expected = {f"to_{part}": kernel[2 * i : 2 * i + 2, :, 0, 0] for i, part in enumerate("qkv")}
    assert found.keys() == {f"encoder.down_blocks.3.0.attn.{name}.weight" for name in (*expected, "to_out")}
    for name, tensor in expected.items():
        assert torch.equal(found[f"encoder.down_blocks.3.0.attn.{name}.weight"], tensor)


def test_faults_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="latents=32, groups=3"):
        MgVQ.random(**{**MgVQ.shrunken, "groups": 3})
    with pytest.raises(UsageError, match="4, 3 and 4 levels"):
        MgVQ.random(**{**MgVQ.shrunken, "encoder": (0, 1, 1)})
    torch.save({"model": {**published(), "quant_conv.bias": torch.zeros(3)}}, tmp_path / "mgvq.pt")
    with pytest.raises(AdapterError, match=r"mgvq: .*quant_conv\.bias is 3"):
        MgVQ(**MgVQ.shrunken, checkpoint=str(tmp_path / "mgvq.pt"))


# Card, and millions of weights of the published networks.
PUBLISHED = [
    ("mgvq-f8-g4", 128.184),
    ("mgvq-f16-g4", 216.021),
    ("mgvq-f16-g8", 215.824),
    ("mgvq-f32-g8-mix", 323.422),
]


@pytest.mark.parametrize(("card", "millions"), PUBLISHED)
def test_the_published_network(card: str, millions: float, without_memory: None) -> None:
    network = MgVQ.random(card=card, **load_cards()[card].args)._network
    assert sum(parameter.numel() for parameter in network.parameters()) / 1e6 == pytest.approx(millions, abs=0.001)
