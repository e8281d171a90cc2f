"""What published generators share whose decoder reads a prompt itself, and goes on with the tokens of its image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from vtbench.checkpoints.cards import find_generator_card
from vtbench.checkpoints.loading import Source, require_source
from vtbench.core.contracts import Condition, SamplingCost
from vtbench.core.info import ConditionKind
from vtbench.generators.published.base import Identity, PublishedGenerator
from vtbench.generators.published.library.settings import LLAMA, refuse_other_settings
from vtbench.generators.published.teacher_forcing import TeacherForced
from vtbench.generators.text.vocabulary import Vocabulary, locate_vocabulary, read_vocabulary

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.generators.published.library.padded import PromptedHost
    from vtbench.generators.sampling.next_token import Prompted


class PromptReader(TeacherForced, PublishedGenerator):
    """A published generator whose language model is a class of transformers, and whose prompts are ids of its words.

    A family calls :meth:`_read_words`, then ``_setup``, and says in ``_prompted`` what ids a prompt becomes.
    """

    conditioned_on: ClassVar[ConditionKind] = "prompt"
    _vocabulary: Vocabulary

    def _read_words(self, config: Any, given: str | None, source: Source, special: Sequence[str], entries: int) -> None:
        """Hold the configuration beside the weights against ``config``, then read the vocabulary beside them.

        Args:
            config: of the library, of the language model.
            given: ``tokenizer.json``, where the user named one.
            source: of the weights.
            special: names of tokens that the family uses.
            entries: of the network's table.

        Raises:
            UsageError: neither a checkpoint, nor a card with one, nor a seed; or a checkpoint and a seed.
            AssetMissingError: no vocabulary, or a given checkpoint is not there.
            AdapterError: a configuration or a vocabulary of another network.
        """
        known = None if source.card is None else find_generator_card(source.card)
        name = source.card or self.family
        require_source(source, known, self._conventions(known))
        refuse_other_settings(config, LLAMA, source, known, name, "text_config")
        self._vocabulary = read_vocabulary(locate_vocabulary(given, source, known, name), special, entries)

    def _setup(self, build: Callable[[], Any], source: Source, identity: Identity) -> None:
        super()._setup(build, source, identity)
        self.info = replace(self.info, weights=(*self.info.weights, *self._vocabulary.files))

    def _draw(self, conditions: Sequence[Condition], seeds: Tensor) -> tuple[Tensor, SamplingCost]:
        from vtbench.generators.sampling.next_token import sample_tokens

        prompted = self._prompted(conditions)
        return sample_tokens(self._host(prompted), prompted, self._identity.settings, seeds)

    def _host(self, prompted: Prompted) -> PromptedHost:
        """The network behind prompts of that length."""
        from vtbench.generators.published.library.padded import PromptedHost

        return PromptedHost(self._network, prompted.conditional.shape[1])
