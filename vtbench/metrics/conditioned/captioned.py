"""Images against what is said of them, by CLIP: the caption of what was wanted, and the way from one to the other.

A condition says in ``metadata`` what is wanted as ``target_prompt`` and what was there before as ``source_prompt``, as
the layouts of benchmarks do: its prompt may be an instruction, which describes neither. Without a ``target_prompt`` the
prompt is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from vtbench.core.contracts import Condition
from vtbench.features.clip.directions import ClipNetwork
from vtbench.metrics.catalog.of_conditions.editing import EDITING_INFOS
from vtbench.metrics.catalog.of_conditions.subjects import SUBJECT_INFOS
from vtbench.metrics.conditioned.editing.masks import edited, nan_where, stacked

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from typing_extensions import Self


class _OfClip:
    """What all of them share; see :class:`~vtbench.features.clip.directions.ClipNetwork`."""

    variant: ClassVar[str] = "ViT-B-32"

    def __init__(
        self,
        variant: str | None = None,
        weights: str | None = None,
        model: Any = None,
        side: int | None = None,
    ) -> None:
        self._clip = ClipNetwork(variant or self.variant, weights, model, side)

    def to(self, *, device: torch.device | str) -> Self:
        """Move the network; returns itself."""
        self._clip = self._clip.to(device=device)
        return self


class ClipT(_OfClip):
    """Cosine of CLIP's embeddings of image and caption, in [-1, 1]; ViT-B/32 unless ``variant`` says otherwise.

    NaN without a caption.
    """

    info = SUBJECT_INFOS["clip_t"]
    gain: ClassVar[float] = 1.0

    def __call__(self, images: Tensor, conditions: Sequence[Condition]) -> Tensor:
        """``uint8 [B,3,H,W]`` to ``float64 [B]``."""
        captions = [target_prompt(condition) for condition in conditions]
        said = self._clip.texts(captions)
        cosines = (self._clip.images(self._seen(images, conditions)) * said).sum(-1) * self.gain
        return nan_where(cosines, cosines.new_tensor([not caption for caption in captions]).bool())

    def _seen(self, images: Tensor, conditions: Sequence[Condition]) -> Tensor:
        del conditions
        return images


class ClipOut(ClipT):
    """The same as EMU-Edit calls it: against the caption of the output."""

    info = EDITING_INFOS["clip_out"]


class ClipScoreWhole(ClipT):
    """100 times that, 0 where it is negative, with ViT-L/14: PIE-Bench's CLIP similarity of the whole image."""

    info = EDITING_INFOS["clip_score_whole"]
    variant = "ViT-L-14"
    gain = 100.0

    def __call__(self, images: Tensor, conditions: Sequence[Condition]) -> Tensor:
        """``uint8 [B,3,H,W]`` to ``float64 [B]``."""
        return super().__call__(images, conditions).clamp_min(0.0)


class ClipScoreEdited(ClipScoreWhole):
    """The same of the image with everything outside the mask black. NaN where the mask is empty."""

    info = EDITING_INFOS["clip_score_edited"]
    roles: ClassVar[tuple[str, ...]] = ("mask",)

    def __call__(self, images: Tensor, conditions: Sequence[Condition]) -> Tensor:
        """``uint8 [B,3,H,W]`` to ``float64 [B]``."""
        values = super().__call__(images, conditions)
        return nan_where(values, ~edited(conditions, values.device).flatten(1).any(1))

    def _seen(self, images: Tensor, conditions: Sequence[Condition]) -> Tensor:
        return images * edited(conditions, images.device)


class ClipDirection(_OfClip):
    """Cosine of the way between images and the way between captions (Gal et al. 2022), in [-1, 1].

    cos(E(image) - E(source), T(target) - T(source)), all of length 1 before they are subtracted; ViT-B/32 unless
    ``variant`` says otherwise. NaN where a caption is missing, or where either way has no length: captions that are
    equal, as some of EMU-Edit's are, and images that are.
    """

    info = EDITING_INFOS["clip_direction"]
    roles: ClassVar[tuple[str, ...]] = ("source",)

    def __call__(self, images: Tensor, conditions: Sequence[Condition]) -> Tensor:
        """``uint8 [B,3,H,W]`` to ``float64 [B]``."""
        import torch.nn.functional as F

        before = [str(condition.metadata.get("source_prompt") or "") for condition in conditions]
        after = [target_prompt(condition) for condition in conditions]
        sources = stacked(conditions, "source", images.device)
        seen = self._clip.images(images) - self._clip.images(sources)
        said = self._clip.texts(after) - self._clip.texts(before)
        cosines = F.cosine_similarity(seen, said, dim=-1)
        lacking = cosines.new_tensor([not (one and other) for one, other in zip(before, after, strict=True)]).bool()
        nowhere = (seen.abs().amax(-1) == 0) | (said.abs().amax(-1) == 0)
        return nan_where(cosines, lacking | nowhere)


def target_prompt(condition: Condition) -> str:
    """The caption of what is wanted; empty where nobody says it."""
    return str(condition.metadata.get("target_prompt") or condition.prompt or "")
