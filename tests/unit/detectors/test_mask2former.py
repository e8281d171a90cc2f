"""Mask2Former on transformers' class, with seeded weights under MMDetection's names."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from vtbench.core.errors import AdapterError, AssetMissingError
from vtbench.detectors.mask2former import FILE, Mask2Former, Mask2FormerMeta, filled, instances, prepared
from vtbench.detectors.mask2former_names import as_transformers

GEOMETRY = {
    "backbone": {"embed_dim": 12, "depths": [1, 1, 2, 1], "num_heads": [1, 2, 3, 4], "window_size": 3},
    "encoder_layers": 2,
    "decoder_layers": 3,
    "num_queries": 7,
    "hidden_dim": 32,
    "feature_size": 32,
    "mask_feature_size": 32,
    "dim_feedforward": 48,
    "encoder_feedforward_dim": 40,
    "num_attention_heads": 4,
}


def mmdetections_names() -> dict[str, tuple[int, ...]]:
    """Names and shapes as MMDetection 2's modules give them, written from its classes."""
    found: dict[str, tuple[int, ...]] = {}

    def both(name: str, *shape: int) -> None:
        found[f"{name}.weight"], found[f"{name}.bias"] = shape, shape[:1]

    both("backbone.patch_embed.projection", 12, 3, 4, 4)
    both("backbone.patch_embed.norm", 12)
    for stage, (depth, heads) in enumerate([(1, 1), (1, 2), (2, 3), (1, 4)]):
        width = 12 * 2**stage
        for block in range(depth):
            own = f"backbone.stages.{stage}.blocks.{block}"
            found[f"{own}.attn.w_msa.relative_position_bias_table"] = (25, heads)
            found[f"{own}.attn.w_msa.relative_position_index"] = (9, 9)
            both(f"{own}.attn.w_msa.qkv", 3 * width, width)
            both(f"{own}.attn.w_msa.proj", width, width)
            both(f"{own}.norm1", width)
            both(f"{own}.norm2", width)
            both(f"{own}.ffn.layers.0.0", 4 * width, width)
            both(f"{own}.ffn.layers.1", width, 4 * width)
        if stage < 3:
            both(f"backbone.stages.{stage}.downsample.norm", 4 * width)
            found[f"backbone.stages.{stage}.downsample.reduction.weight"] = (2 * width, 4 * width)
        both(f"backbone.norm{stage}", width)
    pixel = "panoptic_head.pixel_decoder"
    for place, width in enumerate((96, 48, 24)):
        both(f"{pixel}.input_convs.{place}.conv", 32, width, 1, 1)
        both(f"{pixel}.input_convs.{place}.gn", 32)
    found[f"{pixel}.level_encoding.weight"] = (3, 32)
    for layer in range(2):
        own = f"{pixel}.encoder.layers.{layer}"
        both(f"{own}.attentions.0.sampling_offsets", 4 * 3 * 4 * 2, 32)
        both(f"{own}.attentions.0.attention_weights", 4 * 3 * 4, 32)
        both(f"{own}.attentions.0.value_proj", 32, 32)
        both(f"{own}.attentions.0.output_proj", 32, 32)
        both(f"{own}.ffns.0.layers.0.0", 40, 32)
        both(f"{own}.ffns.0.layers.1", 32, 40)
        both(f"{own}.norms.0", 32)
        both(f"{own}.norms.1", 32)
    for name, shape in (("lateral", (32, 12, 1, 1)), ("output", (32, 32, 3, 3))):
        found[f"{pixel}.{name}_convs.0.conv.weight"] = shape
        both(f"{pixel}.{name}_convs.0.gn", 32)
    both(f"{pixel}.mask_feature", 32, 32, 1, 1)
    for layer in range(2):  # decoder_layers counts the prediction before the first
        own = f"panoptic_head.transformer_decoder.layers.{layer}"
        for attention in range(2):
            found[f"{own}.attentions.{attention}.attn.in_proj_weight"] = (96, 32)
            found[f"{own}.attentions.{attention}.attn.in_proj_bias"] = (96,)
            both(f"{own}.attentions.{attention}.attn.out_proj", 32, 32)
        for norm in range(3):
            both(f"{own}.norms.{norm}", 32)
        both(f"{own}.ffns.0.layers.0.0", 48, 32)
        both(f"{own}.ffns.0.layers.1", 32, 48)
    both("panoptic_head.transformer_decoder.post_norm", 32)
    found |= {f"panoptic_head.{name}.weight": (7, 32) for name in ("query_embed", "query_feat")}
    found["panoptic_head.level_embed.weight"] = (3, 32)
    both("panoptic_head.cls_embed", 81, 32)
    for place in (0, 2, 4):
        both(f"panoptic_head.mask_embed.{place}", 32, 32)
    return found


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    draw = torch.Generator().manual_seed(0)
    names = mmdetections_names()
    return {name: 0.1 * torch.randn(shape, generator=draw) for name, shape in sorted(names.items())}


