"""``vtbench.metric``: one way to call any metric of images, blocks, prompts or sets on tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from vtbench.api.scores.images import BlockScore, PairScore, PromptScore, Score
from vtbench.api.scores.sets import SetScore
from vtbench.core.errors import UsageError
from vtbench.metrics.catalog.lookup import metric_info
from vtbench.tasks import MetricRequest

_BY_KIND: dict[str, type[Score]] = {"image": PairScore, "block": BlockScore, "prompt": PromptScore, "set": SetScore}
_ELSEWHERE = {
    "code": "of a model's codes: measure the model with vtbench.evaluate",
    "text": "of what a reader reads: measure a task that has one with vtbench.evaluate",
    "instance": "of words or faces in an image: measure a task that finds them with vtbench.evaluate",
}


def metric(
    name: str, *, device: torch.device | str | None = None, allow_small_sets: bool = False, **params: Any
) -> Score:
    """A metric by its public name, on tensors: ``vtbench.metric("ssim")(prediction, reference)``.

    Every metric is used in the same two ways. Called, it scores what it is given: one of images gives ``float64 [B]``,
    one of sets an :class:`~vtbench.core.contracts.Estimate`. Or fed batch by batch: ``update(…)``, then ``compute()``
    for the value over all of them with its interval, as a record holds it, then ``reset()``.

    ======  ==========================================  ===============================================
    kind    call                                        gives
    ======  ==========================================  ===============================================
    image   ``metric(prediction, reference)``           ``float64 [B]``: ``psnr``, ``lpips_alex`` …
    block   ``metric(prediction, reference)``           ``float64 [B]``: ``band_error``
    prompt  ``metric(images, prompts)``                 ``float64 [B]``: ``clip_score``
    set     ``metric(predictions, references)``         ``Estimate``: ``fid``, ``kid_efflite0``; sets of any sizes
    ======  ==========================================  ===============================================

    Images are ``uint8 [B,3,H,W]``, or floats in [0, 1], which are rounded as a model's output is. Values are those of a
    task that names the metric with the same parameters. No gradient flows.

    Args:
        name: as in ``vtbench list metrics``, or ``package.module:Class``.
        device: of its network; where the images lie unless given.
        allow_small_sets: compute FID on fewer images than it needs.
        params: as in a task's YAML: ``subset_size=100``.

    Raises:
        UsageError: unknown name, with a suggestion, or parameter; or a metric that images alone do not give.
        AssetMissingError: weights that cannot be had.
    """
    info = metric_info(name)
    if info.kind not in _BY_KIND:
        raise UsageError(f"{name} is no metric of images but {_ELSEWHERE[info.kind]}", f"of images: {_examples()}")
    chosen = None if device is None else torch.device(device)
    return _BY_KIND[info.kind](MetricRequest(name=name, params=params), info, chosen, allow_small_sets)


def _examples(names: Sequence[str] = ("psnr", "ssim", "lpips_alex", "fid", "kid_efflite0")) -> str:
    return ", ".join(names)
