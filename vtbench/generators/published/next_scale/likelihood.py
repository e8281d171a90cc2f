"""Likelihood of given codes under a next-scale generator: one teacher-forced pass, without guidance or filters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vtbench.core.codes import Codes
from vtbench.core.contracts import Condition
from vtbench.core.errors import UsageError
from vtbench.generators.published.teacher_forcing import Conditioned

if TYPE_CHECKING:
    from torch import Tensor


class ScaleLikelihood(Conditioned):
    """Gives a family the method ``log_likelihood``; it stands before the base among the family's classes.

    For multi-scale generators whose every token is drawn once, from the pass over its scale.
    """

    _network: Any
    _accumulator: Any
    _schedule: Any
    levels_drawn: Any

    def log_likelihood(self, conditions: Sequence[Condition], codes: Codes) -> Tensor:
        """Natural logarithm of the probability of each token, given the condition and the scales before its own.

        It is that of the network alone, in one teacher-forced pass over all scales: guidance and filters take no part.
        Tokens of one scale, and bits of one token, are drawn apart, so that their logarithms add up to that of the
        image's *codes*; the tokenizer that made them loses something, so it is no likelihood of pixels and no bits a
        dimension.

        Args:
            conditions: ``B`` of them, one an image; all without a label for the network without a class.
            codes: of ``B`` images, of the generator's tokenizer.

        Returns:
            ``float64 [B,N]`` on the network's device, scale after scale, rows after rows.

        Raises:
            UsageError: a condition that it does not take, or codes of other scales or another number of images.
        """
        import torch

        labels = self._condition(conditions)
        found = list(codes.grids)
        sizes = list(self._schedule.sizes)
        if found not in (sizes, sizes[: self.levels_drawn]) or codes.batch_size != len(labels):
            raise UsageError(
                f"{self.info.name}: codes of {codes.batch_size} images, scales {[list(size) for size in found]}, for "
                f"{len(labels)} conditions",
                "encode the images with its tokenizer, at its size",
            )
        levels = [level.to(labels.device) for level in self._drawn(codes)]
        with torch.inference_mode():
            logits = self._network.step(self._maps(levels), 0, self._network.conditioned(labels), None)
            tokens = torch.cat(levels, dim=1)
            # in float64, which is large over a whole codebook: an image at a time
            each_image = [
                row.double().log_softmax(dim=-1).gather(-1, token[..., None]).flatten(1).sum(dim=1)
                for row, token in zip(logits, tokens, strict=True)
            ]
            return torch.stack(each_image)

    def _drawn(self, codes: Codes) -> list[Tensor]:
        """Codes as they are drawn, ``int64 [B,T]`` of each scale; bits of a token have an axis more."""
        return [level.flatten(1) for level in codes.levels]

    def _maps(self, levels: Sequence[Tensor]) -> list[Any]:
        """What each scale is predicted from, given the codes ``int64 [B,T]`` of all."""
        from vtbench.generators.sampling.next_scale.accumulation import maps_of

        return maps_of(self._accumulator(), levels)
