"""DINO and CLIP in metrics of conditions: the libraries' classes with seeded weights, against direct computations."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import timm
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor
from torchvision import transforms
from torchvision.transforms.functional import to_pil_image
from transformers import ViTConfig, ViTModel

from vtbench.core.contracts import Condition
from vtbench.core.errors import AdapterError, AssetMissingError, UsageError
from vtbench.core.foreign.guard import foreign
from vtbench.features.clip.model import MEAN as CLIP_MEAN
from vtbench.features.clip.model import STD as CLIP_STD
from vtbench.features.dino import class_tokens, filled_dino, last_keys, load_dino
from vtbench.features.network import IMAGENET_MEAN, IMAGENET_STD, standardised
from vtbench.metrics.conditioned.captioned import ClipDirection, ClipOut, ClipScoreEdited, ClipScoreWhole, ClipT
from vtbench.metrics.conditioned.editing.structure import CompatPieStructureDistance, StructureDistance
from vtbench.metrics.conditioned.similarity import (
    ClipI,
    CompatArboothDinoI,
    DinoI,
    ImageSimilarityEfflite0,
    PriorPreservation,
)

ARCHITECTURE = "tiny-clip-of-conditions"
WIDTH, HEADS, DEPTH, PATCH = 48, 3, 2, 16


def noise(*shape: int, seed: int = 0) -> Tensor:
    coarse = torch.rand(*shape[:-2], 8, 8, generator=torch.Generator().manual_seed(seed))
    return (F.interpolate(coarse.reshape(-1, 3, 8, 8), shape[-2:]).reshape(shape) * 255).to(torch.uint8)


@pytest.fixture(scope="module")
def tiny_clip(tmp_path_factory: pytest.TempPathFactory) -> open_clip.CLIP:
    config = {
        "embed_dim": 24,
        "quick_gelu": True,
        "vision_cfg": {"image_size": 56, "layers": 1, "width": 32, "patch_size": 28, "head_width": 16},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
    }
    file = tmp_path_factory.mktemp("clip") / f"{ARCHITECTURE}.json"
    file.write_text(json.dumps(config))
    open_clip.add_model_config(file)
    torch.manual_seed(0)
    return open_clip.create_model(ARCHITECTURE, load_weights=False).eval()


@pytest.fixture(scope="module")
def tiny_dino() -> Any:
    """timm's vision transformer as DINO has it, small, with seeded weights."""
    torch.manual_seed(0)
    settings: dict[str, Any] = {"embed_dim": WIDTH, "depth": DEPTH, "num_heads": HEADS, "dynamic_img_size": True}
    model = timm.create_model("vit_small_patch16_224.dino", pretrained=False, num_classes=0, **settings)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return model.eval().requires_grad_(False)


def clip_pixels(images: Tensor) -> Tensor:
    resize = transforms.Resize((56, 56), transforms.InterpolationMode.BICUBIC)
    seen = torch.stack([transforms.functional.pil_to_tensor(resize(to_pil_image(image))) for image in images])
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (CLIP_MEAN, CLIP_STD))
    return (seen / 255 - mean) / std


def test_keys_are_those_that_a_hook_finds_and_those_of_a_hand_computation(tiny_dino: Any) -> None:
    pixels = standardised(noise(2, 3, 64, 80, seed=1).float() / 255)
    caught: list[Tensor] = []
    handle = tiny_dino.blocks[-1].attn.qkv.register_forward_hook(lambda *call: caught.append(call[-1]))
    with torch.inference_mode():
        tiny_dino.forward_features(pixels)
        handle.remove()
        found = last_keys(tiny_dino, pixels)
    batch, tokens, _ = caught[0].shape
    by_head = caught[0].reshape(batch, tokens, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)[1]
    torch.testing.assert_close(found, by_head.transpose(1, 2).reshape(batch, tokens, WIDTH))
    assert tokens == 1 + 4 * 5
    last = tiny_dino.blocks[-1]
    with torch.inference_mode():
        entering = tiny_dino.blocks[0](tiny_dino._pos_embed(tiny_dino.patch_embed(pixels)))
    centred = entering.double() - entering.double().mean(-1, keepdim=True)
    normed = centred / (centred.square().mean(-1, keepdim=True) + 1e-6).sqrt()
    normed = normed * last.norm1.weight.double() + last.norm1.bias.double()
    weight, bias = (part.double()[WIDTH : 2 * WIDTH] for part in (last.attn.qkv.weight, last.attn.qkv.bias))
    torch.testing.assert_close(found.double(), normed @ weight.T + bias, rtol=1e-4, atol=1e-4)


