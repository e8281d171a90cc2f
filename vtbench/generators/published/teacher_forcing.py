"""Likelihood of given codes under a published next-token generator: teacher-forced, without guidance or filters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vtbench.core.codes import Codes
from vtbench.core.contracts import Condition
from vtbench.core.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.core.info import GeneratorInfo


class Conditioned:
    """Conditions as a family's network takes them, of a class-conditional one that of no class among them."""

    info: GeneratorInfo
    _labels: Any
    _prompted: Any

    @property
    def null_condition(self) -> bool:
        """Whether a condition that holds nothing has a meaning: the network was trained without a class too."""
        return self.info.conditions == "class" and self._no_class(1) is not None

    def _condition(self, conditions: Sequence[Condition]) -> Any:
        """Labels ``int64 [B]`` on the network's device, or texts; of conditions that hold nothing, labels of no class.

        Raises:
            UsageError: a condition that the family does not take.
        """
        if self.info.conditions == "prompt":
            return self._prompted(conditions).conditional
        if self.info.conditions != "class" or any(condition != Condition() for condition in conditions):
            labels: Tensor = self._labels(conditions)
            return labels
        found = self._no_class(len(conditions))
        if found is None:
            raise UsageError(f"{self.info.name} needs a class label", "nothing stands for no class in its network")
        return found

    def _no_class(self, count: int) -> Tensor | None:
        prompted = self._prompted([Condition(label=0)] * count)
        found: Tensor = prompted.unconditional
        return None if found is prompted.conditional else found


class TeacherForced(Conditioned):
    """Gives a family the method ``log_likelihood``; it stands before the base among the family's classes.

    For hosts whose network takes conditions of ``B`` images and the first T tokens ``int64 [B,T]`` to logits
    ``[B,T+1,V]`` of those and the next; others have their own ``_logits``.
    """

    _network: Any

    def log_likelihood(self, conditions: Sequence[Condition], codes: Codes) -> Tensor:
        """Natural logarithm of the probability of each token, given the condition and the tokens drawn before it.

        It is that of the network alone: guidance, temperature and filters of the sampler take no part. Minus its sum
        over an image, by ln 2, is what an ideal coder would spend on the image's *codes*; the tokenizer that made them
        loses something, so it is no likelihood of pixels and no bits a dimension.

        Args:
            conditions: ``B`` of them, one an image; all without a label for the network without a class.
            codes: of ``B`` images, of the generator's tokenizer.

        Returns:
            ``float64 [B,N]`` on the network's device, tokens in the order in which they are sampled.

        Raises:
            UsageError: a condition that it does not take, or codes of another number of images or tokens.
        """
        import torch

        given = self._condition(conditions)
        tokens = self._tokens_of(codes).to(given.device)
        wanted = (len(given), self._network.tokens)
        if tuple(tokens.shape) != wanted:
            images, each = tokens.shape
            raise UsageError(
                f"{self.info.name}: codes of {images} images, {each} tokens each, for {wanted[0]} conditions",
                f"its images have {wanted[1]} tokens: encode them with its tokenizer, at its size",
            )
        with torch.inference_mode():
            logits = self._logits(given, tokens)
            # in float64, which is large over a whole codebook: an image at a time
            each_image = [
                row.double().log_softmax(dim=-1).gather(-1, token[:, None]).squeeze(-1)
                for row, token in zip(logits, tokens, strict=True)
            ]
            return torch.stack(each_image)

    def _logits(self, given: Any, tokens: Tensor) -> Tensor:
        """``[B,N,V]`` of all tokens ``int64 [B,N]``, each given what is drawn before it."""
        logits: Tensor = self._network(given, tokens[:, :-1])
        return logits

    def _tokens_of(self, codes: Codes) -> Tensor:
        """``int64 [B,N]``: the tokens of codes in the order in which they are sampled."""
        return codes.levels[0].flatten(1)
