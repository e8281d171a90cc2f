"""``image_reward`` on transformers' classes, against BLIP written out here from the tensors of a file by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Normalize, Resize, ToTensor

from vtbench.core.errors import AdapterError, AssetMissingError, UsageError
from vtbench.features.clip.model import MEAN, STD
from vtbench.metrics.images.preferences.image_reward.metric import ImageReward
from vtbench.metrics.images.preferences.image_reward.network import RewardGeometry

MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PIECES = [*MARKS, "a", "cup", "rocket", "at", "night", "##s", ","]
TINY = RewardGeometry(side=32, patch=16, width=32, depth=2, heads=2, words=len(PIECES) + 2, places=40, text_width=24,
                      text_depth=2, text_heads=3)  # fmt: skip
PROMPTS = ["A cup, at night", "rockets " * 30, "a rocket [ENC] zebra"]
TOKENS = [[2, 5, 6, 11, 8, 9, 3], [2, *[7, 10] * 16, 7, 3], [2, 5, 7, 13, 1, 3]]
IMAGES = torch.randint(0, 256, (3, 3, 40, 57), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def linear(name: str, wide: int, out: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (out, wide), f"{name}.bias": (out,)}


def norm(name: str, wide: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (wide,), f"{name}.bias": (wide,)}


def published() -> dict[str, Tensor]:
    """A file's tensors by the authors' names, drawn from a seed."""
    seen, said = "blip.visual_encoder", "blip.text_encoder"
    w, t = TINY.width, TINY.text_width
    shapes: dict[str, tuple[int, ...]] = {f"{seen}.cls_token": (1, 1, w), f"{seen}.pos_embed": (1, 5, w)}
    shapes |= {f"{seen}.patch_embed.proj.weight": (w, 3, 16, 16), f"{seen}.patch_embed.proj.bias": (w,)}
    for n in range(TINY.depth):
        at = f"{seen}.blocks.{n}"
        shapes |= norm(f"{at}.norm1", w) | norm(f"{at}.norm2", w)
        shapes |= linear(f"{at}.attn.qkv", w, 3 * w) | linear(f"{at}.attn.proj", w, w)
        shapes |= linear(f"{at}.mlp.fc1", w, 4 * w) | linear(f"{at}.mlp.fc2", 4 * w, w)
    shapes |= norm(f"{seen}.norm", w) | norm(f"{said}.embeddings.LayerNorm", t)
    shapes |= {f"{said}.embeddings.word_embeddings.weight": (TINY.words, t)}
    shapes |= {f"{said}.embeddings.position_embeddings.weight": (TINY.places, t)}
    for n in range(TINY.text_depth):
        at = f"{said}.encoder.layer.{n}"
        for part, wide in (("attention", t), ("crossattention", w)):
            shapes |= linear(f"{at}.{part}.self.query", t, t) | linear(f"{at}.{part}.self.key", wide, t)
            shapes |= linear(f"{at}.{part}.self.value", wide, t) | linear(f"{at}.{part}.output.dense", t, t)
            shapes |= norm(f"{at}.{part}.output.LayerNorm", t)
        shapes |= linear(f"{at}.intermediate.dense", t, 4 * t) | linear(f"{at}.output.dense", 4 * t, t)
        shapes |= norm(f"{at}.output.LayerNorm", t)
    shapes |= linear("blip.vision_proj", w, 8) | linear("blip.text_proj", t, 8)
    for place, (wide, out) in zip((0, 2, 4, 6, 7), ((t, 1024), (1024, 128), (128, 64), (64, 16), (16, 1)), strict=True):
        shapes |= linear(f"mlp.layers.{place}", wide, out)
    source = torch.Generator().manual_seed(1)
    # what an encoder begins with is small, so that the constant under the root of its norms counts
    begin = ("cls_token", "pos_embed", "patch_embed.proj.weight", "patch_embed.proj.bias", "embeddings.weight")
    drawn = {
        name: torch.randn(shape, generator=source) * (0.001 if name.endswith(begin) else 0.2)
        for name, shape in shapes.items()
    }
    return drawn | {f"{said}.embeddings.position_ids": torch.arange(TINY.places)[None]}


class Written:
    """BLIP and the layers behind it, in float64, an image and a prompt without padding at a time."""

    def __init__(self, state: dict[str, Tensor]) -> None:
        self.state = {name: tensor.double() for name, tensor in state.items()}

    def linear(self, name: str, x: Tensor) -> Tensor:
        return F.linear(x, self.state[f"{name}.weight"], self.state[f"{name}.bias"])

    def norm(self, name: str, x: Tensor, eps: float) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], self.state[f"{name}.weight"], self.state[f"{name}.bias"], eps)

    def attention(self, q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
        parts = (x.unflatten(-1, (heads, -1)).transpose(0, 1) for x in (q, k, v))
        return F.scaled_dot_product_attention(*parts).transpose(0, 1).flatten(1)

    def seen(self, pixels: Tensor) -> Tensor:
        at = "blip.visual_encoder"
        kernel, bias = (self.state[f"{at}.patch_embed.proj.{part}"] for part in ("weight", "bias"))
        patches = F.conv2d(pixels.double()[None], kernel, bias, stride=16)[0].flatten(1).T
        x = torch.cat([self.state[f"{at}.cls_token"][0], patches]) + self.state[f"{at}.pos_embed"][0]
        for n in range(TINY.depth):
            block = f"{at}.blocks.{n}"
            q, k, v = self.linear(f"{block}.attn.qkv", self.norm(f"{block}.norm1", x, 1e-6)).chunk(3, dim=-1)
            x = x + self.linear(f"{block}.attn.proj", self.attention(q, k, v, TINY.heads))
            inner = F.gelu(self.linear(f"{block}.mlp.fc1", self.norm(f"{block}.norm2", x, 1e-6)))
            x = x + self.linear(f"{block}.mlp.fc2", inner)
        return self.norm(f"{at}.norm", x, 1e-6)

    def reward(self, pixels: Tensor, tokens: list[int]) -> float:
        at, seen = "blip.text_encoder", self.seen(pixels)
        words = self.state[f"{at}.embeddings.word_embeddings.weight"][tokens]
        places = self.state[f"{at}.embeddings.position_embeddings.weight"][: len(tokens)]
        x = self.norm(f"{at}.embeddings.LayerNorm", words + places, 1e-12)
        for n in range(TINY.text_depth):
            layer = f"{at}.encoder.layer.{n}"
            for part, other in (("attention", None), ("crossattention", seen)):
                read = x if other is None else other
                q = self.linear(f"{layer}.{part}.self.query", x)
                k, v = (self.linear(f"{layer}.{part}.self.{one}", read) for one in ("key", "value"))
                mixed = self.linear(f"{layer}.{part}.output.dense", self.attention(q, k, v, TINY.text_heads))
                x = self.norm(f"{layer}.{part}.output.LayerNorm", mixed + x, 1e-12)
            inner = F.gelu(self.linear(f"{layer}.intermediate.dense", x))
            x = self.norm(f"{layer}.output.LayerNorm", self.linear(f"{layer}.output.dense", inner) + x, 1e-12)
        value = x[0]
        for place in (0, 2, 4, 6, 7):
            value = self.linear(f"mlp.layers.{place}", value)
        return (float(value) - 0.16717362830052426) / 1.0333394966054072


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("image-reward")
    torch.save(published(), folder / "ImageReward.pt")
    (folder / "vocab.txt").write_text("\n".join(PIECES) + "\n")
    return folder


def made(files: Path, weights: str = "ImageReward.pt") -> ImageReward:
    return ImageReward(weights=str(files / weights), vocabulary=str(files / "vocab.txt"), geometry=TINY)


def test_it_is_the_reward_of_the_files_tensors(files: Path) -> None:
    whole = Compose([Resize(32, InterpolationMode.BICUBIC), CenterCrop(32), ToTensor(), Normalize(MEAN, STD)])
    pixels = [whole(Image.fromarray(np.ascontiguousarray(one.permute(1, 2, 0).numpy()))) for one in IMAGES]
    written = Written(published())
    wanted = [written.reward(image, tokens) for image, tokens in zip(pixels, TOKENS, strict=True)]
    metric = made(files)
    found = metric(IMAGES, PROMPTS)
    assert found.dtype == torch.float64 and found.tolist() == pytest.approx(wanted, abs=1e-5)
    assert len({round(value, 3) for value in wanted}) == 3
    assert metric(IMAGES[2:], PROMPTS[2:]).tolist() == found[2:].tolist()
    assert metric(IMAGES[:0], []).tolist() == []


def test_prompts_are_cut_at_35_tokens(files: Path) -> None:
    metric = made(files)
    assert metric._words(PROMPTS).tolist() == [row + [0] * (35 - len(row)) for row in TOKENS]
    assert metric.cut(PROMPTS) == [False, True, False]
    assert metric.cut(["cup " * 33, "cup " * 34]) == [False, True]
    longer = metric(IMAGES[:1], ["rockets " * 30 + "cup"])
    assert longer.tolist() == metric(IMAGES[:1], PROMPTS[1:2]).tolist()


def test_every_tensor_is_accounted_for(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = published()
    torch.save({name: x for name, x in state.items() if name != "mlp.layers.7.bias"}, files / "less.pt")
    torch.save({**state, "blip.queue": torch.zeros(2)}, files / "more.pt")
    for file, told in (("less.pt", r"mlp\.7\.bias"), ("more.pt", r"blip\.queue")):
        with pytest.raises(AdapterError, match=told):
            made(files, file)
    (files / "words.txt").write_text("a\ncup\n")
    with pytest.raises(UsageError, match=r"lacks \[PAD\]"):
        ImageReward(str(files / "ImageReward.pt"), str(files / "words.txt"), TINY)
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(files))
    with pytest.raises(AssetMissingError, match=r"ImageReward\.pt"):
        ImageReward()
