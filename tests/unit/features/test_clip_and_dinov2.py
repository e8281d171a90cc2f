"""CLIP and DINOv2 on the real classes, small and with seeded weights, against direct calls of their libraries."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import open_clip
import pytest
import timm
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from torchvision import transforms
from torchvision.transforms.functional import pil_to_tensor, to_pil_image

from vtbench.core.errors import AdapterError, AssetMissingError, UsageError
from vtbench.features.clip.extractors import ClipL14, ClipL14At336, ClipL14At336Square
from vtbench.features.clip.model import MEAN, STD, VARIANTS, filled_clip
from vtbench.features.dinov2 import DinoV2, DinoV2Of8Bit, authors_positions, filled_dinov2
from vtbench.features.resizing import pillow_bicubic_8bit, short_side_bicubic_8bit, square_bicubic_8bit
from vtbench.metrics.images.clip_score import ClipScore, ClipScoreCrop

ARCHITECTURE = "tiny-clip-of-the-tests"


@pytest.fixture(scope="module")
def tiny_clip(tmp_path_factory: pytest.TempPathFactory) -> open_clip.CLIP:
    config = {
        "embed_dim": 24,
        "quick_gelu": True,
        "vision_cfg": {"image_size": 224, "layers": 2, "width": 32, "patch_size": 56, "head_width": 16},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
    }
    file = tmp_path_factory.mktemp("clip") / f"{ARCHITECTURE}.json"
    file.write_text(json.dumps(config))
    open_clip.add_model_config(file)
    torch.manual_seed(0)
    return open_clip.create_model(ARCHITECTURE, load_weights=False).eval()


def normalised(images: Tensor, side: int) -> Tensor:
    """Pillow bicubic in float, a channel at a time, then OpenAI's normalisation."""
    planes = [
        torch.stack(
            [
                torch.from_numpy(
                    np.array(Image.fromarray(plane.float().numpy()).resize((side, side), Image.Resampling.BICUBIC))
                )
                for plane in image
            ]
        )
        for image in images
    ]
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
    return (torch.stack(planes).clamp(0, 255) / 255 - mean) / std


def test_the_extractor_is_open_clips_image_tower(tiny_clip: open_clip.CLIP, crops: Tensor) -> None:
    found = ClipL14(model=tiny_clip)(crops[:2])["pool"]
    with torch.inference_mode():
        expected = F.normalize(tiny_clip.encode_image(normalised(crops[:2], 224)), dim=-1)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert found.shape == (2, 24)
    torch.testing.assert_close(found.norm(dim=-1), torch.ones(2))


def test_both_sizes_are_named_in_the_id(tiny_clip: open_clip.CLIP) -> None:
    assert ClipL14.variant == "ViT-L-14" and "bicubic224" in ClipL14(model=tiny_clip).id
    assert VARIANTS[ClipL14At336.variant].side == ClipL14At336.side == 336


def test_clip_score_is_the_cosine_by_direct_calls(tiny_clip: open_clip.CLIP, crops: Tensor) -> None:
    prompts = ["a photo of a cat", "a rocket on its launch pad at night"]
    with torch.inference_mode():
        seen = F.normalize(tiny_clip.encode_image(normalised(crops[:2], 224)), dim=-1)
        said = F.normalize(tiny_clip.encode_text(open_clip.get_tokenizer("ViT-B-32")(prompts)), dim=-1)
    expected = (100 * (seen * said).sum(-1)).clamp_min(0)
    found = ClipScore(model=tiny_clip)(crops[:2], prompts)
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, expected.double(), rtol=1e-3, atol=1e-3)


def test_a_checkpoint_fills_the_network_and_another_one_does_not(tiny_clip: open_clip.CLIP) -> None:
    state = {name: tensor.clone() for name, tensor in tiny_clip.state_dict().items()}
    filled = filled_clip(ARCHITECTURE, state, "here")
    assert torch.equal(filled.visual.proj, tiny_clip.visual.proj)
    del state["visual.proj"]
    with pytest.raises(AdapterError, match=r"here does not fill .* missing \['visual.proj'\]"):
        filled_clip(ARCHITECTURE, state, "here")


def test_an_unknown_variant_is_refused() -> None:
    with pytest.raises(UsageError, match="known: ViT-B-32"):
        ClipScore(variant="ViT-Z")


