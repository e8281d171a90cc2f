"""Fit every probe of a job that is not there yet: several at once on a CPU, one after another on a GPU."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vtbench.core.foreign import interrupts
from vtbench.core.outside.tensor_files import Array
from vtbench.core.threads.lanes import in_lanes
from vtbench.run.probing.fitting import Fit
from vtbench.run.probing.sequences import Geometry
from vtbench.run.probing.store import FitName, Found, ProbeStore
from vtbench.run.probing.stored_codes import StoredCodes
from vtbench.tasks.sections import LearnabilitySpec

_STEPS_AT_ONCE = 10
_KEPT_EVERY_S = 60.0


def fit_names(geometry: Geometry, spec: LearnabilitySpec) -> list[FitName]:
    """The fits of a task: as many seeds as it says, in raster order; scale by scale too where levels are scales."""
    orders = ("next-token", "next-scale") if geometry.growing else ("next-token",)
    return [FitName(order, seed) for order in orders for seed in range(spec.probe.seeds)]  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Fitting:
    """What a job's probes are fitted on, and where.

    Attributes:
        codes: of every scored image.
        held_out: of each, whether it is kept from the fit.
        spec: the task's.
        store: where what is found goes.
        device: where they are fitted.
        advanced: told of images a probe was shown.
    """

    codes: StoredCodes
    held_out: list[bool]
    spec: LearnabilitySpec
    store: ProbeStore
    device: torch.device
    advanced: Callable[[int], None]

    def all(self) -> None:
        """Fit what is missing."""
        missing = [name for name in fit_names(self.codes.geometry, self.spec) if not self.store.has(name)]
        for together in [missing] if self.device.type == "cpu" else [[name] for name in missing]:
            self._fit(together)

    def _fit(self, names: list[FitName]) -> None:
        fits = {name: self._begun(name) for name in names}
        try:
            self._go_on(fits)
        except interrupts.Interrupted:
            self._keep(fits)
            raise
        for name, bits in zip(fits, self._each(self._bits, list(fits.values())), strict=True):
            self.store.write(name, Found(bits, fits[name].losses()))

    def _go_on(self, fits: dict[FitName, Fit]) -> None:
        kept = time.monotonic()
        while running := {name: fit for name, fit in fits.items() if not fit.done}:
            before = sum(fit.step for fit in running.values())
            self._each(_some_steps, list(running.values()))
            after = sum(fit.step for fit in running.values())
            self.advanced((after - before) * self.spec.probe.batch)
            if time.monotonic() - kept > _KEPT_EVERY_S:
                self._keep(running)
                kept = time.monotonic()
            interrupts.between()

    def _keep(self, fits: dict[FitName, Fit]) -> None:
        for name, fit in fits.items():
            self.store.keep(name, fit.state())

    def _begun(self, name: FitName) -> Fit:
        fitted = torch.tensor(self.held_out).logical_not()
        tokens = self.codes.tokens[fitted].to(self.device)
        fit = Fit(tokens, self.codes.geometry, name.order, self.spec.probe, name.seed)
        kept = self.store.kept(name)
        if kept is not None:
            fit.load(kept)
            self.advanced(fit.step * self.spec.probe.batch)
        return fit

    def _each(self, function: Callable[[Fit], Any], fits: list[Fit]) -> list[Any]:
        return in_lanes(function, fits) if self.device.type == "cpu" else [function(fit) for fit in fits]

    def _bits(self, fit: Fit) -> Array:
        """``float64 [N,L]``."""
        costs: Tensor = fit.cost(self.codes.tokens.to(self.device))
        by_level = [costs[:, span].sum(1) for span in self.codes.geometry.spans]
        found: Array = torch.stack(by_level, dim=1).numpy()
        return found


def _some_steps(fit: Fit) -> None:
    fit.advance(_STEPS_AT_ONCE)
