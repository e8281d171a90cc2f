"""A tokenizer of images on clips, frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vtbench.core.codes import Codes
from vtbench.core.errors import AdapterError, UsageError
from vtbench.core.foreign.placing import place
from vtbench.core.foreign.returned import in_words, require_images
from vtbench.core.info import TokenizerInfo
from vtbench.core.naming.reference import parse_reference
from vtbench.core.seeds import sample_seed
from vtbench.core.threads.steady import model_in_lanes
from vtbench.tokenizers import TOKENIZERS
from vtbench.tokenizers.resolve import expand, resolve_tokenizer

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from typing_extensions import Self

AT_ONCE = 16
_BY_ITSELF = "name {} itself: a task of video runs it frame by frame"
NOTE = "an image tokenizer, which is given each frame by itself"


class PayloadOfFrames(bytes):
    """The byte strings of a clip's frames, one after another; ``parts`` keeps where each ends."""

    parts: tuple[bytes, ...]

    @classmethod
    def of(cls, parts: Sequence[bytes]) -> PayloadOfFrames:
        """Of each frame's."""
        made = cls(b"".join(parts))
        made.parts = tuple(parts)
        return made


class _EachFrame:
    """A model of images that is given the frames of clips, some of them at once.

    Args:
        model: a tokenizer or reconstructor of images.
        at_once: frames a call.
        lent: it is somebody's own, who goes on training it.
    """

    def __init__(self, model: Any, at_once: int = AT_ONCE, lent: bool = False) -> None:
        info: TokenizerInfo = model.info
        if info.video:
            raise UsageError(f"{info.name} takes clips itself", "name it without frames")
        if at_once < 1:
            raise UsageError(f"{at_once} frames at once", "give at least 1")
        self._model, self._at_once, self._lent = model, at_once, lent
        self.info = replace(info, video=True)
        self.notes = (*(note for note in getattr(model, "notes", ()) if isinstance(note, str)), NOTE)

    def to(self, *, device: torch.device | str, dtype: torch.dtype | None = None) -> Self:
        """Move the model and choose its precision; returns itself."""
        import torch

        self._model = place(self._model, torch.device(device), dtype or torch.float32, lent=self._lent)
        return self

    def _each(self, method: str, parts: Sequence[Any], device: torch.device, seeds: Tensor | None) -> list[Any]:
        """The method of each part of the frames, given its share of their seeds."""
        import torch

        called = getattr(model_in_lanes(self._model, device), method)
        if seeds is None:
            return [called(part) for part in parts]
        shares = torch.split(seeds, self._at_once)
        return [called(part, seeds=share) for part, share in zip(parts, shares, strict=True)]

    def _stacked(self, parts: Sequence[Any], clips: int, frames: int) -> Tensor:
        import torch

        for start, part in zip(range(0, clips * frames, self._at_once), parts, strict=True):
            due = min(self._at_once, clips * frames - start)
            require_images(self.info.name, part, (due, 3), f"{due} frames")
        whole = torch.cat(list(parts))
        return whole.reshape(clips, frames, *whole.shape[1:])


class FrameByFrame(_EachFrame):
    """Clips to the codes of their frames and back; a clip's grids are those of a frame with T in front.

    A frame's seed, of a tokenizer that draws, follows from the clip's and the frame's place.
    """

    def encode(self, clips: Tensor, seeds: Tensor | None = None) -> Codes:
        """``float32 [B,T,3,H,W]`` in [0, 1] to codes."""
        import torch

        count = clips.shape[1]
        parts = torch.split(clips.flatten(0, 1), self._at_once)
        found = self._each("encode", parts, clips.device, _of_frames(seeds, count))
        for part in found:
            if not isinstance(part, Codes):
                raise AdapterError(f"{self.info.name}: encode returned {in_words(part)}, not Codes")
        return _folded(Codes.joined(found), count)

    def decode(self, codes: Codes, seeds: Tensor | None = None) -> Tensor:
        """Codes to ``float32 [B,T,3,H,W]`` of the size that was encoded; may leave [0, 1]."""
        frames, count = _unfolded(codes)
        starts = range(0, frames.batch_size, self._at_once)
        parts = [frames.select(list(range(at, min(at + self._at_once, frames.batch_size)))) for at in starts]
        found = self._each("decode", parts, _place_of(frames), _of_frames(seeds, count))
        return self._stacked(found, codes.batch_size, count)


