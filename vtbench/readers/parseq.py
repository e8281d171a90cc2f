"""``parseq``: docTR's PARSeq recogniser on given word boxes, TokBench's reader.

Bautista and Atienza, Scene Text Recognition with Permuted Autoregressive Sequence Models, ECCV 2022; Wu et al.,
TokBench, arXiv 2505.18142; https://github.com/mindee/doctr.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vtbench.assets.checkpoint import load_checkpoint
from vtbench.core.digests import digest_file
from vtbench.core.disk.files import user_path
from vtbench.core.errors import AdapterError, AssetMissingError
from vtbench.core.network import offline
from vtbench.readers.boxes import crop
from vtbench.readers.contract import Box, ReaderIdentity, ReadResult, check_image

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from typing_extensions import Self

PIP_LINE = "pip install python-doctr"
# Newer releases of docTR dropped these normalisations, which the released checkpoint may still hold.
_OPTIONAL_WEIGHTS = ("decoder.attention_norm.", "decoder.cross_attention_norm.")


class Parseq:
    """Recognition of words on given boxes: crop, scale into 32 × 128 with the aspect kept, padding at the right.

    All of this is docTR's own predictor, its splitting of very wide crops included; Latin script with docTR's
    "french" vocabulary. A box is cut from the floor of its left and top edge to the ceiling of its right and bottom
    edge, inside the image; a box without pixels reads as the empty string.

    Args:
        weights: a checkpoint of docTR's ``parseq``, ``.pt`` or ``.safetensors``. Without it, docTR's published one:
            from docTR's cache, or downloaded into it where the network is allowed.
        batch_size: crops run together.

    Raises:
        AssetMissingError: docTR is not installed, or its checkpoint cannot be had.
        AdapterError: a checkpoint of another model.
    """

    languages: tuple[str, ...] | None = ("en", "fr")
    required_assets: tuple[str, ...] = ()

    def __init__(self, weights: str | None = None, batch_size: int = 64) -> None:
        _doctr("models")
        checkpoint = user_path(weights) if weights is not None else _published_checkpoint()
        if not checkpoint.is_file():
            raise AssetMissingError(f"parseq: no checkpoint {checkpoint}", "check weights=FILE")
        self._predictor = _load_predictor(checkpoint, batch_size)
        self.identity = ReaderIdentity(
            engine="parseq",
            version=f"doctr-{version('python-doctr')}",
            files={checkpoint.name: digest_file(checkpoint)},
            settings={"crop": "floor-ceil", "preserve_aspect_ratio": True, "symmetric_pad": False},
        )
        self.id = self.identity.id
        self.at_once = batch_size

    def to(self, *, device: torch.device | str) -> Self:
        """Move the network; returns itself."""
        self._predictor = self._predictor.to(device)
        return self

    def read(self, images: list[Tensor]) -> list[ReadResult]:
        """Images that each show one word, ``uint8 [3,h,w]``, to one line each."""
        return [ReadResult.of([word]) for word in self._words([_pixels(image) for image in images])]

    def read_boxes(self, image: Tensor, boxes: Sequence[Box]) -> list[str]:
        """Words on the boxes of one ``uint8 [3,H,W]`` image, in the order of the boxes."""
        pixels = _pixels(image)
        return self._words([crop(pixels, box) for box in boxes])

    def _words(self, crops: Sequence[np.ndarray[Any, Any]]) -> list[str]:
        """The word on each ``uint8 [h,w,3]`` crop; of one without pixels, none."""
        readable = [index for index, piece in enumerate(crops) if piece.size]
        texts = [""] * len(crops)
        if readable:
            words = self._predictor([crops[index] for index in readable])
            for index, (word, _confidence) in zip(readable, words, strict=True):
                texts[index] = word
        return texts


def _pixels(image: Tensor) -> np.ndarray[Any, Any]:
    check_image("parseq", image)
    pixels: np.ndarray[Any, Any] = image.cpu().numpy().transpose(1, 2, 0)
    return pixels


def _doctr(module: str) -> Any:
    """A module of docTR. Imported by name: it is optional, untyped, and its distribution is called otherwise."""
    try:
        return importlib.import_module(f"doctr.{module}")
    except ImportError as error:
        raise AssetMissingError(f"the reader parseq needs docTR: {error}", PIP_LINE) from error


def _published_checkpoint() -> Path:
    """docTR's own checkpoint, whose file name carries the first digits of its SHA-256."""
    url: str = _doctr("models.recognition.parseq.pytorch").default_cfgs["parseq"]["url"]
    name = url.rpartition("/")[2].partition("&")[0]
    stored = Path(os.environ.get("DOCTR_CACHE_DIR", Path.home() / ".cache" / "doctr")) / "models" / name
    digits = name.rpartition("-")[2].partition(".")[0]
    if stored.is_file() and digest_file(stored).startswith(digits):
        return stored
    hint = f"fetch {url} and give it as weights=FILE"
    if offline():
        raise AssetMissingError(f"parseq: {stored} is missing or damaged", hint)
    try:
        with redirect_stdout(sys.stderr):  # docTR prints, and our stdout carries data
            return Path(_doctr("utils.data").download_from_url(url, cache_subdir="models"))
    except (OSError, ValueError) as error:
        raise AssetMissingError(f"parseq: {name} cannot be fetched: {error}", hint) from error


def _load_predictor(checkpoint: Path, batch_size: int) -> Any:
    models = _doctr("models")
    model = models.parseq(pretrained=False)
    try:
        missing, unexpected = model.load_state_dict(load_checkpoint(checkpoint), strict=False)
    except RuntimeError as error:
        raise AdapterError(f"{checkpoint} is not a checkpoint of docTR's parseq: {str(error)[:200]}") from error
    strangers = [name for name in (*missing, *unexpected) if not name.startswith(_OPTIONAL_WEIGHTS)]
    if strangers:
        raise AdapterError(
            f"{checkpoint} does not fill docTR's parseq: {', '.join(strangers[:5])}", "is it for another version?"
        )
    return models.recognition_predictor(model.eval(), batch_size=batch_size)
