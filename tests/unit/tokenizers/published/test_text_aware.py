"""``ta-titok``: a caption through CLIP's text tower, and what it changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_model
from seeded_weights import seed_weights, seeded_images

from vtbench.core.digests import digest_file
from vtbench.core.errors import AssetMissingError
from vtbench.tokenizers.published.titok import caption
from vtbench.tokenizers.published.titok.text_aware import TextAwareTiTok
from vtbench.tokenizers.resolve import resolve_tokenizer

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
SIZES: dict[str, Any] = {**TextAwareTiTok.shrunken, "size": 32, "text_length": 77, "text_channels": 16}


@pytest.fixture(scope="module")
def clip() -> Any:
    """open_clip's class, small, with random weights."""
    from open_clip.model import CLIP

    torch.manual_seed(0)
    vision = {"layers": 1, "width": 16, "head_width": 8, "patch_size": 16, "image_size": 32}
    text = {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2}
    return CLIP(embed_dim=12, vision_cfg=vision, text_cfg=text, quick_gelu=True).eval()


@pytest.fixture
def files(tmp_path: Path, clip: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A checkpoint and CLIP's file, beside which CLIP is the small one."""
    network = seed_weights(TextAwareTiTok.random(**SIZES)._network)
    save_model(network, str(tmp_path / "model.safetensors"))
    (tmp_path / "clip.safetensors").write_bytes(b"of CLIP")
    monkeypatch.setattr(caption, "load_clip", lambda *_: (clip, ""))
    return {"checkpoint": str(tmp_path / "model.safetensors"), "clip": str(tmp_path / "clip.safetensors")}


def test_features_are_those_that_clip_makes_its_vector_of(clip: Any) -> None:
    import open_clip

    tokens = open_clip.get_tokenizer(caption.VARIANT)(["A photo of a jay.", ""])
    features = caption.text_features(clip, tokens)
    assert features.shape == (2, 77, 16) and tokens[1, 2:].eq(0).all()
    at_the_end = features[torch.arange(2), tokens.argmax(1)]
    with torch.no_grad():
        torch.testing.assert_close(at_the_end @ clip.text_projection, clip.encode_text(tokens))


def test_a_caption_moves_pixels_and_no_codes(files: dict[str, Any]) -> None:
    images = seeded_images(2, 32)
    silent, told = TextAwareTiTok(**SIZES, **files), TextAwareTiTok(**SIZES, **files, caption="A photo of a jay.")
    codes = silent.encode(images)
    assert torch.equal(codes.levels[0], told.encode(images).levels[0])
    assert (silent.decode(codes) - told.decode(codes)).abs().max() > 1e-3
    assert "caption ''" in silent.notes[-1] and "caption 'A photo of a jay.'" in told.notes[-1]


def test_clips_file_counts_among_the_weights(files: dict[str, Any]) -> None:
    weights = TextAwareTiTok(**SIZES, **files).info.weights
    assert [weight.name for weight in weights] == ["model.safetensors", "clip.safetensors"]
    assert weights[1].sha256 == digest_file(Path(files["clip"]))


def test_the_caption_goes_where_the_network_goes(files: dict[str, Any]) -> None:
    tokenizer = TextAwareTiTok(**SIZES, **files).to(dtype=torch.bfloat16)
    assert tokenizer._network.decoder.caption.dtype == torch.bfloat16
    assert tokenizer.decode(tokenizer.encode(seeded_images(1, 32))).isfinite().all()


def test_without_clip_it_is_said_how_to_give_it(files: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(AssetMissingError, match="ta-titok needs CLIP's text tower") as missing:
        TextAwareTiTok(**SIZES, checkpoint=files["checkpoint"])
    assert "clip=FILE" in str(missing.value.hint)


# Tensors and millions of elements of the published modules, built from their inference configurations.
PUBLISHED = {
    "ta-titok-bl32-vq": (462, 390.801),
    "ta-titok-bl64-vq": (462, 390.882),
    "ta-titok-bl128-vq": (462, 391.046),
    "ta-titok-bl32-vae": (461, 390.202),
    "ta-titok-bl64-vae": (461, 390.284),
    "ta-titok-sl128-vae": (413, 330.275),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_card_has_the_published_sizes(name: str, without_memory: None) -> None:
    tensors, millions = PUBLISHED[name]
    tokenizer: Any = resolve_tokenizer(f"{name},random_weights_seed=0")
    state = tokenizer._network.state_dict()
    assert len(state) == tensors
    assert sum(tensor.numel() for tensor in state.values()) / 1e6 == pytest.approx(millions, abs=0.0006)
