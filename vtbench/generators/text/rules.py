"""How a family turns a prompt into tokens of text: cleaning, length, precision. Frozen, and recorded whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, get_args

from vtbench.core.errors import UsageError

TextPrecision = Literal["float32", "bfloat16", "float16"]


class Cleaning(Protocol):
    """What becomes of a prompt before it is cut into tokens."""

    in_words: ClassVar[str]

    def __call__(self, prompt: str) -> str:
        """The text that is encoded."""


@dataclass(frozen=True)
class AsWritten:
    """The prompt as it is."""

    in_words: ClassVar[str] = "none"

    def __call__(self, prompt: str) -> str:
        """See :class:`Cleaning`."""
        return prompt


@dataclass(frozen=True, kw_only=True)
class TextRule:
    """How text is encoded.

    Attributes:
        length: tokens of text; what is beyond is cut off, what is missing filled up on the right.
        cleaning: of the prompt.
        precision: of the encoder's weights, whatever the generator's are.
        added_token: a word that is one token of its own; none where empty.

    Raises:
        UsageError: another precision.
    """

    length: int
    cleaning: Cleaning = field(default_factory=AsWritten)
    precision: TextPrecision = "float32"
    added_token: str = ""

    def __post_init__(self) -> None:
        if self.precision not in get_args(TextPrecision):
            known = " or ".join(get_args(TextPrecision))
            raise UsageError(f"the text encoder's precision {self.precision!r}: must be {known}")

    def as_recorded(self) -> dict[str, Any]:
        """In words."""
        return {
            "text_cleaning": self.cleaning.in_words,
            "text_length": f"{self.length} tokens, end of text included; the rest is cut off",
            "text_encoder_dtype": self.precision,
            **({"text_added_token": self.added_token} if self.added_token else {}),
        }
