"""A tokenizer under examination: real photographs, and one way to call whatever it is."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vtbench.core.codes import Codes
from vtbench.core.contracts import Tokenizer
from vtbench.core.foreign.guard import foreign
from vtbench.core.foreign.returned import require_tensor

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.core.contracts import Reconstructor
    from vtbench.core.info import TokenizerInfo

COUNT, FRAMES = 3, 5


@dataclass(frozen=True)
class CheckResult:
    """One check: its name, whether it passed, and one line with the numbers behind that."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True, eq=False)
class Subject:
    """The tokenizer on its device, called with one seed an image where it is stochastic. One of video is given clips,
    ``[B,T,3,H,W]``, wherever images are spoken of."""

    tokenizer: Tokenizer | Reconstructor
    info: TokenizerInfo
    device: str
    _calls: Iterator[int] = field(default_factory=itertools.count)

    @property
    def has_codes(self) -> bool:
        """Whether it is a tokenizer, or only a reconstructor."""
        return isinstance(self.tokenizer, Tokenizer)

    def samples(self, count: int, height: int, width: int) -> Tensor:
        """What it is given: photographs, or clips of them."""
        if not self.info.video:
            return photographs(count, height, width)
        return clips(count, self.info.clip_frames or FRAMES, height, width)

    def encode(self, images: Tensor, first_seed: int = 0) -> Codes:
        """Codes of ``float32 [B,3,H,W]``; image i has seed ``first_seed + i``."""
        codes: Codes = self._call("encode", images.to(self.device), self._seeds(len(images), first_seed))
        return codes

    def decode(self, codes: Codes, first_seed: int = 0) -> Tensor:
        """Images of codes, as the tokenizer returns them."""
        images: Tensor = self._call("decode", codes, self._seeds(codes.batch_size, first_seed))
        require_tensor(self.info.name, images, f"codes of {codes.batch_size} images")
        return images

    def round_trip(self, images: Tensor, first_seed: int = 0) -> Tensor:
        """Images to images, as the tokenizer returns them."""
        if self.has_codes:
            return self.decode(self.encode(images, first_seed), first_seed)
        seeds = self._seeds(len(images), first_seed)
        result: Tensor = self._call("reconstruct", images.to(self.device), seeds)
        require_tensor(self.info.name, result, f"images of {list(images.shape)}")
        return result

    def _call(self, method: str, given: Any, seeds: Mapping[str, Tensor]) -> Any:
        """One call as a run makes it, except that random streams go on from call to call: a model that draws without
        a seed of its own must show."""
        import torch

        with foreign(f"{self.info.name}: {method}", seed=next(self._calls)), torch.inference_mode():
            return getattr(self.tokenizer, method)(given, **seeds)

    def _seeds(self, count: int, first: int) -> dict[str, Tensor]:
        import torch

        return {"seeds": torch.arange(first, first + count)} if self.info.stochastic else {}


@dataclass(frozen=True, eq=False)
class Evidence:
    """What most checks look at: photographs, their codes (none for a reconstructor) and what came back."""

    images: Tensor
    codes: Codes | None
    output: Tensor


def photographs(count: int, height: int, width: int) -> Tensor:
    """Real photographs, resized to cover the size and centre-cropped: ``float32 [count,3,H,W]`` on the 8-bit grid."""
    import torch
    import torch.nn.functional as F

    from vtbench.core.pixels import to_uint8, to_unit
    from vtbench.data.embedded.photographs.photos_mini import PhotosMini

    dataset, images = PhotosMini(), []
    stride = max(1, len(dataset) // count)  # neighbours may be crops of one photograph
    for index in range(count):
        image = to_unit(dataset[index * stride % len(dataset)].image[None])
        scale = max(height / image.shape[-2], width / image.shape[-1])
        covering = (max(height, round(image.shape[-2] * scale)), max(width, round(image.shape[-1] * scale)))
        image = F.interpolate(image, size=covering, mode="bilinear", antialias=True)
        top, left = (covering[0] - height) // 2, (covering[1] - width) // 2
        images.append(image[..., top : top + height, left : left + width])
    return to_unit(to_uint8(torch.cat(images)))


def clips(count: int, frames: int, height: int, width: int) -> Tensor:
    """A window that moves over photographs by two pixels a frame: ``float32 [count,frames,3,H,W]``."""
    import torch

    spare = 2 * (frames - 1)
    wide = photographs(count, height, width + spare)
    return torch.stack([wide[..., start : start + width] for start in range(0, spare + 1, 2)], dim=1)


def pick(codes: Codes, index: int) -> Codes:
    """The codes of one image of a batch."""
    part = slice(index, index + 1)
    return Codes(
        levels=tuple(level[part] for level in codes.levels),
        bits=tuple(plane[part] for plane in codes.bits),
        latents=None if codes.latents is None else codes.latents[part],
        payload=codes.payload[part],
        bits_per_image=None if codes.bits_per_image is None else codes.bits_per_image[part],
        image_size=codes.image_size,
    )


def agreement(first: Codes, second: Codes) -> float:
    """Share of equal code values in [0, 1]; latents count as equal within 1e-4 of their standard deviation."""
    import torch

    if first.form != second.form or first.grids != second.grids:
        return 0.0
    if first.payload:
        pairs = zip(first.payload, second.payload, strict=True)
        return sum(a == b for a, b in pairs) / len(first.payload)
    if first.latents is not None and second.latents is not None:
        tolerance = 1e-4 * max(float(first.latents.float().std(correction=0)), 1e-6)
        return float(((first.latents - second.latents).abs() <= tolerance).double().mean())
    equal = [a == b for a, b in zip(first.levels or first.bits, second.levels or second.bits, strict=True)]
    return float(torch.cat([part.flatten() for part in equal]).double().mean())


def identical(first: Codes, second: Codes) -> bool:
    """Whether two batches of codes are equal bit for bit."""
    import torch

    if first.form != second.form or first.grids != second.grids or first.payload != second.payload:
        return False
    return all(torch.equal(a, b) for a, b in zip(_tensors(first), _tensors(second), strict=True))


def _tensors(codes: Codes) -> tuple[Tensor, ...]:
    return (*codes.levels, *codes.bits, *(() if codes.latents is None else (codes.latents,)))
