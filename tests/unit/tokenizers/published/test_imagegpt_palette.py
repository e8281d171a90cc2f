"""ImageGPT's palette against the library's processor, on photographs; and files that hold no palette."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import ImageGPTImageProcessor

from vtbench.core.errors import AdapterError
from vtbench.tokenizers.contract.subject import photographs
from vtbench.tokenizers.resolve import resolve_tokenizer

COLOURS = 64


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A palette in the file that transformers writes."""
    clusters = torch.rand(COLOURS, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1
    ImageGPTImageProcessor(clusters=clusters, size={"height": 32, "width": 32}).save_pretrained(tmp_path)
    return tmp_path


def test_indices_and_colours_are_the_librarys(saved: Path) -> None:
    tokenizer = resolve_tokenizer(f"imagegpt-palette,colours={COLOURS},checkpoint={saved}")
    images = photographs(2, 32, 32)
    processor: Any = ImageGPTImageProcessor.from_pretrained(saved)
    told = processor(list((images * 255).round().to(torch.uint8)), return_tensors="pt")["input_ids"]
    codes = tokenizer.encode((images * 255).round() / 255)
    assert torch.equal(codes.levels[0].flatten(1), told.long()) and len(told.unique()) > 10
    colours = torch.as_tensor(processor.clusters)[told.long()].add(1).div(2).view(2, 32, 32, 3)
    torch.testing.assert_close(tokenizer.decode(codes), colours.permute(0, 3, 1, 2))
    info = tokenizer.info
    assert (info.codebook_sizes, info.downsample_factor, info.fixed_size) == ((COLOURS,), 1, False)
    assert [weight.name for weight in info.weights] == ["preprocessor_config.json"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({}, "has no palette"),
        ({"clusters": [[0.5, 0.5]]}, "has no palette"),
        ({"clusters": [[0.5, 0.5, 1.5]] * COLOURS}, "has no palette"),
        ({"clusters": [[True, 0.5, 0.5]] * COLOURS}, "has no palette"),
        ({"clusters": [[0.5, 0.5, 0.5]]}, "has 1 colours, 64 are expected"),
    ],
)
def test_a_file_without_such_a_palette_is_refused(tmp_path: Path, content: Any, told: str) -> None:
    file = tmp_path / "preprocessor_config.json"
    file.write_text(json.dumps(content))
    with pytest.raises(AdapterError, match=told):
        resolve_tokenizer(f"imagegpt-palette,colours={COLOURS},checkpoint={file}")


def test_a_folder_without_the_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match=r"no preprocessor_config\.json"):
        resolve_tokenizer(f"imagegpt-palette,checkpoint={tmp_path}")