def test_every_tensor_of_mmdetections_file_has_its_place(state: dict[str, Tensor]) -> None:
    network = filled(as_transformers(state), GEOMETRY, "x")  # strict
    held = network.state_dict()
    layer = "model.transformer_module.decoder.layers.1."
    cut = state["panoptic_head.transformer_decoder.layers.1.attentions.1.attn.in_proj_weight"]
    assert torch.equal(held[layer + "self_attn.k_proj.weight"], cut[32:64])
    assert torch.equal(
        held[layer + "cross_attn.in_proj_weight"],
        state["panoptic_head.transformer_decoder.layers.1.attentions.0.attn.in_proj_weight"],
    )
    with pytest.raises(AdapterError, match="not fitting"):
        filled({**as_transformers(state), "more": torch.zeros(1)}, GEOMETRY, "x")
    less = {name: tensor for name, tensor in as_transformers(state).items() if name != "class_predictor.bias"}
    with pytest.raises(AdapterError, match=re.escape("missing ['class_predictor.bias']")):
        filled(less, GEOMETRY, "x")


def test_merged_patches_are_those_of_unfold(state: dict[str, Tensor]) -> None:
    """Patch merging as MMDetection computes it, against transformers' module with the reordered weights."""
    network = filled(as_transformers(state), GEOMETRY, "x")
    merging = network.model.pixel_level_module.encoder.swin.encoder.layers[0].downsample
    x = torch.randn(1, 12, 6, 8, generator=torch.Generator().manual_seed(1))
    own = "backbone.stages.0.downsample."
    gathered = torch.nn.functional.unfold(x, 2, stride=2).transpose(1, 2)
    normal = torch.nn.functional.layer_norm(
        gathered, (48,), state[own + "norm.weight"], state[own + "norm.bias"], eps=1e-5
    )
    wanted = normal @ state[own + "reduction.weight"].T
    found = merging(x.flatten(2).transpose(1, 2), (6, 8))
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_an_image_has_its_own_objects(state: dict[str, Tensor]) -> None:
    detector = Mask2Former(state=state, geometry=GEOMETRY)
    images = torch.randint(0, 256, (2, 3, 40, 60), dtype=torch.uint8, generator=torch.Generator().manual_seed(2))
    detector._found = _smaller(detector)  # type: ignore[method-assign]
    both, (second,) = detector(images), detector(images[1:])
    np.testing.assert_array_equal(both[1].scores, second.scores)
    assert second.masks is not None and second.masks.shape == (100, 40, 60)
    assert (np.diff(second.scores) <= 0).all() and second.boxes.shape == (100, 4)


def _smaller(detector: Mask2Former):
    """The same on sides of 64 in place of 800 pixels, which would take seconds."""
    import vtbench.detectors.mask2former as module

    whole = Mask2Former._found

    def found(image: Tensor):
        short, long = module._SHORT, module._LONG
        module._SHORT, module._LONG = 64, 107
        try:
            return whole(detector, image)
        finally:
            module._SHORT, module._LONG = short, long

    return found


def test_images_are_padded_to_multiples_of_32() -> None:
    image = torch.full((1, 3, 10, 10), 128, dtype=torch.uint8)
    found = prepared(image, (40, 64))
    assert found.shape == (1, 3, 64, 64)
    assert found[0, 0, 39, 63].item() == pytest.approx((128 - 123.675) / 58.395)
    assert (found[0, :, 40:] == 0).all()


def test_objects_are_the_surest_pairs() -> None:
    classes = torch.full((2, 81), -20.0)
    classes[0, 5], classes[0, 80] = 2.0, 0.0  # probability σ(2)
    classes[1, 7] = 20.0
    masks = torch.full((2, 4, 6), -3.0)
    masks[0, 1:3, 2:5], masks[1, 0, 0] = 1.0, 3.0
    found = instances(classes, masks)
    assert found.classes[:2].tolist() == [7, 5] and found.boxes[:2].tolist() == [[0, 0, 1, 1], [2, 1, 5, 3]]
    sigmoid = torch.tensor([3.0, 2.0, 1.0]).sigmoid().tolist()
    assert found.scores[:2] == pytest.approx([sigmoid[0], sigmoid[1] * sigmoid[2]], rel=1e-4)
    assert found.masks is not None and found.masks[1].sum() == 6


def test_weights_that_are_missing_or_of_another_file_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VTBENCH_ASSETS", str(tmp_path))
    monkeypatch.setenv("VTBENCH_CACHE", str(tmp_path / "cache"))
    with pytest.raises(AssetMissingError, match="none of the folders") as told:
        Mask2Former.check_available()
    assert "download.openmmlab.com" in str(told.value.hint)
    (tmp_path / FILE).write_bytes(b"x")
    with pytest.raises(AssetMissingError, match="does not begin 743b7d99"):
        Mask2Former.check_available()
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(AssetMissingError, match="mask2former-swin-small-coco-instance"):
        Mask2FormerMeta.check_available()
