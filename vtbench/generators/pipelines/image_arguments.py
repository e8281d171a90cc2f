"""Images of conditions as arguments of a pipeline's call: which keyword takes which role, and how they are given."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vtbench.core.contracts import Condition
from vtbench.core.errors import UsageError
from vtbench.core.info import role_problem

if TYPE_CHECKING:
    from torch import Tensor

_KEYWORDS = {"source": "image", "mask": "mask_image", "control": "control_image"}
_ALWAYS_NEEDED = ("mask_image", "control_image", "strength")
"""Parameters that only calls have which start from an image; ``strength`` says how far from it."""


@dataclass(frozen=True)
class ImageArguments:
    """What a pipeline's call is given of a condition's images.

    Attributes:
        keywords: parameter of the call, by role.
        needed: whether every condition must have all of them.
    """

    keywords: Mapping[str, str]
    needed: bool

    @property
    def roles(self) -> tuple[str, ...]:
        """In order."""
        return tuple(self.keywords)

    def of(self, condition: Condition) -> dict[str, Any]:
        """Arguments of the call for one image: a Pillow image each, or a list where a role has several.

        Of masks the luminance, so that no pipeline need guess.

        Raises:
            SampleError: one cannot be read.
        """
        given: dict[str, Any] = {}
        for role in condition.images:
            shown = [_pillow(image, "L" if role == "mask" else "RGB") for image in condition.images[role]]
            given[self.keywords[role]] = shown[0] if len(shown) == 1 else shown
        return given


def image_arguments(
    kind: type, parameters: Mapping[str, inspect.Parameter], wanted: Mapping[str, str] | None
) -> ImageArguments:
    """The images that a pipeline of this class takes.

    Args:
        kind: the pipeline's class.
        parameters: of its call.
        wanted: parameter by role, as the user has it; then every one is needed.

    Raises:
        UsageError: a role that is no name, or no such parameter.
    """
    if wanted is not None:
        for role, keyword in wanted.items():
            problem = role_problem(role)
            if problem or keyword not in parameters:
                known = ", ".join(name for name in parameters if "image" in name) or "no image"
                raise UsageError(problem or f"{kind.__name__} takes no {keyword!r}", f"it takes: {known}")
        return ImageArguments(dict(wanted), needed=True)
    found = {role: keyword for role, keyword in _KEYWORDS.items() if keyword in parameters}
    return ImageArguments(found, needed=any(name in parameters for name in _ALWAYS_NEEDED) or _starts_from_one(kind))


def _starts_from_one(kind: type) -> bool:
    """Whether diffusers lists it among those that edit, and not among those that a prompt is enough for."""
    from diffusers.pipelines import auto_pipeline

    edit = {*auto_pipeline.AUTO_IMAGE2IMAGE_PIPELINES_MAPPING.values()}
    edit |= {*auto_pipeline.AUTO_INPAINT_PIPELINES_MAPPING.values()}
    return kind in edit - {*auto_pipeline.AUTO_TEXT2IMAGE_PIPELINES_MAPPING.values()}


def _pillow(image: Tensor, mode: str) -> Any:
    from PIL import Image

    return Image.fromarray(image.permute(1, 2, 0).contiguous().numpy()).convert(mode)
