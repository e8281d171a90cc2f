"""Fit one probe: a fixed number of steps, each a pure function of the seed and of the step before."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from vtbench.core.outside.tensor_files import Array
from vtbench.fitting.batches import Batches
from vtbench.fitting.schedule import share_of_rate
from vtbench.fitting.state import arrays_of, restore
from vtbench.run.probing.frequencies import log_frequencies
from vtbench.run.probing.network import CodeProbe
from vtbench.run.probing.sequences import ORDERS, Geometry
from vtbench.run.probing.store import OrderName
from vtbench.tasks.sections import ProbeSpec

_BETAS = (0.9, 0.95)
_LARGEST_NORM = 1.0
_TOKENS_AT_ONCE = 1 << 15
_LOGITS_AT_ONCE = 1 << 31
"""Of one pass, which bound its memory to some 20 GB of activations in a network of GPT-B's size. A step's batch is cut
accordingly and its gradients add up; the cut is always the same, since it decides their last digits."""


class Fit:
    """A probe on its way: AdamW, a linear warm-up and a cosine to 0, gradients of norm 1 at most.

    Batches are cut from permutations of the images, one after another, seeded by the fit's seed. A fit that is saved
    and loaded goes on as if it had not stopped.

    Args:
        tokens: ``int64 [N,T]``, or ``bool [N,T,nbits]``, of the images that are fitted, on the device of the fit.
        geometry: of the codes.
        order: after what each token is predicted.
        spec: what is fitted, and how long.
        seed: of weights and batches.
    """

    def __init__(self, tokens: Tensor, geometry: Geometry, order: OrderName, spec: ProbeSpec, seed: int) -> None:
        begin = [logarithms.float() for logarithms in log_frequencies(tokens.cpu(), geometry)]
        self._tokens, self._spec = tokens, spec
        self._batches = Batches(len(tokens), spec.batch, seed)
        self._probe = CodeProbe(geometry, ORDERS[order](geometry), spec, begin, seed).to(tokens.device)
        self._optimiser = torch.optim.AdamW(
            self._probe.parameters(), spec.learning_rate, _BETAS, weight_decay=spec.weight_decay, foreach=False
        )
        tokens_at_once = min(_TOKENS_AT_ONCE, _LOGITS_AT_ONCE // max(map(len, begin)))
        self._images_at_once = max(1, tokens_at_once // geometry.tokens)
        self._losses = torch.full((spec.steps,), math.nan)
        self.step = 0

    @property
    def done(self) -> bool:
        """Whether every step is taken."""
        return self.step >= self._spec.steps

    def advance(self, count: int) -> None:
        """Take that many steps, or what is left."""
        with torch.inference_mode(False), torch.enable_grad():
            for _ in range(min(count, self._spec.steps - self.step)):
                self._take_step()

    def _take_step(self) -> None:
        for group in self._optimiser.param_groups:
            share = share_of_rate(self.step, self._spec.warmup, self._spec.steps)
            group["lr"] = self._spec.learning_rate * share
        self._optimiser.zero_grad(set_to_none=True)
        loss = self._gradients(self._tokens[self._batches.at(self.step).to(self._tokens.device)])
        torch.nn.utils.clip_grad_norm_(self._probe.parameters(), _LARGEST_NORM, foreach=False)
        self._optimiser.step()
        self._losses[self.step] = loss / math.log(2)
        self.step += 1

    def _gradients(self, tokens: Tensor) -> float:
        """Add those of a batch's mean cost a token, which is returned, in nats."""
        share = 1.0 / (len(tokens) * tokens.shape[1])
        total = torch.zeros((), dtype=torch.float64, device=tokens.device)
        for part in torch.split(tokens, self._images_at_once):
            loss = self._probe(part).sum() * share
            loss.backward()
            total += loss.detach()
        return float(total)

    def cost(self, tokens: Tensor) -> Tensor:
        """``float64 [N,T]`` on the CPU: bits of each token of images like those fitted."""
        with torch.inference_mode():
            parts = [self._probe(part).double().cpu() for part in torch.split(tokens, self._images_at_once)]
        return torch.cat(parts) / math.log(2)

    def losses(self) -> Array:
        """``float32 [steps]``: bits a token of each step's batch; NaN of steps not taken."""
        found: Array = self._losses.numpy().copy()
        return found

    def state(self) -> dict[str, Array]:
        """Everything that decides the steps to come."""
        numbers = {"step": np.array(self.step), "losses": self.losses()}
        return {**arrays_of({"probe": self._probe}, self._optimiser), **numbers}

    def load(self, state: Mapping[str, Array]) -> None:
        """Go on where :meth:`state` was taken."""
        restore({"probe": self._probe}, self._optimiser, state)
        self._losses, self.step = torch.from_numpy(state["losses"].copy()), int(state["step"])
