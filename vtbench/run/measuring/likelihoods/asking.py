"""What a generator is asked of each image: its pixels, and the condition that the task takes from its truth."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from vtbench.core.codes import Codes
from vtbench.core.contracts import Condition, Prepared, SampleFailure
from vtbench.core.info import GeneratorInfo


@dataclass(frozen=True, eq=False)
class Asked:
    """An image, ``sample.model_input``, and what it is conditioned on."""

    sample: Prepared
    condition: Condition


@dataclass(frozen=True, eq=False)
class Answer:
    """What a generator said of one batch.

    Attributes:
        values: by column, or why there are none; one an image.
        codes: of the images, where they were encoded.
        resized: how the images were brought to the generator's size; ``None`` if they were not.
    """

    asked: Sequence[Asked]
    values: Sequence[Mapping[str, float] | SampleFailure]
    codes: Codes | None = None
    encode_s: float = 0.0
    likelihood_s: float = 0.0
    resized: str | None = None


def ask(sample: Prepared, given: Literal["label", "text", "nothing"], info: GeneratorInfo) -> Asked | SampleFailure:
    """The image with its label, text or nothing; a failure of stage ``preprocess`` where that is missing or no class.

    Args:
        sample: with a target ``{"label": …, "text": …}``.
        given: what the task takes of the target.
        info: of the generator.
    """
    if given == "nothing":
        return Asked(sample, Condition())
    target: Mapping[str, Any] = sample.target if isinstance(sample.target, Mapping) else {}
    value = target.get(given)
    if given == "text":
        if not isinstance(value, str) or not value.strip():
            return _failed(sample, "has no text")
        return Asked(sample, Condition(prompt=value))
    if value is None:
        return _failed(sample, "has no class label")
    try:
        label = operator.index(value)
    except TypeError:
        return _failed(sample, f"has the label {value!r}, which is no whole number")
    if label < 0 or (info.classes and label >= info.classes):
        known = f"{info.name} knows 0 to {info.classes - 1}" if info.classes else "labels begin at 0"
        return _failed(sample, f"is of class {label}, and {known}")
    return Asked(sample, Condition(label=label))


def _failed(sample: Prepared, why: str) -> SampleFailure:
    return SampleFailure(sample.id, "preprocess", f"the image {why}", of_model=False)
