"""What next-scale generators share that change an image: each of theirs is finished with the help of its source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vtbench.core.contracts import Condition
from vtbench.core.pixels import to_uint8

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.core.info import GeneratorInfo


class FromSources:
    """It stands before the base among a family's classes, which says how an image is finished: :meth:`_finished`.

    Codes alone do not make such an image, so none are offered.
    """

    info: GeneratorInfo
    batched = True
    _counted: Any
    _codes: Any
    images: Any

    @property
    def sample_codes(self) -> Any:
        """Raises ``AttributeError``."""
        raise AttributeError(
            f"{self.info.name} offers no codes: its images are finished with the help of their sources"
        )

    def sample(self, conditions: Sequence[Condition], seeds: Tensor) -> Tensor:
        """As :meth:`sample_each`, of sources of one shape: ``float32 [B,3,H,W]``."""
        import torch

        return torch.stack(self.sample_each(conditions, seeds, ())).float() / 255

    def sample_each(self, conditions: Sequence[Condition], seeds: Tensor, ids: Sequence[str]) -> list[Tensor]:
        """``B`` conditions and ``int64 [B]`` seeds to images ``uint8 [3,H,W]``.

        Raises:
            SampleError: a condition without a prompt, or with no or several sources.
        """
        import torch

        del ids
        with torch.inference_mode():
            images = to_uint8(self.images(self._codes(self._counted(conditions, seeds)), seeds)).cpu()
        return [self._finished(image, condition) for image, condition in zip(images, conditions, strict=True)]

    def _finished(self, image: Tensor, condition: Condition) -> Tensor:
        """``uint8 [3,S,S]`` as sampled to ``uint8 [3,H,W]``."""
        raise NotImplementedError
