"""``video-mini``: clips drawn over photographs that come inside scikit-image and scikit-learn. No network."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from vtbench.core.contracts import Sample
from vtbench.core.errors import UsageError
from vtbench.data.embedded.drawing.draws import Draws
from vtbench.data.embedded.drawing.moving_pictures import (
    FRAMES,
    SIDE,
    Field,
    Picture,
    Shape,
    Window,
    at_rest,
    between,
    mixed,
    seen,
    with_shape,
)
from vtbench.data.embedded.photographs.photos_mini import load_photograph
from vtbench.data.fingerprint import Fingerprinted

SEED = 0
_MOTIONS = {"static": 2, "pan": 6, "zoom": 5, "shapes": 7, "cut": 2, "fade": 2}
"""How many clips of each motion."""
_PHOTOGRAPHS = (("chelsea", 1), ("coffee", 1), ("china", 1), ("rocket", 1), ("astronaut", 1), ("hubble_deep_field", 2))
"""Photograph, and by how much it is reduced."""
_COLOURS = ((230, 40, 30), (30, 90, 220), (250, 210, 40), (20, 20, 20), (245, 245, 245), (40, 170, 90))
_FARTHEST = 45
"""Pixels that a pan goes at most, along each side: three a frame."""


class _Clip(NamedTuple):
    id: str
    motion: str


class VideoMini(Fingerprinted):
    """24 clips of 16 frames of 128×128 whose motion is known: the same bits on every machine.

    ``target = {"motion"}``, one of ``static`` (every frame is the first: whatever flickers is the tokenizer), ``pan``,
    ``zoom``, ``shapes`` (discs and squares, plain or striped, before a still or panned photograph), ``cut`` (to another
    photograph after the eighth frame) and ``fade`` (from one photograph to another).

    Args:
        count: that many of them, evenly spaced over the list; all by default.

    Raises:
        UsageError: no clips, or more than there are.
        AssetMissingError: a photograph is not in the installed package, or is not the one expected.
    """

    frames = FRAMES

    def __init__(self, count: int | None = None) -> None:
        clips = [_Clip(f"{motion}/{place}", motion) for motion, n in _MOTIONS.items() for place in range(n)]
        count = len(clips) if count is None else count
        if not 1 <= count <= len(clips):
            raise UsageError(f"video-mini has {len(clips)} clips, not {count}", "leave count out for all")
        self._clips = [clips[index * len(clips) // count] for index in range(count)]
        self.ids = tuple(clip.id for clip in self._clips)
        self._photographs = {name: _opened(name, factor) for name, factor in _PHOTOGRAPHS}

    def __getitem__(self, index: int) -> Sample:
        import torch

        clip = torch.from_numpy(self._drawn(index))
        return Sample(self.ids[index], clip.permute(0, 3, 1, 2).contiguous(), self.target(index))

    def target(self, index: int) -> dict[str, Any]:
        """What moves."""
        return {"motion": self._clips[index].motion}

    def content_digest(self, index: int) -> str:
        """SHA-256 of the pixels, ``[T,H,W,3]``."""
        return hashlib.sha256(self._drawn(index).tobytes()).hexdigest()

    def _drawn(self, index: int) -> Picture:
        clip = self._clips[index]
        draws = Draws(SEED, clip.id)
        frame = _RULES[clip.motion](self._photographs, draws)
        return np.stack([at_rest(frame(number)) for number in range(FRAMES)])


_Frame = Callable[[int], Field]
_Photographs = dict[str, Picture]


def _opened(name: str, factor: int) -> Picture:
    pixels: Picture = load_photograph(name, factor).permute(1, 2, 0).numpy()
    return pixels


def _static(photographs: _Photographs, draws: Draws) -> _Frame:
    photograph = _picked(photographs, draws)
    still = seen(photograph, _anywhere(photograph, draws))
    return lambda _: still


def _pan(photographs: _Photographs, draws: Draws) -> _Frame:
    photograph = _picked(photographs, draws)
    return _panned(photograph, draws)


def _panned(photograph: Picture, draws: Draws) -> _Frame:
    """From anywhere towards anywhere, fractions of a pixel a frame among the speeds."""
    first, towards = _anywhere(photograph, draws), _anywhere(photograph, draws)
    last_x, last_y = (
        start + max(-_FARTHEST, min(_FARTHEST, end - start)) for start, end in zip(first[:2], towards[:2], strict=True)
    )
    return lambda frame: seen(photograph, Window(between(first.x, last_x, frame), between(first.y, last_y, frame)))


def _zoom(photographs: _Photographs, draws: Draws) -> _Frame:
    """Into a window or out of it, to between half and three quarters of its side; about its middle."""
    photograph = _picked(photographs, draws)
    window, least = _anywhere(photograph, draws), 0.5 + draws.below(6) / 20
    steps = draws.pick(((1.0, least), (least, 1.0)))

    def frame(number: int) -> Field:
        step = between(*steps, number)
        inset = (1.0 - step) * (SIDE - 1) / 2
        return seen(photograph, Window(window.x + inset, window.y + inset, step))

    return frame


def _shapes(photographs: _Photographs, draws: Draws) -> _Frame:
    ground = draws.pick((_static, _pan))(photographs, draws)
    shapes = [_shape(draws) for _ in range(1 + draws.below(3))]

    def frame(number: int) -> Field:
        picture = ground(number)
        for shape in shapes:
            picture = with_shape(picture, shape, number)
        return picture

    return frame


def _shape(draws: Draws) -> Shape:
    return Shape(
        round=draws.pick((True, False)),
        half=float(8 + draws.below(17)),
        colour=draws.pick(_COLOURS),
        stripe=draws.pick((0, 0, 4, 6)),
        first=(float(draws.below(SIDE)), float(draws.below(SIDE))),
        last=(float(draws.below(SIDE)), float(draws.below(SIDE))),
    )


def _cut(photographs: _Photographs, draws: Draws) -> _Frame:
    before, after = _two(photographs, draws)
    return lambda frame: (before if frame < FRAMES // 2 else after)(frame)


def _fade(photographs: _Photographs, draws: Draws) -> _Frame:
    before, after = _two(photographs, draws)
    return lambda frame: mixed(before(frame), after(frame), frame / (FRAMES - 1))


def _two(photographs: _Photographs, draws: Draws) -> tuple[_Frame, _Frame]:
    """Pans over two photographs."""
    first, second, *_ = draws.shuffled(tuple(photographs))
    return _panned(photographs[first], draws), _panned(photographs[second], draws)


def _picked(photographs: _Photographs, draws: Draws) -> Picture:
    return photographs[draws.pick(tuple(photographs))]


def _anywhere(photograph: Picture, draws: Draws) -> Window:
    height, width = photograph.shape[:2]
    return Window(float(draws.below(width - SIDE + 1)), float(draws.below(height - SIDE + 1)))


_RULES: dict[str, Callable[[_Photographs, Draws], _Frame]] = {
    "static": _static,
    "pan": _pan,
    "zoom": _zoom,
    "shapes": _shapes,
    "cut": _cut,
    "fade": _fade,
}