def test_structure_distance_is_that_of_self_similarities(tiny_dino: Any) -> None:
    images, sources = noise(2, 3, 256, 256, seed=2), noise(2, 3, 256, 256, seed=3)
    conditions = [Condition(images={"source": one}) for one in sources]
    found = {}
    for metric, scale in (
        (StructureDistance(model=tiny_dino), 255.0),
        (CompatPieStructureDistance(model=tiny_dino), 1.0),
    ):
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
        values = []
        for pair in zip(images, sources, strict=True):
            maps = []
            for image in pair:
                small = transforms.functional.resize(image.float(), 224, antialias=True)
                with torch.inference_mode():
                    keys = last_keys(tiny_dino, ((small / scale - mean) / std)[None])[0].numpy().astype(np.float64)
                lengths = np.linalg.norm(keys, axis=1, keepdims=True)
                maps.append(keys @ keys.T / np.maximum(lengths @ lengths.T, 1e-8))
            values.append(float(np.mean((maps[0] - maps[1]) ** 2)))
        found[scale] = metric(images, conditions)
        np.testing.assert_allclose(found[scale], values, rtol=1e-3)
    assert (found[1.0] != found[255.0]).all()
    assert StructureDistance(model=tiny_dino)(sources, conditions).tolist() == [0.0, 0.0]


def test_files_of_transformers_timm_and_the_authors_fill_one_network(tmp_path: Path) -> None:
    """ViT-S/16 as it is published: a file in each naming, and the class token of both libraries' classes."""
    torch.manual_seed(0)
    config = ViTConfig(
        hidden_size=384, num_hidden_layers=12, num_attention_heads=6, intermediate_size=1536, layer_norm_eps=1e-6
    )
    theirs = ViTModel(config, add_pooling_layer=False).eval()
    theirs.save_pretrained(tmp_path)
    model, fingerprint = load_dino("vits16", str(tmp_path / "model.safetensors"))
    save_file(model.state_dict(), tmp_path / "timm.safetensors")
    again, other = load_dino("vits16", str(tmp_path / "timm.safetensors"))
    assert fingerprint != other and len(fingerprint) == 12
    images = noise(1, 3, 300, 280, seed=4)
    prepare = transforms.Compose(
        [
            transforms.Resize(256, transforms.InterpolationMode.BICUBIC),
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize(IMAGENET_MEAN, IMAGENET_STD),
        ]
    )
    with torch.inference_mode():
        expected = theirs(pixel_values=prepare(to_pil_image(images[0]))[None]).last_hidden_state[:, 0]
        found, second = class_tokens(model, images), class_tokens(again, images)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert torch.equal(found, second)
    with pytest.raises(AdapterError, match="does not fill"):
        filled_dino({"cls_token": torch.zeros(1, 1, 384)}, "a file", "vit_small_patch16_224")
    with pytest.raises(UsageError, match="no DINO named"):
        load_dino("vitg", None)


def test_weights_that_cannot_be_had_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for metric in (DinoI, StructureDistance):
        with pytest.raises(AssetMissingError, match="dino"), foreign("the test"):
            metric()


def test_similarity_is_the_mean_over_all_images_of_a_role(tiny_dino: Any) -> None:
    samples, references = noise(3, 3, 60, 60, seed=5), noise(2, 3, 64, 72, seed=6)
    condition = Condition(images={"subject": list(references)}, metadata={"subject": "dog"})
    with torch.inference_mode():
        made, known = (
            F.normalize(class_tokens(tiny_dino, images).double(), dim=-1) for images in (samples, references)
        )
    expected = (made @ known.T).mean(1)
    for metric in (DinoI("subject", model=tiny_dino), PriorPreservation(model=tiny_dino)):
        found = metric(samples, [condition] * 3)
        torch.testing.assert_close(found[metric.info.name], expected, rtol=1e-6, atol=1e-6)
    truth = Condition(images={"truth": samples[0]})
    assert float(DinoI(model=tiny_dino)(samples[:1], [truth])["dino_i"]) == pytest.approx(1.0)
    efflite = ImageSimilarityEfflite0("truth")
    found = efflite(samples, [truth] * 3)["image_similarity_efflite0"]
    assert float(found[0]) == pytest.approx(1.0) and float(found[1:].max()) < 0.999


