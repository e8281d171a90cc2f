"""PARSeq on boxes: docTR's real network with seeded weights; what it says without docTR or its checkpoint."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from vtbench.core.errors import AdapterError, AssetMissingError
from vtbench.readers.contract import BoxReader, Reader, ReadResult
from vtbench.readers.parseq import Parseq, crop

Page = Callable[..., Tensor]

needs_doctr = pytest.mark.skipif(importlib.util.find_spec("doctr") is None, reason="pip install python-doctr")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """docTR's own architecture; wider random weights than its initialisation, so that words come out."""
    from doctr.models import parseq

    torch.manual_seed(0)
    model = parseq(pretrained=False)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.05)
    path = tmp_path_factory.mktemp("parseq") / "parseq-seeded.pt"
    torch.save(model.state_dict(), path)
    return path


@needs_doctr
def test_words_are_those_of_doctrs_own_predictor_on_the_crops(checkpoint: Path, draw_page: Page) -> None:
    from doctr.models import parseq, recognition_predictor

    image = draw_page(["Word boxes"], 32)
    boxes = [(30.2, 28.0, 110.0, 75.9), (120.0, 28.0, 220.5, 76.0), (0.0, 0.0, 40.0, 40.0)]
    reader = Parseq(weights=str(checkpoint))
    words = reader.read_boxes(image, boxes)

    model = parseq(pretrained=False)
    model.load_state_dict(torch.load(checkpoint, weights_only=True))
    pixels = image.permute(1, 2, 0).numpy()
    cuts = [pixels[28:76, 30:110], pixels[28:76, 120:221], pixels[0:40, 0:40]]
    assert words == [word for word, _ in recognition_predictor(model.eval())(cuts)]
    assert any(words), "the network writes nothing, so the test shows nothing"
    assert reader.read_boxes(image, boxes[::-1]) == words[::-1]
    assert isinstance(reader, Reader) and isinstance(reader, BoxReader)


@needs_doctr
def test_words_read_together_are_those_read_alone(checkpoint: Path, draw_page: Page) -> None:
    reader = Parseq(weights=str(checkpoint))
    words = [
        draw_page([word], size) for word, size in (("a", 20), ("Together", 32), ("extraordinarily wide words", 24))
    ]
    alone = [reader.read([word])[0] for word in words]
    assert reader.read(words) == alone and len({result.text for result in alone}) > 1
    assert alone == [
        ReadResult.of(reader.read_boxes(word, [(0.0, 0.0, float(word.shape[2]), float(word.shape[1]))]))
        for word in words
    ]


@needs_doctr
def test_a_box_outside_the_image_reads_as_nothing(checkpoint: Path, draw_page: Page) -> None:
    reader = Parseq(weights=str(checkpoint))
    image = draw_page(["Word"], 32)
    assert reader.read_boxes(image, [(5000.0, 0.0, 5010.0, 10.0), (4.0, 4.0, 4.0, 9.0)]) == ["", ""]
    assert reader.read_boxes(image, []) == []
    assert len(reader.read([image])) == 1


@needs_doctr
def test_weights_are_in_the_id_and_other_weights_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    reader = Parseq(weights=str(checkpoint))
    assert reader.id.startswith("parseq@doctr-") and list(reader.identity.files) == [checkpoint.name]
    other = tmp_path / "other.pt"
    torch.save({"weight": torch.zeros(2)}, other)
    with pytest.raises(AdapterError, match="does not fill"):
        Parseq(weights=str(other))
    with pytest.raises(AssetMissingError, match="no checkpoint"):
        Parseq(weights=str(tmp_path / "nothing.pt"))


@needs_doctr
def test_offline_and_without_its_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    monkeypatch.setenv("DOCTR_CACHE_DIR", str(tmp_path))
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "parseq-56125471.pt").write_bytes(b"not what its name says")
    with pytest.raises(AssetMissingError, match="weights=FILE"):
        Parseq()


def test_without_doctr_the_pip_line_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "doctr", None)  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "doctr.models", None)  # type: ignore[arg-type]
    with pytest.raises(AssetMissingError, match="pip install python-doctr"):
        Parseq()


def test_a_crop_holds_every_pixel_that_the_box_touches() -> None:
    pixels = np.arange(10 * 20 * 3, dtype=np.uint16).reshape(10, 20, 3)
    np.testing.assert_array_equal(crop(pixels, (2.2, 1.0, 5.1, 3.9)), pixels[1:4, 2:6])
    np.testing.assert_array_equal(crop(pixels, (-3.0, -3.0, 99.0, 2.0)), pixels[0:2, :])
    assert crop(pixels, (5.0, 5.0, 5.0, 8.0)).size == 0
    with pytest.raises(ValueError, match="finite"):
        crop(pixels, (0.0, 0.0, float("nan"), 1.0))
