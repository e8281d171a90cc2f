"""Scorers of preference on their libraries' own classes, with seeded weights."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from vtbench.core.errors import AdapterError, AssetMissingError
from vtbench.features.clip.model import MEAN, STD, VARIANTS
from vtbench.metrics.images.preferences import hps
from vtbench.metrics.images.preferences.hps import HpsV2, HpsV21, long_side_padded
from vtbench.metrics.images.preferences.pick import PickScore

PROMPTS = ["a rocket at night", "a cup " * 90]
IMAGES = torch.randint(0, 256, (2, 3, 30, 45), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> open_clip.CLIP:
    file = tmp_path_factory.mktemp("clip") / "tiny-clip-of-preferences.json"
    vision = {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16}
    text = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}
    file.write_text(json.dumps({"embed_dim": 16, "vision_cfg": vision, "text_cfg": text}))
    open_clip.add_model_config(file)
    torch.manual_seed(0)
    return open_clip.create_model(file.stem, load_weights=False).eval()


def normal(pictures: list[Image.Image]) -> Tensor:
    pixels = torch.stack([torch.from_numpy(np.array(one)).permute(2, 0, 1) / 255 for one in pictures])
    return (pixels - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]


def pictures() -> list[Image.Image]:
    return [Image.fromarray(image.permute(1, 2, 0).numpy()) for image in IMAGES]


def test_hps_is_the_cosine_of_open_clips_model(tiny: open_clip.CLIP) -> None:
    padded = [Image.new("RGB", (32, 32)) for _ in IMAGES]
    for canvas, picture in zip(padded, pictures(), strict=True):
        canvas.paste(picture.resize((32, 21), Image.Resampling.BICUBIC), (0, 5))
    assert long_side_padded(IMAGES, 32).tolist() == [np.array(one).transpose(2, 0, 1).tolist() for one in padded]
    with torch.inference_mode():
        seen = F.normalize(tiny.encode_image(normal(padded)), dim=-1)
        said = F.normalize(tiny.encode_text(open_clip.get_tokenizer("ViT-H-14")(PROMPTS)), dim=-1)
    metric = HpsV2(model=tiny, side=32)
    assert metric(IMAGES, PROMPTS).tolist() == pytest.approx((100 * (seen * said).sum(-1)).tolist(), rel=1e-4, abs=1e-4)
    assert metric(IMAGES[1:], PROMPTS[1:]).tolist() == metric(IMAGES, PROMPTS)[1:].tolist()
    assert metric.cut(PROMPTS) == [False, True]
    assert HpsV2.info.name == "hps_v2" and HpsV21.info.name == "hps_v2_1"


def test_weights_are_the_state_of_the_published_file(
    tiny: open_clip.CLIP, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hps, "ARCHITECTURE", "tiny-clip-of-preferences")
    torch.save({"state_dict": tiny.state_dict(), "epoch": 1}, tmp_path / HpsV21.file)
    filled = HpsV21(weights=str(tmp_path / HpsV21.file), side=32)
    assert filled(IMAGES, PROMPTS).tolist() == HpsV2(model=tiny, side=32)(IMAGES, PROMPTS).tolist()
    torch.save({"state_dict": {"logit_scale": torch.zeros(())}}, tmp_path / "x.pt")
    with pytest.raises(AdapterError, match="does not fill"):
        HpsV2(weights=str(tmp_path / "x.pt"), side=32)
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    for scorer, told in ((HpsV21, "HPS_v2.1_compressed.pt"), (PickScore, "PickScore_v1")):
        with pytest.raises(AssetMissingError, match=told):
            scorer()


def test_pick_score_is_what_transformers_model_says(tmp_path: Path) -> None:
    from transformers import CLIPConfig, CLIPModel

    small = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = {**small, "vocab_size": 49408, "max_position_embeddings": 77}
    vision = {**small, "image_size": 32, "patch_size": 16}
    torch.manual_seed(1)
    model = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=16)).eval()
    model.save_pretrained(tmp_path)
    cropped = [one.resize((48, 32), Image.Resampling.BICUBIC).crop((8, 0, 40, 32)) for one in pictures()]
    with torch.inference_mode():
        words = open_clip.get_tokenizer("ViT-H-14")(PROMPTS)
        found = model(input_ids=words, pixel_values=normal(cropped)).logits_per_image.diag()
    metric = PickScore(path=str(tmp_path), side=32)
    assert metric(IMAGES, PROMPTS).tolist() == pytest.approx(found.tolist(), rel=1e-4, abs=1e-5)
    assert metric._scale() == pytest.approx(math.exp(model.config.logit_scale_init_value))
    assert metric.cut(PROMPTS) == [False, True]


def test_variants_of_clip_score_are_open_clips_architectures() -> None:
    assert {one.architecture for one in VARIANTS.values()} <= set(open_clip.list_models())
    assert {"ViT-B-16", "ViT-B-32", "ViT-H-14", "ViT-L-14"} <= set(VARIANTS)