@pytest.mark.parametrize("extractor", [ClipL14, ClipL14At336, DinoV2])
def test_without_weights_the_message_names_the_file(
    extractor: type, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(AssetMissingError, match="not in the local hub cache"):
        extractor.check_available()


def cubic_weights(source: int, target: int, scale: float) -> Tensor:
    """``[target,source]``: Keys' cubic (a = -0.75) at ``(i + 0.5) / scale - 0.5``, edges repeated."""
    weights = torch.zeros(target, source, dtype=torch.float64)
    for i in range(target):
        position = (i + 0.5) / scale - 0.5
        for tap in range(int(np.floor(position)) - 1, int(np.floor(position)) + 3):
            d = abs(position - tap)
            near, far = 1.25 * d**3 - 2.25 * d**2 + 1, -0.75 * (d**3 - 5 * d**2 + 8 * d - 4)
            weights[i, min(max(tap, 0), source - 1)] += near if d <= 1 else far
    return weights


def test_positions_are_stretched_as_the_authors_do_it() -> None:
    """Their scale is 16.1 / 37, without antialiasing; here the sums written out."""
    positions = torch.randn(1, 1 + 37 * 37, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    axis = cubic_weights(37, 16, 16.1 / 37)
    expected = torch.einsum("iy,jx,yxd->ijd", axis, axis, positions[0, 1:].view(37, 37, 5)).reshape(256, 5)
    found = authors_positions(positions, 16)
    assert found.shape == (1, 257, 5)
    torch.testing.assert_close(found[0, 1:].double(), expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found[0, 0].double(), positions[0, 0], rtol=1e-6, atol=1e-6)


def test_dinov2_is_the_class_token_of_a_network_filled_from_the_authors_names(crops: Tensor) -> None:
    """The smallest DINOv2, seeded at 518 pixels and used at 224; their files hold a mask token besides."""
    torch.manual_seed(0)
    name = "vit_small_patch14_dinov2"
    large = timm.create_model(name, pretrained=False, num_classes=0)
    state = {key: value.clone() for key, value in large.state_dict().items()} | {"mask_token": torch.zeros(1, 384)}
    found = DinoV2(model=filled_dinov2(state, "here", name))(crops[:1])["pool"]
    theirs = timm.create_model(name, num_classes=0, img_size=224)
    theirs.load_state_dict(large.state_dict() | {"pos_embed": authors_positions(large.pos_embed, 16)})
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    clip_mean, clip_std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
    pixels = normalised(crops[:1], 224) * clip_std + clip_mean
    with torch.inference_mode():
        expected = theirs.eval().forward_features((pixels - mean) / std)[:, 0]
    assert found.shape == (1, 384)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)
    del state["norm.weight"]
    with pytest.raises(AdapterError, match=r"here does not fill .*"):
        filled_dinov2(state, "here", name)


WIDE = (slice(None), slice(0, 90))
"""Of a crop: an image of 90 × 256 pixels, both margins odd."""


def test_resizes_on_8_bits_are_torchvisions_and_the_authors(crops: Tensor) -> None:
    """torchvision's on pictures, as dgm-eval and CLIP prepare them; CMMD's crop by Pillow, as its reader does."""
    wide = crops[0][WIDE]
    picture = to_pil_image(wide)
    square = transforms.Resize((224, 224), transforms.InterpolationMode.BICUBIC)(picture)
    assert torch.equal(pillow_bicubic_8bit(wide[None], 224)[0], pil_to_tensor(square).float())
    cover = transforms.Compose([transforms.Resize(61, transforms.InterpolationMode.BICUBIC), transforms.CenterCrop(61)])
    ours, theirs = short_side_bicubic_8bit(wide[None], 61)[0], pil_to_tensor(cover(picture)).float()
    assert torch.equal(ours, theirs) or torch.equal(ours, torch.roll(theirs, 1, -1))  # an odd margin's larger half
    left = (256 - 90) // 2
    cropped = picture.crop((left, 0, left + 90, 90)).resize((336, 336), Image.Resampling.BICUBIC)
    assert torch.equal(square_bicubic_8bit(wide[None], 336)[0], pil_to_tensor(cropped).float())


def test_the_second_habits_have_ids_of_their_own_and_differ_by_what_they_say(
    tiny_clip: open_clip.CLIP, crops: Tensor
) -> None:
    network = timm.create_model("vit_small_patch14_dinov2", num_classes=0, img_size=224, depth=1).eval()
    plain, rounded = DinoV2(model=network), DinoV2Of8Bit(model=network)
    assert plain.id != rounded.id and "8bit" in rounded.id
    there, here = (extractor(crops[:1])["pool"] for extractor in (plain, rounded))
    assert 0 < float((there - here).norm() / there.norm()) < 0.02
    assert ClipL14At336Square.side == 336 and "square" in ClipL14At336Square(model=tiny_clip).id


def test_clip_score_of_a_wide_image_is_of_the_whole_or_of_its_square(tiny_clip: open_clip.CLIP, crops: Tensor) -> None:
    wide = crops[:2][:, :, :90]
    other = wide.clone()
    other[..., :40] = 0  # outside the square
    whole, square = ClipScore(model=tiny_clip), ClipScoreCrop(model=tiny_clip)
    prompts = ["a cat", "a rocket"]
    assert torch.equal(square(wide, prompts), square(other, prompts))
    assert not torch.equal(whole(wide, prompts), whole(other, prompts))


def test_a_prompt_of_more_than_77_tokens_is_told(tiny_clip: open_clip.CLIP) -> None:
    fits, not_quite = " ".join(["cat"] * 75), " ".join(["cat"] * 76)
    score = ClipScore(model=tiny_clip)
    assert score.cut([fits, not_quite, "a cat"]) == [False, True, False]
    tokens = open_clip.get_tokenizer("ViT-B-32")([fits, not_quite, not_quite + " dog"])
    assert torch.equal(tokens[1], tokens[2]), "the end of a longer prompt is lost"
