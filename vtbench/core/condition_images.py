"""Images that a condition holds: by what they are for, told apart by digests, and read when they are needed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from vtbench.core.digests import digest_arrays
from vtbench.core.errors import UsageError
from vtbench.core.info import role_problem

if TYPE_CHECKING:
    from torch import Tensor


@runtime_checkable
class ConditionImage(Protocol):
    """An image that is read when it is asked for."""

    @property
    def digest(self) -> str:
        """64 hex digits that tell its content from any other; of one that cannot be read, some other text."""

    def pixels(self) -> Tensor:
        """``uint8 [3,H,W]`` RGB, the caller's own.

        Raises:
            SampleError: it cannot be read, or is not what was digested.
        """


Given: TypeAlias = "Tensor | ConditionImage"


class HeldImage:
    """An image in memory.

    Args:
        image: ``uint8 [3,H,W]`` RGB.
        digest: of what it was decoded from; of the pixels unless given.

    Raises:
        UsageError: another dtype or shape.
    """

    def __init__(self, image: Tensor, digest: str | None = None) -> None:
        shape, dtype = tuple(getattr(image, "shape", ())), str(getattr(image, "dtype", type(image).__name__))
        if dtype != "torch.uint8" or len(shape) != 3 or shape[0] != 3 or 0 in shape:
            raise UsageError(
                f"an image of a condition is {dtype.removeprefix('torch.')} {list(shape)}", "give uint8 [3,H,W]"
            )
        self._image = image.detach().cpu()
        self._digest = digest

    @cached_property
    def digest(self) -> str:
        """As of :class:`ConditionImage`."""
        return self._digest or digest_arrays({"image": self._image.numpy()})

    def pixels(self) -> Tensor:
        """``uint8 [3,H,W]``: a copy, which may be written to."""
        return self._image.clone()


class ConditionImages(Mapping[str, "tuple[Tensor, ...]"]):
    """A frozen mapping from a role to its images: ``images["source"][0]`` is ``uint8 [3,H,W]``, read anew each time.

    Equal, and hashed alike, where the same roles have images of the same digests, in the same order.

    Args:
        images: an image a role, or several in a row; tensors, or whatever is a :class:`ConditionImage`.

    Raises:
        UsageError: a role that is no name, no image under a role, or something that is no image.
    """

    def __init__(self, images: Mapping[str, Given | Sequence[Given]] | None = None) -> None:
        given = images or {}
        self._by_role = {role: _held(role, given[role]) for role in sorted(given)}

    def __getitem__(self, role: str) -> tuple[Tensor, ...]:
        return tuple(image.pixels() for image in self._by_role[role])

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_role)

    def __len__(self) -> int:
        return len(self._by_role)

    def __contains__(self, role: object) -> bool:
        return role in self._by_role

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ConditionImages) and self.digests == other.digests

    def __hash__(self) -> int:
        return hash(tuple(self.digests.items()))

    def __repr__(self) -> str:
        return f"ConditionImages({', '.join(f'{role}={len(held)}' for role, held in self._by_role.items())})"

    @property
    def digests(self) -> dict[str, tuple[str, ...]]:
        """Of every image, by role, roles in order."""
        return {role: tuple(image.digest for image in held) for role, held in self._by_role.items()}

    @property
    def held(self) -> dict[str, tuple[ConditionImage, ...]]:
        """Its images by role, none of them read."""
        return dict(self._by_role)

    def of_roles(self, roles: Collection[str]) -> ConditionImages:
        """Those of some roles, none of them read; this one where that is all."""
        kept = {role: list(held) for role, held in self._by_role.items() if role in roles}
        return self if len(kept) == len(self) else ConditionImages(kept)

    def opened(self) -> ConditionImages:
        """All of them read, and held in memory: equal to this one, or this one where they are.

        Raises:
            SampleError: one cannot be read.
        """
        if all(isinstance(image, HeldImage) for held in self._by_role.values() for image in held):
            return self
        return ConditionImages({role: [_opened(image) for image in held] for role, held in self._by_role.items()})


NO_IMAGES = ConditionImages()


def _held(role: str, given: Any) -> tuple[ConditionImage, ...]:
    if problem := role_problem(role):
        raise UsageError(problem)
    several = given if isinstance(given, list | tuple) else [given]
    if not several:
        raise UsageError(f"no image is given as {role}")
    return tuple(one if isinstance(one, ConditionImage) else HeldImage(one) for one in several)


def _opened(image: ConditionImage) -> ConditionImage:
    return image if isinstance(image, HeldImage) else HeldImage(image.pixels(), image.digest)
