"""A tokenizer in a generator's place: the image of a condition, encoded and decoded, and nothing else.

It is the row to hold editors, restorers and controlled generators against: what the tokenizer alone costs, or how well
an image that is known to be right does under the metrics of a task.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from vtbench.core.contracts import Condition
from vtbench.core.errors import SampleError, UsageError
from vtbench.core.info import ConditionKind, GeneratorInfo, role_problem
from vtbench.generators.elsewhere.one_by_one import OneByOne
from vtbench.tokenizers.resolve import resolve_tokenizer

if TYPE_CHECKING:
    from torch import Tensor
    from typing_extensions import Self


class Reencoded(OneByOne):
    """The image of one role through a tokenizer or reconstructor, one at a time.

    An image of another size than a tokenizer of a fixed size takes fails by itself.

    Args:
        by: the tokenizer, as after ``--tokenizer``: ``by='jpeg,quality=5'``.
        role: of the image that is taken.
        conditions: what the task gives beside images, which is not looked at.
        name: what tables call it; the tokenizer's unless given.

    Raises:
        UsageError: no such tokenizer.
    """

    def __init__(
        self, by: str, role: str = "source", conditions: ConditionKind = "none", name: str | None = None
    ) -> None:
        if problem := role_problem(role):
            raise UsageError(problem)
        self._model: Any = resolve_tokenizer(by)
        self._role = role
        self._device = torch.device("cpu")
        self._dtype = torch.float32
        info = self._model.info
        self.info = GeneratorInfo(
            name=name or f"re-encoded by {info.name}",
            conditions=conditions,
            family=f"{role} through a tokenizer",
            revision=info.revision,
            tokenizer=info.name,
            weights=info.weights,
            licence=info.licence,
            citation=info.citation,
            images=(role,),
        )

    def to(self, *, device: torch.device | str, dtype: torch.dtype = torch.float32) -> Self:
        """Move the tokenizer, where it can be moved; returns itself."""
        if hasattr(self._model, "to"):
            self._model = self._model.to(device=device, dtype=dtype) or self._model
            self._device, self._dtype = torch.device(device), dtype
        return self

    def _one(self, condition: Condition, seed: int) -> Tensor:
        image = condition.image(self._role)[None].to(self._device).to(self._dtype) / 255
        info = self._model.info
        if info.fixed_size and image.shape[-2:] != (info.native_size, info.native_size):
            height, width = image.shape[-2:]
            raise SampleError(
                f"{info.name} runs at {info.native_size} px only, and the {self._role} is {width}×{height}"
            )
        if hasattr(self._model, "reconstruct"):
            made: Tensor = self._model.reconstruct(image)
        else:
            drawn = {"seeds": torch.tensor([seed])} if self._model.info.stochastic else {}
            made = self._model.decode(self._model.encode(image, **drawn), **drawn)
        return made[0].float()
