"""Likelihood of images' codes: encoded by the generator's own tokenizer, told by the generator, token by token."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from vtbench.core.codes import Codes
from vtbench.core.contracts import SampleFailure
from vtbench.core.errors import AdapterError
from vtbench.core.foreign.guard import foreign
from vtbench.core.foreign.placing import place, refuse_training
from vtbench.core.foreign.returned import in_words
from vtbench.core.pixels import to_unit
from vtbench.core.seeds import sample_seed
from vtbench.run.device import synchronize
from vtbench.run.measuring.likelihoods.asking import Answer, Asked
from vtbench.run.measuring.model import resized

_ABOVE_ONE = 1e-6
"""Rounding of a logarithm of a probability; what is further above 0 is no probability."""


class CodeLikelihood:
    """Asks a generator for the likelihood of images' codes, in batches of one size.

    The tokenizer encodes in float32, whatever the network's precision: the codes are those of the images alone.

    Args:
        generator: with ``log_likelihood`` and ``tokenizer``; made, not yet placed.
        device: where both run.
        dtype: arithmetic of the network.
        seed: the run's; a tokenizer that draws numbers gets each image's own, from it and the image's id.
        lent: the generator goes on being trained afterwards: see :class:`~vtbench.run.measuring.model.LoadedModel`.

    Raises:
        UsageError: a dtype other than float32 for a generator that cannot be moved.
    """

    def __init__(
        self, generator: Any, device: torch.device, dtype: torch.dtype, seed: int, *, lent: bool = False
    ) -> None:
        self._generator = place(generator, device, dtype, lent=lent)
        self._tokenizer = place(self._generator.tokenizer, device, torch.float32, lent=lent)
        self._device, self._seed, self._lent, self._looked_at = device, seed, lent, False
        self._side = encoded_side(self._generator)

    def __call__(self, asked: Sequence[Asked]) -> Answer:
        """Rows ``code_nll_bits`` and ``code_nll_bits_per_pixel`` of images of one size.

        Raises:
            AdapterError: the generator or its tokenizer broke its contract.
        """
        with torch.no_grad() if self._lent else torch.inference_mode():
            return self._answer(asked)

    def _answer(self, asked: Sequence[Asked]) -> Answer:
        images = to_unit(torch.stack([one.sample.model_input for one in asked]).to(self._device))
        height, width = images.shape[-2:]
        side, note = self._side, None
        if side is not None and (height, width) != (side, side):
            images = resized(images, side, side)
            note = f"{height}x{width} -> {side}x{side}, bicubic, antialias, float32, not rounded"
        started = self._clock()
        codes = self._encoded(images, [sample_seed(self._seed, one.sample.id) for one in asked])
        encoded = self._clock()
        found = self._checked(self._told(asked, codes), codes)
        finished = self._clock()
        counts = codes.tokens_per_image().tolist()
        rows = [_row(one, *row) for one, row in zip(asked, zip(found, counts, strict=True), strict=True)]
        return Answer(asked, rows, codes, encoded - started, finished - encoded, note)

    def _encoded(self, images: Tensor, seeds: list[int]) -> Codes:
        info = self._tokenizer.info
        extra = {"seeds": torch.tensor(seeds, dtype=torch.int64)} if info.stochastic else {}
        with foreign(f"{info.name}: encode", seed=seeds[0]):
            codes = self._tokenizer.encode(images, **extra)
        if not isinstance(codes, Codes):
            raise AdapterError(f"{info.name}: encode returned {in_words(codes)}, not Codes")
        return codes

    def _told(self, asked: Sequence[Asked], codes: Codes) -> Any:
        with foreign(f"{self._generator.info.name}: log_likelihood", seed=0):
            found = self._generator.log_likelihood([one.condition for one in asked], codes)
        if not self._looked_at:
            refuse_training(self._generator)
            self._looked_at = True
        return found

    def _checked(self, found: Any, codes: Codes) -> Tensor:
        """``float64 [B,N]`` on the CPU: what was told, held against the codes.

        Raises:
            AdapterError: it is not one probability a token.
        """
        name, images = self._generator.info.name, codes.batch_size
        if not isinstance(found, Tensor) or found.ndim != 2 or len(found) != images or not found.is_floating_point():
            told = f"{name}: log_likelihood returned {in_words(found)} for codes of {images} images"
            raise AdapterError(told, "return float64 [B,N]")
        tokens = int(codes.tokens_per_image().max())
        if found.shape[1] != tokens and not (codes.payload and found.shape[1] > tokens):
            raise AdapterError(
                f"{name}: log_likelihood told of {found.shape[1]} tokens an image, whose codes have {tokens}",
                "sub-codes of one position are one token: add their logarithms",
            )
        logarithms = found.detach().to("cpu", torch.float64)
        if bool((logarithms > _ABOVE_ONE).any()):
            most = f"{float(logarithms.max()):.4g}"
            raise AdapterError(
                f"{name}: log_likelihood is {most} somewhere: a probability above 1", "return logarithms"
            )
        return logarithms

    def _clock(self) -> float:
        synchronize(self._device)
        return time.perf_counter()


def encoded_side(generator: Any) -> int | None:
    """Side at which images are encoded for a generator; ``None`` for as they are.

    See :class:`~vtbench.generators.protocols.LikelihoodGenerator`.
    """
    stated: int | None = getattr(generator, "encoded_size", None)
    if stated is not None:
        return stated
    tokenizer = generator.tokenizer.info
    side: int | None = tokenizer.native_size if tokenizer.fixed_size else generator.info.native_size
    return side


def _row(one: Asked, told: Tensor, tokens: float) -> dict[str, float] | SampleFailure:
    """Bits of an image a token, and a pixel at the size at which it is scored."""
    if not bool(told.isfinite().all()):
        count = int((~told.isfinite()).sum())
        return SampleFailure(one.sample.id, "model", f"log_likelihood is not finite for {count} of {len(told)} tokens")
    bits = -float(told.sum()) / math.log(2)
    height, width = one.sample.reference.shape[-2:]
    return {"code_nll_bits": bits / tokens, "code_nll_bits_per_pixel": bits / (height * width)}
