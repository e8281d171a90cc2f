"""One interface over tokenizers and reconstructors: images in, images and codes out, at the task's size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from vtbench.core.codes import Codes
from vtbench.core.contracts import CodebookTokenizer
from vtbench.core.errors import AdapterError
from vtbench.core.foreign.guard import foreign
from vtbench.core.foreign.placing import place, refuse_training
from vtbench.core.foreign.returned import in_words, require_images
from vtbench.core.info import TokenizerInfo
from vtbench.core.threads.lanes import by_image
from vtbench.core.threads.steady import model_in_lanes
from vtbench.run.timing import Span, now

Watching = Callable[[str], AbstractContextManager[None]]


def _unwatched(_method: str) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """Raw output of a model: ``float32 [B,3,H,W]`` (any range), its codes if it has any, and what took how long."""

    images: Tensor
    codes: Codes | None = None
    spans: Mapping[str, Span] = field(default_factory=dict)


class LoadedModel:
    """A tokenizer or reconstructor on its device, ready for batches of ``float32 [B,3,H,W]`` in [0, 1].

    One of video is given ``[B,T,3,H,W]``; an axis of frames is in front of colours wherever images are spoken of.

    Args:
        lent: the model goes on being trained afterwards: see :func:`~vtbench.core.foreign.placing.place`. Tensors that
            it keeps from a call must then be of use in training, which those of inference mode are not.

    Raises:
        UsageError: a dtype other than float32 for a model that cannot be moved.
    """

    def __init__(
        self, model: Any, device: torch.device, dtype: torch.dtype = torch.float32, *, lent: bool = False
    ) -> None:
        self.info: TokenizerInfo = model.info
        self.device = device
        self._lent = lent
        self._model = place(model, device, dtype, lent=lent)
        self._called = model_in_lanes(self._model, device)
        self._encodes = hasattr(model, "encode") and hasattr(model, "decode")
        self._looked_at = False
        self._watch: Watching = _unwatched

    @property
    def encodes(self) -> bool:
        """Whether images become codes, and codes images, in calls of their own."""
        return self._encodes

    @contextmanager
    def watched_by(self, watch: Watching) -> Iterator[None]:
        """Within, each call of the model is made inside ``watch(method)``, and nothing else is.

        It is one call a batch, on all threads, as its users make it.
        """
        self._watch, self._called = watch, self._model
        try:
            yield
        finally:
            self._watch, self._called = _unwatched, model_in_lanes(self._model, self.device)

    def resize_note(self, height: int, width: int) -> str | None:
        """How images of this size are brought to a fixed-size model and back; ``None`` if they are not."""
        native = self.info.native_size
        if not self.info.fixed_size or native is None or (height, width) == (native, native):
            return None
        return f"{height}x{width} -> {native}x{native} -> {height}x{width}, bicubic, antialias, float32, not rounded"

    def reconstruct(self, images: Tensor, seeds: list[int]) -> Reconstruction:
        """Run the model; resize in and back where it only runs at its native size."""
        with torch.no_grad() if self._lent else torch.inference_mode():
            return self._resized(images, seeds)

    def encode(self, images: Tensor, seeds: list[int]) -> Codes:
        """The codes alone, of images brought to a fixed-size model's size."""
        height, width = images.shape[-2:]
        with torch.no_grad() if self._lent else torch.inference_mode():
            return self._encoded(images if self.resize_note(height, width) is None else self._native(images), seeds)

    def decode(self, codes: Codes, height: int, width: int, seeds: list[int]) -> Tensor:
        """``float32 [B,3,height,width]`` of codes of images of that size, whoever made the codes."""
        with torch.no_grad() if self._lent else torch.inference_mode():
            return self._decoded(codes, height, width, seeds)

    @property
    def has_codes(self) -> bool:
        """Whether it encodes and decodes, or only reconstructs."""
        return self._encodes

    def codebook(self, level: int) -> Tensor | None:
        """``float [K,D]``: see :class:`~vtbench.core.contracts.CodebookTokenizer`; ``None`` where it has none to show.

        Raises:
            AdapterError: other rows than ``info.codebook_sizes`` states.
        """
        if not isinstance(self._model, CodebookTokenizer):
            return None
        with foreign(f"{self.info.name}: codebook", seed=0):
            rows = self._model.codebook(level)
        size = self.info.codebook_sizes[level]
        if rows is not None and (not isinstance(rows, Tensor) or rows.ndim != 2 or len(rows) != size):
            told = f"{self.info.name}: codebook({level}) is {in_words(rows)} for {size} entries"
            raise AdapterError(told, "give float [K,D], or None")
        return rows

    def _resized(self, images: Tensor, seeds: list[int]) -> Reconstruction:
        height, width = images.shape[-2:]
        if self.resize_note(height, width) is None:
            return self._run(images, seeds)
        result = self._run(self._native(images), seeds)
        return replace(result, images=resized(result.images, height, width))

    def _native(self, images: Tensor) -> Tensor:
        native = self.info.native_size
        assert native is not None
        return resized(images, native, native)

    def _run(self, images: Tensor, seeds: list[int]) -> Reconstruction:
        started = now(self.device)
        if not self._encodes:
            output = self._call("reconstruct", images, seeds)
            spans = {"decode": Span(started, now(self.device))}
            return Reconstruction(self._checked(output, tuple(images.shape)), None, spans)
        codes = self._encoded(images, seeds)
        encoded = now(self.device)
        output = self._call("decode", codes, seeds)
        spans = {"encode": Span(started, encoded), "decode": Span(encoded, now(self.device))}
        return Reconstruction(self._checked(output, tuple(images.shape)), codes, spans)

    def _encoded(self, images: Tensor, seeds: list[int]) -> Codes:
        codes = self._call("encode", images, seeds)
        if not isinstance(codes, Codes):
            raise AdapterError(f"{self.info.name}: encode returned {in_words(codes)}, not Codes")
        return codes

    def _decoded(self, codes: Codes, height: int, width: int, seeds: list[int]) -> Tensor:
        native = self.info.native_size
        fixed = native is not None and self.resize_note(height, width) is not None
        sides = (native, native) if fixed and native is not None else (height, width)
        output = self._checked(self._call("decode", codes, seeds), (codes.batch_size, 3, *sides))
        return resized(output, height, width) if fixed else output

    def _call(self, method: str, given: Tensor | Codes, seeds: list[int]) -> Any:
        """Whatever draws without a seed of its own starts from the first image's."""
        extra = {"seeds": torch.tensor(seeds, dtype=torch.int64)} if self.info.stochastic else {}
        with foreign(f"{self.info.name}: {method}", seed=seeds[0]), self._watch(method):
            return getattr(self._called, method)(given, **extra)

    def _checked(self, output: Any, shape: tuple[int, ...]) -> Tensor:
        require_images(self.info.name, output, shape, f"images of {list(shape)}")
        if not self._looked_at:
            refuse_training(self._model)
            self._looked_at = True
        checked: Tensor = output
        return checked.to(self.device, torch.float32)


def resized(images: Tensor, height: int, width: int) -> Tensor:
    """``float32 [B,3,H,W]`` to another size, as :meth:`LoadedModel.resize_note` says it; of clips each frame."""
    if images.ndim == 5:
        return resized(images.flatten(0, 1), height, width).reshape(*images.shape[:3], height, width)

    def one(part: Tensor) -> Tensor:
        return F.interpolate(part, size=(height, width), mode="bicubic", antialias=True, align_corners=False)

    return torch.cat(by_image(one, images)) if images.device.type == "cpu" and len(images) else one(images)
