"""What published generators share whose condition is a text that an encoder of its own reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from vtbench.checkpoints.cards import find_generator_card
from vtbench.checkpoints.files import Located
from vtbench.checkpoints.loading import Source, require_source
from vtbench.core.contracts import Condition
from vtbench.core.info import ConditionKind
from vtbench.generators.published.base import Identity, PublishedGenerator
from vtbench.generators.text.encoder import TextEncoder, random_text_encoder, text_encoder
from vtbench.generators.text.folder import FLAN_T5_XL, locate_text_encoder
from vtbench.generators.text.prompts import prompts_of
from vtbench.generators.text.rules import TextRule

if TYPE_CHECKING:
    import torch
    from typing_extensions import Self

    from vtbench.generators.sampling.next_token import Prompted

CHANNELS = 2048
"""Of a feature of flan-t5-xl, which all families here read."""


@dataclass(frozen=True)
class Reading:
    """How a family reads its prompts.

    Attributes:
        encoder: folder or hub id; ``None`` for flan-t5-xl, or beside random weights for a small one of random weights.
        rule: of the text.
    """

    encoder: str | None
    rule: TextRule


class FromPrompts(PublishedGenerator):
    """A published generator that is conditioned on prompts; its network's ``cls_embedding`` knows what stands for none.

    Raises:
        AssetMissingError: the text encoder cannot be had, told before any weights are read.
        AdapterError: it is of another kind or width.
    """

    conditioned_on: ClassVar[ConditionKind] = "prompt"
    _text: TextEncoder

    def _setup_reading(self, build: Callable[[], Any], source: Source, identity: Identity, reading: Reading) -> None:
        card = None if source.card is None else find_generator_card(source.card)
        require_source(source, card, self._conventions(card))
        seed = source.random_weights_seed
        if reading.encoder is None and seed is not None:
            self._setup(build, source, identity)
            self._text = random_text_encoder(CHANNELS, reading.rule, seed)
        else:
            name, fetched_by = (self.family, "") if card is None else (card.name, card.name)
            found = locate_text_encoder(reading.encoder or FLAN_T5_XL, CHANNELS, name, fetched_by)
            self._setup(build, source, identity)
            self._text = text_encoder(found, reading.rule)
        self.notes = (*self.notes, *self._text.notes)
        self.info = replace(
            self.info,
            sampler={**self.info.sampler, **self._text.as_recorded()},
            weights=(*self.info.weights, *self._text.weights),
        )

    @classmethod
    def beside(cls) -> tuple[Located, ...]:
        """The text encoder's weights, for ``vtbench fetch``; raises ``AssetMissingError``."""
        found = locate_text_encoder(FLAN_T5_XL, CHANNELS, cls.family)
        return tuple(Located(found.folder / file.name, file.sha256, found.source) for file in found.weights())

    def to(self, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Move network, tokenizer and text encoder; the precision is the network's alone. Returns itself."""
        self._text.to(device)
        return super().to(device=device, dtype=dtype)

    def _prompted(self, conditions: Sequence[Condition]) -> Prompted:
        """Texts of a batch, filled up on the left, and beside each what stands for none.

        Raises:
            UsageError: a condition without a prompt.
            AssetMissingError: a prompt that needs a library to be cleaned.
        """
        from vtbench.generators.sampling.next_token import Prompted

        prompts = prompts_of(conditions, self.info.name)
        precision = next(self._network.parameters()).dtype
        texts = self._text.encode(prompts).aligned_right().to(precision)
        return Prompted(texts, self._network.cls_embedding.nothing(texts))
