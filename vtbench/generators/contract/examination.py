"""The adapter contract of generators: what each must do, checked on three samples. ``vtbench doctor`` prints this."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vtbench.core.contracts import ImageDataset
from vtbench.core.foreign.guard import told
from vtbench.core.foreign.placing import place, refuse_training
from vtbench.core.info import GeneratorInfo
from vtbench.data.ids import check_ids
from vtbench.generators.contract.checks import (
    ANY,
    WITH_CODES,
    check_cost,
    check_images,
    check_info,
    check_likelihood,
    check_pixel_likelihood,
)
from vtbench.generators.contract.subject import Evidence, Subject, collect
from vtbench.generators.protocols import PremadeClouds, PremadeMaps, PremadeSamples
from vtbench.tokenizers.contract.subject import CheckResult

__all__ = ["CheckResult", "check_generator"]

_POINTS = 64


def check_generator(generator: Any, *, device: str = "cpu") -> list[CheckResult]:
    """Run the contract.

    Args:
        generator: a generator of any kind; of samples made elsewhere, their ids and images are checked.
        device: where to run; the generator is moved there when it has ``to``.

    Returns:
        One result a check, in a fixed order. A generator that cannot sample at all gets ``info`` and a failed
        ``sample`` only.
    """
    import torch

    info = getattr(generator, "info", None)
    if not isinstance(info, GeneratorInfo):
        return [CheckResult("info", False, f"info is {type(info).__name__}, not GeneratorInfo")]
    results = [check_info(info)]
    if isinstance(generator, PremadeMaps):
        return [
            *results,
            CheckResult("maps", True, f"{len(generator.maps.ids)} maps: held against references by a run"),
        ]
    if isinstance(generator, PremadeClouds):
        return [*results, _guarded("clouds", _check_clouds, generator)]
    if isinstance(generator, PremadeSamples):
        return [*results, *(_guarded(name, check, generator) for name, check in _PREMADE.items())]
    try:
        generator = place(generator, torch.device(device), torch.float32)
        subject = Subject(generator, info)
        evidence = collect(subject)
        refuse_training(generator)
    except Exception as error:  # noqa: BLE001 - the adapter is someone else's code: whatever it raises is the finding
        return [*results, CheckResult("sample", False, told(error))]
    results.append(CheckResult("sample", True, f"3 samples of two conditions and three seeds on {device}"))
    checks: tuple[Callable[[Subject, Evidence], CheckResult], ...] = ANY + (WITH_CODES if subject.has_codes else ())
    if info.images or info.optional_images:
        checks = (*checks, check_images)
    if subject.has_codes and hasattr(generator, "log_likelihood"):
        checks = (*checks, check_likelihood)
    if hasattr(generator, "pixel_log_likelihood"):
        checks = (*checks, check_pixel_likelihood)
    if hasattr(generator, "sampling_cost"):
        checks = (*checks, check_cost)
    return [*results, *(_guarded(check.__name__.removeprefix("check_"), check, subject, evidence) for check in checks)]


def _check_clouds(generator: PremadeClouds) -> CheckResult:
    clouds = generator.clouds
    for index in (0, len(clouds.ids) - 1):
        clouds.points(index, _POINTS, seed=0)
    passed = len(set(clouds.ids)) == len(clouds.ids) and bool(clouds.fingerprint)
    return CheckResult("clouds", passed, f"{len(clouds.ids)} clouds; {_POINTS} points of the first and the last")


def _check_ids(generator: PremadeSamples) -> CheckResult:
    check_ids(generator.images)
    passed = tuple(generator.conditions.ids) == tuple(generator.images.ids)
    told = f"{len(generator.images)} images with unique ids"
    return CheckResult("ids", passed, told if passed else f"{told}, but conditions have other ids")


def _check_images(generator: PremadeSamples) -> CheckResult:
    import torch

    ends = [generator.images[index].image for index in (0, len(generator.images) - 1)]
    axes = 4 if generator.info.video else 3
    passed = all(image.dtype == torch.uint8 and image.ndim == axes and image.shape[-3] == 3 for image in ends)
    told = [f"{image.dtype} {list(image.shape)}".removeprefix("torch.") for image in ends]
    return CheckResult("images", passed, f"the first is {told[0]}, the last {told[1]}")


def _check_fingerprint(generator: PremadeSamples) -> CheckResult:
    images: ImageDataset = generator.images
    return CheckResult("fingerprint", bool(images.fingerprint), images.fingerprint[:16])


_PREMADE: dict[str, Callable[[PremadeSamples], CheckResult]] = {
    "ids": _check_ids,
    "images": _check_images,
    "fingerprint": _check_fingerprint,
}


def _guarded(name: str, check: Callable[..., CheckResult], *given: Any) -> CheckResult:
    try:
        return check(*given)
    except Exception as error:  # noqa: BLE001 - as above
        return CheckResult(name, False, told(error))
