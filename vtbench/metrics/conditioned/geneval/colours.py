"""The colour of an object as GenEval tells it: which of ten words CLIP finds nearest to what is in its box."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from vtbench.metrics.conditioned.geneval.boxes import Found
from vtbench.metrics.conditioned.geneval.wanted import COLOURS

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from typing_extensions import Self

VARIANT = "ViT-L-14"
_TEMPLATES = ("a photo of a {colour} {name}", "a photo of a {colour}-colored {name}", "a photo of a {colour} object")
_AROUND = 0x99
"""Grey, ``#999``, in place of what lies outside an object's mask."""


class ColourClassifier(Protocol):
    """Objects of one image and class to the colour of each, one of :data:`COLOURS`."""

    def __call__(self, image: Tensor, objects: Sequence[Found], name: str) -> list[str]:
        """``uint8 [3,H,W]``."""


class ClipColours:
    """CLIP ViT-L/14 of OpenAI, zero-shot over ten colours and three templates, whose unit vectors are averaged.

    What lies outside an object's mask becomes grey, the rest is cropped to its box (rounded to pixels) and prepared as
    CLIP is fed: short side to 224, bicubic, centred square. In float32, where GenEval's own runs under autocast.

    Args:
        weights: local file as open_clip saves it; the hub's unless given.
        model: open_clip's model itself, instead of weights.
        side: of the model's input; 224 unless given.

    Raises:
        AssetMissingError: the weights cannot be had.
    """

    def __init__(self, weights: str | None = None, model: Any = None, side: int | None = None) -> None:
        import open_clip

        from vtbench.features.clip.model import load_clip, variant

        known = variant(VARIANT)
        self._model = load_clip(VARIANT, weights)[0] if model is None else model
        self._side = side or known.side
        self._tokenize = open_clip.get_tokenizer(known.architecture, context_length=self._model.context_length)
        self._words: dict[str, Tensor] = {}

    def to(self, *, device: torch.device | str) -> Self:
        """Move the network; returns itself."""
        self._model = self._model.to(device)
        self._words = {}
        return self

    def __call__(self, image: Tensor, objects: Sequence[Found], name: str) -> list[str]:
        """Of an image ``uint8 [3,H,W]``."""
        import torch

        from vtbench.core.threads.lanes import in_lanes

        with torch.inference_mode():
            words = self._of_words(name)
            crops = [self._prepared(image.cpu(), one) for one in objects]
            if words.device.type == "cpu":
                found = in_lanes(lambda place: self._nearest(crops[place], words), range(len(crops)))
            else:
                found = [self._nearest(crop.to(words.device), words) for crop in crops]
        return [COLOURS[place] for place in found]

    def _of_words(self, name: str) -> Tensor:
        """Of the ten colours of one class, ``[10,D]``, of unit length."""
        import torch
        import torch.nn.functional as F

        if name not in self._words:
            device = next(self._model.parameters()).device
            rows = []
            for colour in COLOURS:
                texts = [one.format(colour=colour, name=name) for one in _TEMPLATES]
                said = F.normalize(self._model.encode_text(self._tokenize(texts).to(device)), dim=-1)
                rows.append(F.normalize(said.mean(dim=0), dim=0))
            self._words[name] = torch.stack(rows)
        return self._words[name]

    def _prepared(self, image: Tensor, one: Found) -> Tensor:
        from vtbench.features.clip.model import standardised
        from vtbench.features.resizing import short_side_bicubic_8bit

        return standardised(short_side_bicubic_8bit(cut_out(image, one)[None], self._side))

    def _nearest(self, crop: Tensor, words: Tensor) -> int:
        import torch.nn.functional as F

        seen = F.normalize(self._model.encode_image(crop), dim=-1)
        return int((seen @ words.T).argmax())


def cut_out(image: Tensor, one: Found) -> Tensor:
    """``uint8 [3,H,W]`` to what is in an object's box, grey outside its mask; black where a box leaves the image."""
    import torch
    import torch.nn.functional as F

    if one.mask is not None:
        inside = torch.from_numpy(one.mask)
        image = torch.where(inside, image, torch.full_like(image, _AROUND))
    left, top, right, bottom = (round(float(value)) for value in one.box[:4])
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    height, width = image.shape[-2:]
    beyond = [max(-left, 0), max(right - width, 0), max(-top, 0), max(bottom - height, 0)]
    padded = F.pad(image, beyond)
    left, top = left + beyond[0], top + beyond[2]
    return padded[:, top : bottom + beyond[2], left : right + beyond[0]]
