"""Images of conditions that are computed when they are asked for: masks from runs, degradations, edits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vtbench.core.digests import digest_json
from vtbench.core.errors import SampleError, UnreadableConditionError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class MadeImage:
    """An image that follows from data; see :class:`~vtbench.core.condition_images.ConditionImage`.

    Attributes:
        digest: of all that it follows from; see :func:`made_digest`.
        make: gives ``uint8 [3,H,W]``, the same each time.
    """

    digest: str
    make: Callable[[], Tensor]

    def pixels(self) -> Tensor:
        """``uint8 [3,H,W]``.

        Raises:
            UnreadableConditionError: what it is made of cannot be read.
        """
        try:
            return self.make()
        except UnreadableConditionError:
            raise
        except SampleError as error:
            raise UnreadableConditionError(error.what) from error


def made_digest(rule: str, *parts: Any) -> str:
    """64 hex digits of the name and version of a rule, and of what it is applied to (plain data)."""
    return digest_json(["made", rule, *parts])