class ReconstructorFrameByFrame(_EachFrame):
    """Clips to clips, by a model that shows no codes."""

    def reconstruct(self, clips: Tensor, seeds: Tensor | None = None) -> Tensor:
        """``float32 [B,T,3,H,W]`` in [0, 1] to the same shape; may leave [0, 1]."""
        import torch

        parts = torch.split(clips.flatten(0, 1), self._at_once)
        found = self._each("reconstruct", parts, clips.device, _of_frames(seeds, clips.shape[1]))
        return self._stacked(found, *clips.shape[:2])


def frame_by_frame(model: Any, at_once: int = AT_ONCE, lent: bool = False) -> FrameByFrame | ReconstructorFrameByFrame:
    """A model of images as one of clips.

    Raises:
        UsageError: it takes clips already.
    """
    encodes = hasattr(model, "encode") and hasattr(model, "decode")
    return (FrameByFrame if encodes else ReconstructorFrameByFrame)(model, at_once, lent)


class Frames(FrameByFrame):
    """A tokenizer of images, given each frame of a clip by itself.

    A task of video does the same with any image tokenizer that it is given; this name is for ``doctor`` and for Python.

    Args:
        of: name of a card or a registered tokenizer, with its arguments, as ``'titok-l32,tokens=16'``.
        at_once: frames a call.

    Raises:
        UsageError: code of somebody else's, a model without codes, or a tokenizer of clips.
        AssetMissingError, AdapterError: the tokenizer cannot be made.
    """

    def __init__(self, of: str, at_once: int = AT_ONCE) -> None:
        target = expand(parse_reference(of)).target
        if TOKENIZERS.location(target) is not None:
            raise UsageError(f"frames takes vtbench's own tokenizers, not {target}", _BY_ITSELF.format(target))
        made = resolve_tokenizer(of)
        if not hasattr(made, "encode") or not hasattr(made, "decode"):
            raise UsageError(f"{of} has no codes", _BY_ITSELF.format(of))
        super().__init__(made, at_once)


def _of_frames(seeds: Tensor | None, count: int) -> Tensor | None:
    """``int64 [B]`` of clips to ``[B*T]`` of their frames."""
    import torch

    if seeds is None:
        return None
    drawn = [sample_seed(int(seed), f"frame {place}") for seed in seeds for place in range(count)]
    return torch.tensor(drawn, dtype=torch.int64)


def _folded(codes: Codes, count: int) -> Codes:
    """Codes of frames as those of clips of ``count`` frames."""
    bits = codes.bits_per_image
    return Codes(
        levels=tuple(_of_clips(level, count) for level in codes.levels),
        bits=tuple(_of_clips(plane, count) for plane in codes.bits),
        latents=None if codes.latents is None else _of_clips(codes.latents, count).transpose(1, 2),
        payload=tuple(PayloadOfFrames.of(codes.payload[at : at + count]) for at in range(0, len(codes.payload), count)),
        bits_per_image=None if bits is None else _of_clips(bits, count).sum(1),
        image_size=codes.image_size,
    )


def _of_clips(frames: Tensor, count: int) -> Tensor:
    """``[B*T,…]`` to ``[B,T,…]``."""
    return frames.reshape(-1, count, *frames.shape[1:])


def _unfolded(codes: Codes) -> tuple[Codes, int]:
    """Codes of clips as those of their frames, and how many frames a clip has."""
    if codes.payload:
        parts = [part for data in codes.payload for part in _parts_of(data)]
        return Codes(payload=tuple(parts), image_size=codes.image_size), len(parts) // len(codes.payload)
    if codes.latents is not None:
        count = codes.latents.shape[2]
        latents = codes.latents.transpose(1, 2).flatten(0, 1)
        return Codes(latents=latents, image_size=codes.image_size), count
    count = (codes.levels or codes.bits)[0].shape[1]
    levels, bits = (tuple(part.flatten(0, 1) for part in form) for form in (codes.levels, codes.bits))
    return Codes(levels=levels, bits=bits, image_size=codes.image_size), count


def _parts_of(data: bytes) -> tuple[bytes, ...]:
    if not isinstance(data, PayloadOfFrames):
        raise AdapterError("a payload of a clip must be of frames", "give codes as encode makes them")
    return data.parts


def _place_of(codes: Codes) -> torch.device:
    import torch

    tensors = (*codes.levels, *codes.bits, *(() if codes.latents is None else (codes.latents,)))
    return tensors[0].device if tensors else torch.device("cpu")