def test_arbooths_similarity_skips_the_statistics_and_the_crop(tiny_dino: Any) -> None:
    sample, reference = noise(1, 3, 300, 200, seed=7), noise(3, 300, 200, seed=8)
    squash = transforms.Resize((256, 256), transforms.InterpolationMode.BICUBIC)
    with torch.inference_mode():
        tokens = [
            F.normalize(
                tiny_dino.forward_features(transforms.ToTensor()(squash(to_pil_image(one)))[None] * 2 - 1)[:, 0], dim=-1
            )
            for one in (sample[0], reference)
        ]
    found = CompatArboothDinoI(model=tiny_dino)(sample, [Condition(images={"subject": reference})])
    assert float(found["compat_arbooth_dino_i"]) == pytest.approx(float((tokens[0] * tokens[1]).sum()), abs=1e-4)


def test_overall_is_the_mean_over_subjects() -> None:
    from vtbench.metrics.conditioned.by_subject import fold_by_subject, subject_numbers

    numbers = subject_numbers([Condition(metadata={"subject": name}) for name in ("dog", "cat", "dog")])
    assert numbers[0] == numbers[2] != numbers[1]
    nan = math.nan
    columns = {
        "dino_i": np.array([1.0, 3.0, 5.0, nan, 10.0]),
        "dino_i_of": np.array(numbers[:1] * 4 + numbers[1:2]),
    }
    lines = np.array([0, 0, 1, 1, 2])
    assert fold_by_subject(columns, lines).tolist() == [3.5, 10.0]  # lines 2 and 5 of the dog; the cat's one line
    alone = {"dino_i": columns["dino_i"], "dino_i_of": np.full(5, nan)}
    assert fold_by_subject(alone, lines).tolist() == [2.0, 5.0, 10.0]


def test_clip_of_images_captions_and_the_way_between(tiny_clip: open_clip.CLIP) -> None:
    images, sources = noise(2, 3, 56, 56, seed=9), noise(2, 3, 56, 56, seed=10)
    mask = torch.zeros(3, 56, 56, dtype=torch.uint8)
    mask[:, 10:30, 5:50] = 200
    captions = [("a cat", "a dog"), ("a house", "a house in snow")]
    conditions = [
        Condition(
            prompt="do it",
            images={"source": source, "mask": mask, "truth": source},
            metadata={"source_prompt": before, "target_prompt": after},
        )
        for source, (before, after) in zip(sources, captions, strict=True)
    ]
    tokenize = open_clip.get_tokenizer("ViT-B-32-quickgelu")
    with torch.inference_mode():
        seen, was, dark = (
            F.normalize(tiny_clip.encode_image(clip_pixels(one)).double(), dim=-1)
            for one in (images, sources, images * (mask >= 128))
        )
        before, after = (
            F.normalize(tiny_clip.encode_text(tokenize(list(said))).double(), dim=-1)
            for said in zip(*captions, strict=True)
        )
    close = {"rtol": 1e-4, "atol": 1e-5}
    settings: dict[str, Any] = {"model": tiny_clip, "side": 56}
    for metric in (ClipT(**settings), ClipOut(**settings)):
        torch.testing.assert_close(metric(images, conditions), (seen * after).sum(-1), **close)
    whole = ClipScoreWhole(**settings)(images, conditions)
    torch.testing.assert_close(whole, (100 * (seen * after).sum(-1)).clamp_min(0), rtol=1e-4, atol=1e-3)
    edited = ClipScoreEdited(**settings)(images, conditions)
    torch.testing.assert_close(edited, (100 * (dark * after).sum(-1)).clamp_min(0), rtol=1e-4, atol=1e-3)
    way = ClipDirection(**settings)(images, conditions)
    torch.testing.assert_close(way, F.cosine_similarity(seen - was, after - before), **close)
    likeness = ClipI(**settings)(images, conditions)["clip_i"]
    torch.testing.assert_close(likeness, (seen * was).sum(-1), **close)


def test_what_says_nothing_has_no_value(tiny_clip: open_clip.CLIP) -> None:
    image = noise(1, 3, 56, 56, seed=11)
    empty = torch.zeros(3, 56, 56, dtype=torch.uint8)
    same = {"source_prompt": "a cat", "target_prompt": "a cat"}
    settings: dict[str, Any] = {"model": tiny_clip, "side": 56}
    images = {"source": noise(3, 56, 56, seed=12), "mask": empty}
    assert math.isnan(ClipScoreEdited(**settings)(image, [Condition(metadata=same, images=images)]))
    assert math.isnan(ClipDirection(**settings)(image, [Condition(metadata=same, images=images)]))
    assert math.isnan(ClipDirection(**settings)(image, [Condition(prompt="a cat", images=images)]))
    assert math.isnan(ClipT(**settings)(image, [Condition(images=images)]))
    assert not math.isnan(ClipT(**settings)(image, [Condition(prompt="a cat")]))
