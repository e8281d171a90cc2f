"""RapidOCR reads what Pillow drew, the same way every time, and never asks the network."""

from __future__ import annotations

import pickle
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from vtbench.core.errors import AssetMissingError, UsageError
from vtbench.data.embedded.photographs.photos_mini import load_photograph
from vtbench.data.pixels import from_pillow, to_pillow
from vtbench.metrics.texts.error_rates import score_text
from vtbench.readers.contract import Reader, ReadResult
from vtbench.readers.rapidocr import MODELS, RapidOcr, model_files, to_bgr

Page = Callable[..., Tensor]
Lines = tuple[str, ...]


@pytest.fixture(scope="module")
def reader() -> RapidOcr:
    return RapidOcr()


def character_error_rate(result: ReadResult, truth: Lines) -> float:
    score = score_text(result.text, "\n".join(truth))
    return score.edits / score.length


@pytest.mark.parametrize(("size", "ink", "paper"), [(14, 0, 255), (18, 0, 255), (24, 255, 20), (32, 0, 255)])
def test_a_clean_page_is_read(
    reader: RapidOcr, size: int, ink: int, paper: int, draw_page: Page, pangrams: Lines
) -> None:
    (result,) = reader.read([draw_page(pangrams, size, ink=ink, paper=paper)])
    assert character_error_rate(result, pangrams) <= 0.01
    assert len(result.lines) == len(pangrams)
    assert result.text == "\n".join(result.lines)


def test_words_far_apart_are_one_line(reader: RapidOcr, draw_page: Page) -> None:
    words = ["LEFT          RIGHT", "LOWER"]
    (result,) = reader.read([draw_page(words, 24)])
    assert result.lines == ("LEFT RIGHT", "LOWER")


def test_channels_reach_the_engine_in_opencvs_order(tmp_path: Path) -> None:
    import cv2

    photograph = load_photograph("chelsea")
    to_pillow(photograph).save(tmp_path / "cat.png")
    np.testing.assert_array_equal(to_bgr(photograph), cv2.imread(str(tmp_path / "cat.png")))


def test_a_reading_depends_on_its_image_alone(reader: RapidOcr, draw_page: Page, pangrams: Lines) -> None:
    pages = [
        draw_page([line[:12] for line in pangrams], 11),
        draw_page(["NIGHT TRAIN", "TO THE SEA"], 20, ink=230, paper=30),
    ]
    together = reader.read(pages)
    assert all(result.text for result in together)
    assert RapidOcr().read(pages[::-1]) == together[::-1]


def test_blurring_text_costs_characters(reader: RapidOcr, draw_page: Page, pangrams: Lines) -> None:
    page = draw_page(pangrams, 18)
    height, width = page.shape[-2:]
    small = to_pillow(page).resize((width // 5, height // 5), Image.Resampling.BICUBIC)
    blurred = from_pillow(small.resize((width, height), Image.Resampling.BICUBIC))
    assert character_error_rate(reader.read([blurred])[0], pangrams) > 0.05


@pytest.mark.parametrize("size", [(1, 1), (20, 40), (64, 64)])
def test_an_image_without_text_reads_as_nothing(reader: RapidOcr, size: tuple[int, int]) -> None:
    assert reader.read([torch.full((3, *size), 255, dtype=torch.uint8)]) == [ReadResult("", ())]


def test_the_network_is_never_asked(monkeypatch: pytest.MonkeyPatch, draw_page: Page, pangrams: Lines) -> None:
    def refuse(*arguments: Any, **named: Any) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    reader = RapidOcr(orientation=True)
    assert reader.read([draw_page(pangrams[:1], 20)])[0].text == pangrams[0]


def test_settings_and_models_are_in_the_id(reader: RapidOcr) -> None:
    assert isinstance(reader, Reader)
    assert reader.id.startswith("rapidocr@3")
    assert reader.identity.files == dict(MODELS[stage] for stage in ("Det", "Rec"))
    assert len({reader.id, RapidOcr(text_score=0.4).id, RapidOcr(orientation=True).id}) == 3
    assert pickle.loads(pickle.dumps(reader)).id == reader.id


def test_confidence_outside_its_range() -> None:
    with pytest.raises(UsageError, match="text_score"):
        RapidOcr(text_score=1.5)


def test_another_model_in_its_place_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = tmp_path / "rapidocr" / "models"
    models.mkdir(parents=True)
    (tmp_path / "rapidocr" / "__init__.py").touch()
    monkeypatch.delitem(sys.modules, "rapidocr", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(AssetMissingError, match="is not in the installed package"):
        model_files(("Det",))
    (models / MODELS["Det"][0]).write_bytes(b"another model")
    with pytest.raises(AssetMissingError, match="SHA-256 differs"):
        model_files(("Det",))


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rapidocr", None)  # type: ignore[arg-type]
    with pytest.raises(AssetMissingError, match="pip install"):
        RapidOcr()
