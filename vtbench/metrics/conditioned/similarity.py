"""How like an image is to images of its condition, by a network's features: cosines, the mean over all of a role's.

``clip_i`` and ``dino_i`` of editing (MagicBrush: against the truth; EMU-Edit: against the source) and of subjects
(DreamBench: against every photograph of the subject) are one rule, and the role says which. Lines are averaged by
subject where conditions name one (``subject`` in ``metadata``), then subjects.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from vtbench.core.contracts import Condition
from vtbench.core.info import MetricInfo
from vtbench.core.threads.lanes import of_each
from vtbench.features.clip.directions import ClipNetwork
from vtbench.metrics.catalog.of_conditions.subjects import SUBJECT_INFOS, subject_column
from vtbench.metrics.conditioned.by_subject import Column, fold_by_subject, subject_numbers

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import Tensor
    from typing_extensions import Self

_REMEMBERED = 512
"""Images of conditions whose features are kept: those of a subject are asked for with every sample of it."""


class _Similarity:
    """Cosines in [-1, 1] to the images of one role; a subclass says how images become directions.

    Args:
        role: of the images that are compared with; all of a condition's count alike.
    """

    info: ClassVar[MetricInfo]

    def __init__(self, role: str = "truth") -> None:
        self.roles, self._role = (role,), role
        self._known: OrderedDict[str, Tensor] = OrderedDict()

    def to(self, *, device: torch.device | str) -> Self:
        """Move the network; returns itself."""
        raise NotImplementedError

    def _directions(self, images: Tensor) -> Tensor:
        """``uint8 [B,3,H,W]`` to ``float64 [B,D]`` of length 1."""
        raise NotImplementedError

    def __call__(self, images: Tensor, conditions: Sequence[Condition]) -> dict[str, Tensor]:
        """``uint8 [B,3,H,W]`` to ``float64 [B]`` by column: similarities, and numbers that tell subjects apart."""
        import torch

        made = self._directions(images)
        values = [
            (self._of_condition(condition, images.device) @ one).mean()
            for one, condition in zip(made, conditions, strict=True)
        ]
        name = self.info.name
        return {name: torch.stack(values), subject_column(name): made.new_tensor(subject_numbers(conditions))}

    @staticmethod
    def fold(columns: Mapping[str, Column], lines: NDArray[np.int64]) -> Column:
        """A value a subject; a value a line where no subjects are named."""
        return fold_by_subject(columns, lines)

    def _of_condition(self, condition: Condition, device: torch.device) -> Tensor:
        """``float64 [n,D]``: its images of the role, each seen once however many samples are compared with it."""
        import torch

        found = []
        for digest, image in zip(condition.image_digests[self._role], condition.images[self._role], strict=True):
            if digest not in self._known:
                self._known[digest] = self._directions(image[None].to(device))[0]
            self._known.move_to_end(digest)
            found.append(self._known[digest])
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return torch.stack(found)


class ClipI(_Similarity):
    """CLIP's image embeddings; ViT-B/32, as MagicBrush and DreamBench take it, unless ``variant`` says otherwise.

    Args:
        role: ``truth``, ``source`` or ``subject``.
        variant: see :class:`~vtbench.features.clip.directions.ClipNetwork`, as the others.
        weights: local file.
        model: open_clip's model itself.
        side: of the model's input.
    """

    info = SUBJECT_INFOS["clip_i"]

    def __init__(
        self,
        role: str = "truth",
        variant: str = "ViT-B-32",
        weights: str | None = None,
        model: Any = None,
        side: int | None = None,
    ) -> None:
        super().__init__(role)
        self._clip = ClipNetwork(variant, weights, model, side)

    def to(self, *, device: torch.device | str) -> Self:
        """Move the network; returns itself."""
        self._clip = self._clip.to(device=device)
        return self

    def _directions(self, images: Tensor) -> Tensor:
        return self._clip.images(images)


class DinoI(_Similarity):
    """Class tokens of DINO ViT-S/16, prepared as its authors do: short side 256, centred 224, ImageNet's statistics.

    Args:
        role: ``truth``, ``source`` or ``subject``.
        weights: local file; see :func:`vtbench.features.dino.load_dino`.
        model: timm's network itself, instead of weights.

    Raises:
        AssetMissingError: the weights cannot be had.
    """

    info = SUBJECT_INFOS["dino_i"]
    side: ClassVar[int] = 224
    """That learnt positions are brought to."""

    def __init__(self, role: str = "truth", weights: str | None = None, model: Any = None) -> None:
        from vtbench.features.dino import load_dino

        super().__init__(role)
        self._model = load_dino("vits16", weights, self.side)[0] if model is None else model

    def to(self, *, device: torch.device | str) -> Self:
        """Move the network; returns itself."""
        self._model = self._model.to(device)
        return self

    def _directions(self, images: Tensor) -> Tensor:
        return of_each(self._of_images, images)

    def _of_images(self, images: Tensor) -> Tensor:
        import torch.nn.functional as F

        return F.normalize(self._tokens(images).double(), dim=-1)

    def _tokens(self, images: Tensor) -> Tensor:
        from vtbench.features.dino import class_tokens

        return class_tokens(self._model, images)


class PriorPreservation(DinoI):
    """The same of images of the plain class to photographs of the subject: what it has of the subject is drift.

    A generator that was taught a subject is asked for its class alone; the lower, the better the prior is kept.
    """

    info = SUBJECT_INFOS["prior_preservation"]

    def __init__(self, role: str = "subject", weights: str | None = None, model: Any = None) -> None:
        super().__init__(role, weights, model)


class CompatArboothDinoI(DinoI):
    """Quirk: images squashed to 256×256 on 8 bits enter in [-1, 1], uncropped and without ImageNet's statistics.

    As jiwoogit/ARBooth@febf8f4 computes its DINO-I; positions are interpolated to 16×16 as DINO's own code does it.
    """

    info = SUBJECT_INFOS["compat_arbooth_dino_i"]
    side = 256

    def __init__(self, role: str = "subject", weights: str | None = None, model: Any = None) -> None:
        super().__init__(role, weights, model)

    def _tokens(self, images: Tensor) -> Tensor:
        from vtbench.features.dino import class_tokens_of_squashed

        return class_tokens_of_squashed(self._model, images, self.side)


class ImageSimilarityEfflite0(_Similarity):
    """Pooled features of EfficientNet-Lite0, whose weights come with the package index: the offline twin of the others.

    Its own scale: a cosine here is none of DINO's or CLIP's.

    Args:
        role: ``subject``, ``truth`` or ``source``.
        extractor: instead of the built-in one.
    """

    info = SUBJECT_INFOS["image_similarity_efflite0"]
    required_assets: ClassVar[tuple[str, ...]] = ("efflite0",)

    def __init__(self, role: str = "subject", extractor: Any = None) -> None:
        super().__init__(role)
        self._extractor = extractor

    def to(self, *, device: torch.device | str) -> Self:
        """Move the network; returns itself."""
        import torch

        self._extractor = self._made().to(device=torch.device(device))
        return self

    def _made(self) -> Any:
        from vtbench.features.efflite0 import EfficientNetLite0

        self._extractor = self._extractor or EfficientNetLite0()
        return self._extractor

    def _directions(self, images: Tensor) -> Tensor:
        import torch.nn.functional as F

        return F.normalize(self._made()(images)["pool"].double(), dim=-1)
