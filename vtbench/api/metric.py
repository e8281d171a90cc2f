"""``vtbench.metric``: one way to call any metric of images, videos, blocks, prompts or sets on tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vtbench.core.errors import UsageError
from vtbench.core.foreign.importing import imports_apart
from vtbench.metrics.catalog.lookup import metric_info
from vtbench.tasks import MetricRequest

if TYPE_CHECKING:
    import torch

    from vtbench.api.scores.base import Score

_ELSEWHERE = {
    "code": "of a model's codes: measure the model with vtbench.evaluate",
    "text": "of what a reader reads: measure a task that has one with vtbench.evaluate",
    "condition": "of an image and all that it was made from: measure the generator with vtbench.evaluate",
    "likelihood": "of what a generator says of real images: measure it on a task of tokens with vtbench.evaluate",
    "learnability": "of what is fitted on codes: measure the model on a task of learnability with vtbench.evaluate",
    "probing": "of what a classifier makes of features: measure the model on a task of probing with vtbench.evaluate",
    "robustness": "of how codes bear change: measure the model on a task of robustness with vtbench.evaluate",
    "map": "of maps in files: measure them on a task of maps with vtbench.evaluate",
    "shape": "of sets of point clouds: measure them on a task of shapes with vtbench.evaluate",
    "judged": "of what a benchmark's own judge gave: bring its files with vtbench.import_judgements",
    "instance": "of words or faces in an image: measure a task that finds them with vtbench.evaluate",
}
_EXAMPLES = "psnr, ssim, lpips_alex, fid, kid_efflite0"


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
    video   ``metric(prediction, reference)``           ``float64 [B]``: ``video_psnr``; ``[B,T,3,H,W]``
    block   ``metric(prediction, reference)``           ``float64 [B]``: ``band_error``
    prompt  ``metric(images, prompts)``                 ``float64 [B]``: ``clip_score``
    set     ``metric(predictions, references)``         ``Estimate``: ``fid``, ``kid_efflite0``; sets of any sizes
    …       ``metric(samples, held_out, training)``     ``Estimate``: ``authenticity_efflite0``
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
    with imports_apart():
        info = metric_info(name)
        if info.kind in _ELSEWHERE:
            raise UsageError(f"{name} is no metric of images but {_ELSEWHERE[info.kind]}", f"of images: {_EXAMPLES}")
        import torch

        from vtbench.api.scores.images import BlockScore, PairScore, PromptScore, VideoScore
        from vtbench.api.scores.sets import SetScore
    kinds: dict[str, type[Score]] = {
        "image": PairScore,
        "video": VideoScore,
        "block": BlockScore,
        "prompt": PromptScore,
        "set": SetScore,
    }
    chosen = None if device is None else torch.device(device)
    return kinds[info.kind](MetricRequest(name=name, params=params), info, chosen, allow_small_sets)
