"""What is known of single pipeline classes, and cannot be read off their call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vtbench.core.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Known:
    """Of one class.

    Attributes:
        classic_guidance: it guides by ``u + s (c - u)`` where s > 1; others may read the scale as an input of the
            network.
        alone: a batch draws from one seed, whatever generators it is given; it is called for each image.
        size_multiple: of pixels, of a class that has no size of its own; 0 for one that has.
        writer: the component that draws tokens by the library's own generation.
    """

    classic_guidance: bool = False
    alone: bool = False
    size_multiple: int = 0
    writer: str = ""

    def check_size(self, arguments: Mapping[str, Any], class_name: str) -> None:
        """Raises ``UsageError`` where a size must be given, and none or another is."""
        sides = [arguments.get(name) for name in ("height", "width")]
        if self.size_multiple and any(not isinstance(side, int) or side % self.size_multiple for side in sides):
            told = "no size" if sides == [None, None] else f"height {sides[0]} and width {sides[1]}"
            multiple = self.size_multiple
            raise UsageError(
                f"{class_name} takes whole multiples of {multiple} pixels, and was given {told}",
                f"size={multiple * 32}",
            )

    def written(self, components: Mapping[str, Any]) -> dict[str, Any]:
        """What the writer draws by, for the record: what its checkpoint says, else the library's default."""
        if not self.writer:
            return {}
        config = components[self.writer].generation_config
        defaults: dict[str, Any] = getattr(
            config, "_get_default_generation_params", dict
        )()  # older releases hold them as values
        names = ("temperature", "top_k", "top_p", "min_p", "typical_p", "repetition_penalty", "num_beams")
        found = {
            name: value if (value := getattr(config, name, None)) is not None else defaults.get(name) for name in names
        }
        told = {name: value for name, value in found.items() if value is not None}
        return {f"{self.writer}_generation": {"do_sample": True, **told}}


_CLASSES = {
    **dict.fromkeys(
        ("AmusedPipeline", "DiTPipeline", "StableDiffusionPipeline", "StableDiffusionXLPipeline"),
        Known(classic_guidance=True),
    ),
    # tokens of an autoregressive model first, all of a batch after the seed of the first image; its call says do_sample
    "GlmImagePipeline": Known(classic_guidance=True, alone=True, size_multiple=32, writer="vision_language_encoder"),
}


def known_of(class_name: str) -> Known:
    """What is known of a pipeline."""
    return _CLASSES.get(class_name, Known())
