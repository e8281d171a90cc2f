"""Likelihood of given codes under a generator whose tokens are drawn in parts: teacher-forced, unguided, unfiltered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vtbench.core.codes import Codes
from vtbench.core.contracts import Condition
from vtbench.core.errors import UsageError
from vtbench.generators.published.teacher_forcing import Conditioned

if TYPE_CHECKING:
    from torch import Tensor


class TeacherForcedParts(Conditioned):
    """Gives a family the method ``log_likelihood``; it stands before the base among the family's classes.

    For hosts whose network has ``part_logits``: labels ``int64 [B]`` and all tokens ``int64 [B,N,K]`` to the logits
    ``[B,N,V]`` of each of the K parts, given what is drawn before it.
    """

    _network: Any

    def log_likelihood(self, conditions: Sequence[Condition], codes: Codes) -> Tensor:
        """Natural logarithm of the probability of each token, the sum of those of its parts.

        As in :meth:`vtbench.generators.published.teacher_forcing.TeacherForced.log_likelihood`, it is that of the
        network alone, and of codes, not of pixels.

        Args:
            conditions: ``B`` of them, one an image; all without a label for the network without a class.
            codes: of ``B`` images, of the generator's tokenizer.

        Returns:
            ``float64 [B,N]`` on the network's device, tokens in the order in which they are sampled.

        Raises:
            UsageError: a condition that it does not take, or codes of another number of images or tokens.
        """
        import torch

        labels = self._condition(conditions)
        parts = self._parts(codes).to(labels.device)
        wanted = (len(labels), self._network.tokens)
        if tuple(parts.shape[:2]) != wanted:
            images, each = parts.shape[:2]
            raise UsageError(
                f"{self.info.name}: codes of {images} images, {each} tokens each, for {wanted[0]} conditions",
                f"its images have {wanted[1]} tokens: encode them with its tokenizer, at its size",
            )
        with torch.inference_mode():
            found = self._network.part_logits(labels, parts)
            chosen = [
                logits.double().log_softmax(dim=-1).gather(-1, part[..., None]).squeeze(-1)
                for logits, part in zip(found, parts.unbind(-1), strict=True)
            ]
            return torch.stack(chosen).sum(dim=0)

    def _parts(self, codes: Codes) -> Tensor:
        """Codes of the tokenizer to the parts that are drawn, ``int64 [B,N,K]``: the way back from ``_codes``."""
        raise NotImplementedError
