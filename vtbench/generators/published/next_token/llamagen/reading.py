"""How LlamaGen's and NAR's generators from prompts read them: cleaned captions of flan-t5-xl, filled up on the left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from vtbench.checkpoints.loading import Source
from vtbench.core.contracts import Condition
from vtbench.generators.published.base import Identity, PublishedGenerator
from vtbench.generators.published.prompts import TEXT_WIDTH, FromPrompts
from vtbench.generators.text.captions.cleaning import CaptionCleaning
from vtbench.generators.text.rules import TextPrecision, TextRule

if TYPE_CHECKING:
    from vtbench.generators.sampling.next_token import Prompted

LENGTH = 120
"""Positions of text, those that are filled up included; as many as stand for no text."""


class TextInFront(FromPrompts, PublishedGenerator):
    """A generator whose first positions are those of a text, and whose ``cls_embedding`` knows what stands for none."""

    def _setup_from_text(
        self,
        build: Callable[[], Any],
        source: Source,
        identity: Identity,
        encoder: str | None,
        precision: TextPrecision,
    ) -> None:
        rule = TextRule(length=LENGTH, cleaning=CaptionCleaning(), precision=precision)
        self._make_text(encoder, TEXT_WIDTH, rule, source.card, source.random_weights_seed)
        self._setup(build, source, identity)
        self._record_text()

    def _prompted(self, conditions: Sequence[Condition]) -> Prompted:
        """Texts of a batch, filled up on the left, and beside each what stands for none.

        Raises:
            UsageError: a condition without a prompt.
            AssetMissingError: a prompt that needs a library to be cleaned.
        """
        from vtbench.generators.sampling.next_token import Prompted

        precision = next(self._network.parameters()).dtype
        texts = self._encoded(conditions).aligned_right().to(precision)
        return Prompted(texts, self._network.cls_embedding.nothing(texts))
