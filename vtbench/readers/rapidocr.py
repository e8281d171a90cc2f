"""``rapidocr``: PP-OCRv6 small through RapidOCR and ONNX Runtime. The models lie inside the package: no network.

Cui et al., PaddleOCR 3.0 Technical Report, arXiv 2507.05595 (the family); https://github.com/RapidAI/RapidOCR.
"""

from __future__ import annotations

import importlib.util
import threading
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vtbench.core.digests import digest_file
from vtbench.core.errors import AssetMissingError, UsageError
from vtbench.readers.contract import Box, ReaderIdentity, ReadResult, check_image
from vtbench.readers.layout import reading_order

if TYPE_CHECKING:
    from torch import Tensor

PIP_LINE = "pip install --force-reinstall rapidocr==3.10.0 onnxruntime"
MODELS = {
    "Det": ("PP-OCRv6_det_small.onnx", "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f"),
    "Rec": ("PP-OCRv6_rec_small.onnx", "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884"),
    "Cls": ("ch_ppocr_mobile_v2.0_cls_mobile.onnx", "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c"),
}


class RapidOcr:
    """Detection and recognition of printed text; English, Chinese and Japanese, no Hangul.

    An engine works on one image with one thread, so that neither the machine nor the batch decides what is read; every
    thread that reads has an engine of its own. Detection
    scales the shorter side up to 736 pixels, which is the engine's default. Boxes become lines by
    :func:`vtbench.readers.layout.reading_order`; boxes of one line are joined by a space.

    Args:
        text_score: boxes recognised with a lower confidence are dropped; the engine's default.
        orientation: also run the classifier that turns text standing on its head. Off, unlike in the engine: on
            blurred upright lines it errs, and the line is lost.
        detection: off, the whole image is read as one line, which is what a cut-out word is:
            ``boxes,reader='rapidocr,detection=false'``.

    Raises:
        AssetMissingError: a package is not installed, or its models are not the ones this reader is named for.
        UsageError: ``text_score`` outside [0, 1].
    """

    languages: tuple[str, ...] | None = ("en", "zh", "ja")
    required_assets: tuple[str, ...] = ()
    concurrent = True

    def __init__(self, text_score: float = 0.5, orientation: bool = False, detection: bool = True) -> None:
        if not 0.0 <= text_score <= 1.0:
            raise UsageError(f"rapidocr: text_score must be in [0, 1], got {text_score}", "the default is 0.5")
        self._text_score, self._orientation = float(text_score), bool(orientation)
        stages = ("Det", "Rec", "Cls") if orientation else ("Det", "Rec")
        self._detection = bool(detection)
        self._models = model_files(stages)  # the engine loads its detector even where it is not asked
        self.identity = ReaderIdentity(
            engine="rapidocr",
            version=version("rapidocr"),
            files={MODELS[stage][0]: MODELS[stage][1] for stage in stages},
            settings={
                "text_score": self._text_score,
                "orientation": self._orientation,
                **({} if self._detection else {"detection": False}),
            },
        )
        self.id = self.identity.id
        self._engines = threading.local()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_engines"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _engines=threading.local())

    @property
    def _engine(self) -> Any:
        """This thread's engine, loaded when it first reads."""
        if not hasattr(self._engines, "engine"):
            self._engines.engine = _load_engine(self._models, self._text_score, self._orientation)
        return self._engines.engine

    def read(self, images: list[Tensor]) -> list[ReadResult]:
        """``uint8 [3,H,W]`` images to their lines, from top to bottom."""
        return [self._read_one(image) for image in images]

    def _read_one(self, image: Tensor) -> ReadResult:
        check_image("rapidocr", image)
        if not self._detection:
            return self._read_line(image)
        found = self._engine(to_bgr(image))
        texts = getattr(found, "txts", None)
        if texts is None:  # nothing detected, or nothing recognised with confidence
            return ReadResult.of(())
        boxes = [_upright(corners) for corners in found.boxes]
        return ReadResult.of([" ".join(texts[i].strip() for i in line) for line in reading_order(boxes)])

    def _read_line(self, image: Tensor) -> ReadResult:
        found = self._engine(to_bgr(image), use_det=False, use_cls=self._orientation, use_rec=True)
        texts = zip(found.txts or (), found.scores, strict=False)
        return ReadResult.of([text.strip() for text, score in texts if score >= self._text_score])


def model_files(stages: tuple[str, ...]) -> dict[str, Path]:
    """Where the models lie, their content checked. RapidOCR itself is not imported.

    Raises:
        AssetMissingError: a package or model is missing, or a model is another one.
    """
    for package in ("rapidocr", "onnxruntime"):
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise AssetMissingError(f"the reader rapidocr needs {package}, which is not installed", PIP_LINE)
        if package == "rapidocr":
            folder = Path(spec.origin).parent / "models"
    paths = {stage: folder / MODELS[stage][0] for stage in stages}
    for stage, path in paths.items():
        if not path.is_file():
            raise AssetMissingError(f"rapidocr: {path.name} is not in the installed package ({path.parent})", PIP_LINE)
        if digest_file(path) != MODELS[stage][1]:
            raise AssetMissingError(f"rapidocr: {path} is not the model expected (its SHA-256 differs)", PIP_LINE)
    return paths


def to_bgr(image: Tensor) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """``uint8 [3,H,W]`` RGB to the ``[H,W,3]`` BGR of OpenCV, which the engine takes arrays for."""
    return np.ascontiguousarray(image.cpu().numpy().transpose(1, 2, 0)[..., ::-1])


def _load_engine(models: dict[str, Path], text_score: float, orientation: bool) -> Any:
    """Every model is given as a path: the engine would otherwise look for it, and may download it."""
    from rapidocr import RapidOCR

    threads = "EngineConfig.onnxruntime"
    parameters: dict[str, Any] = {
        "Global.text_score": text_score,
        "Global.use_cls": orientation,
        "Global.log_level": "critical",
        f"{threads}.intra_op_num_threads": 1,
        f"{threads}.inter_op_num_threads": 1,
        f"{threads}.enable_cpu_mem_arena": True,  # the same bits, without asking the system for memory at every layer
    }
    parameters.update({f"{stage}.model_path": str(path) for stage, path in models.items()})
    return RapidOCR(params=parameters)


def _upright(corners: Any) -> Box:
    """The upright rectangle around four corners, ``[4,2]``."""
    left, top = (float(value) for value in np.min(corners, axis=0))
    right, bottom = (float(value) for value in np.max(corners, axis=0))
    return left, top, right, bottom
