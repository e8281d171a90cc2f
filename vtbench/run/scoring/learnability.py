"""What probes found, as results: means over seeds with Student's t, held-out images apart from those fitted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from vtbench.core.contracts import Estimate
from vtbench.metrics.catalog.lookup import metric_info
from vtbench.results.records.schema import MetricResult
from vtbench.run.probing.frequencies import log_frequencies, order_zero_nats
from vtbench.run.probing.job import ProbedJob
from vtbench.run.scoring.fold import Measured, metric_result

Values = np.ndarray[Any, np.dtype[np.float64]]
_LEVEL = 0.95


def learnability_results(measured: Measured) -> list[MetricResult]:
    """Results of a task of learnability: over all levels, then by level, then by the other order.

    Raises:
        VtbenchError: a probe is not there.
        DamagedFileError: one is damaged.
    """
    task = measured.manifest.task_spec
    if task.learnability is None:
        return []
    stored = (measured.store, measured.blocks, measured.samples, measured.content)
    job = ProbedJob.read(measured.folder, measured.manifest, *stored)
    if job is None:
        return []
    scores = _Scores(job)
    found = [*scores.of_order("next-token", "all"), *scores.by_level()]
    if any(name.order == "next-scale" for name in job.fits):
        found += scores.of_order("next-scale", "order=next-scale")
    wanted = {request.name for request in task.learnability_metrics}
    return [metric_result(metric_info(name), estimate, stratum) for name, stratum, estimate in found if name in wanted]


Named = tuple[str, str, Estimate]


@dataclass(frozen=True, eq=False)
class _Scores:
    job: ProbedJob

    def of_order(self, order: str, stratum: str) -> list[Named]:
        """Everything of one order, levels together."""
        bits = self._bits(order)
        tokens = self.job.codes.geometry.tokens
        held, fitted = self.job.held_out, ~self.job.held_out
        unigram = self._unigram().sum(1)[held].mean() / tokens
        each = bits.sum(2)
        nll = each[:, held].mean(1) / tokens
        pixels = self.job.pixels[held].mean()
        return [
            ("ar_bits_per_pixel", stratum, self._over_seeds(each[:, held].mean(1) / pixels, order)),
            ("ar_nll_bits", stratum, self._over_seeds(nll, order)),
            ("ar_nll_bits_train", stratum, self._over_seeds(each[:, fitted].mean(1) / tokens, order)),
            ("ar_gain", stratum, self._over_seeds(1.0 - nll / unigram, order)),
            ("code_unigram_bits", stratum, Estimate(value=float(unigram), n=int(held.sum()))),
        ]

    def by_level(self) -> list[Named]:
        """Of codes of several levels, each by itself, in the order of tokens."""
        lengths = self.job.codes.geometry.lengths
        if len(lengths) == 1:
            return []
        bits, unigram, held = self._bits("next-token"), self._unigram(), self.job.held_out
        found: list[Named] = []
        for level, length in enumerate(lengths):
            values = bits[:, held, level].mean(1) / length
            order_zero = float(unigram[held, level].mean() / length)
            found.append(("ar_nll_bits", f"level={level}", self._over_seeds(values, "next-token")))
            found.append(("code_unigram_bits", f"level={level}", Estimate(value=order_zero, n=int(held.sum()))))
        return found

    def _bits(self, order: str) -> Values:
        """``float64 [S,N,L]``: bits of each level of each image under each seed's probe."""
        names = [name for name in self.job.fits if name.order == order]
        return np.stack([self.job.store.found(name).bits for name in names])

    def _unigram(self) -> Values:
        """``float64 [N,L]``: bits of each level of each image by frequencies among the images fitted."""
        codes = self.job.codes
        fitted = torch.from_numpy(~self.job.held_out)
        costs = order_zero_nats(codes.tokens, codes.geometry, log_frequencies(codes.tokens[fitted], codes.geometry))
        by_level = torch.stack([costs[:, span].sum(1) for span in codes.geometry.spans], dim=1)
        found: Values = by_level.numpy() / math.log(2)
        return found

    def _over_seeds(self, values: Values, order: str) -> Estimate:
        probe, held = self.job.spec.probe, int(self.job.held_out.sum())
        shape = f"{probe.blocks} blocks of {probe.width}, {probe.steps} steps of {probe.batch} images"
        details = {
            "order": order,
            "seeds": [float(value) for value in values],
            "fitted_images": len(self.job.held_out) - held,
            "probe": f"{probe.name}: {shape}",
        }
        mean = math.fsum(values) / len(values)
        if len(values) < 2:
            return Estimate(value=mean, n=held, details=details)
        half = half_width(values)
        method = f"Student's t over {len(values)} fits, {_LEVEL:.0%}; the images are the same"
        ends = {"ci_low": mean - half, "ci_high": mean + half}
        return Estimate(value=mean, n=held, **ends, ci_method=method, details=details)


def half_width(values: Sequence[float] | Values) -> float:
    """Half of the interval of the mean of few values: ``t · s / √n``."""
    from scipy import stats

    found = np.asarray(values, dtype=np.float64)
    spread = float(found.std(ddof=1)) / math.sqrt(len(found))
    return float(stats.t.ppf(0.5 + _LEVEL / 2, len(found) - 1)) * spread
