"""What generators from prompts share: a text encoder beside the network, and prompts that become features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from vtbench.checkpoints.files import Located
from vtbench.checkpoints.pretrained import Checkpoint
from vtbench.core.contracts import Condition
from vtbench.core.info import ConditionKind, GeneratorInfo
from vtbench.generators.text.encoder import TextEncoder, random_text_encoder, text_encoder
from vtbench.generators.text.folder import FLAN_T5_XL, locate_text_encoder
from vtbench.generators.text.prompts import prompts_of
from vtbench.generators.text.rules import TextRule

if TYPE_CHECKING:
    import torch
    from typing_extensions import Self

    from vtbench.generators.text.encoded import EncodedText

TEXT_WIDTH = 2048
"""Channels that Flan-T5-XL gives a token of text."""


class ReadsPrompts:
    """What is alike whichever encoder it is, or however many; a subclass says how it is read: :meth:`_read_text`."""

    family: ClassVar[str]
    conditioned_on: ClassVar[ConditionKind] = "prompt"
    info: GeneratorInfo
    notes: tuple[str, ...]
    _text: Any

    def _read_text(self) -> None:
        raise NotImplementedError

    def _record_text(self) -> None:
        """Read the encoder; its settings, files and notes become the generator's own."""
        self._read_text()
        info = self.info
        self.info = replace(
            info,
            sampler={**info.sampler, **self._text.as_recorded()},
            weights=(*info.weights, *self._text.weights),
        )
        self.notes = (*self.notes, *self._text.notes)

    def to(self, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Move network, tokenizer and text encoder; the encoder keeps its own precision. Returns itself."""
        self._text.to(device)
        base: Any = super()
        base.to(device=device, dtype=dtype)
        return self

    def _encoded(self, conditions: Sequence[Condition]) -> Any:
        """Features of the prompts, filled up to the rule's length.

        Raises:
            UsageError: a condition without a prompt.
        """
        return self._text.encode(prompts_of(conditions, self.info.name))


class FromPrompts(ReadsPrompts):
    """Gives a family a text encoder; it stands before the base among the family's classes.

    A family calls :meth:`_make_text` before its ``_setup``, so that an encoder that is missing is told before gigabytes
    are read, and :meth:`_record_text` behind it, which reads the encoder's.
    """

    _text: TextEncoder
    _found_text: tuple[Checkpoint, TextRule] | None = None

    @classmethod
    def beside(cls) -> tuple[Located, ...]:
        """The text encoder, for ``vtbench fetch``.

        Raises:
            AssetMissingError: it cannot be had.
        """
        found = locate_text_encoder(FLAN_T5_XL, TEXT_WIDTH, cls.family)
        return (Located(found.folder, found.weights()[0].sha256, found.source),)

    def _make_text(
        self, reference: str | None, width: int, rule: TextRule, card: str | None, random_weights_seed: int | None
    ) -> None:
        """Find the encoder in a folder or on the hub, or make one of random weights beside a network of such."""
        if reference is None and random_weights_seed is not None:
            self._text = random_text_encoder(width, rule, random_weights_seed)
            return
        found = locate_text_encoder(reference or FLAN_T5_XL, width, card or self.family, card or "")
        self._found_text = found, rule

    def _read_text(self) -> None:
        if self._found_text is not None:
            self._text = text_encoder(*self._found_text)

    def _encoded(self, conditions: Sequence[Condition]) -> EncodedText:
        """As :meth:`ReadsPrompts._encoded`."""
        found: EncodedText = super()._encoded(conditions)
        return found
