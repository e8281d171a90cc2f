"""The checks of the generator contract. Each returns one :class:`CheckResult`; an exception inside one fails it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from vtbench.core.contracts import SamplingCost, Tokenizer
from vtbench.core.digests import canonical_json
from vtbench.core.foreign.guard import foreign
from vtbench.core.info import GeneratorInfo
from vtbench.core.pixels import to_uint8
from vtbench.generators.contract.drawn_images import drawn_images
from vtbench.generators.contract.subject import Evidence, Subject
from vtbench.generators.protocols import drawn_levels, images_of
from vtbench.tokenizers.contract.subject import CheckResult, agreement

if TYPE_CHECKING:
    from torch import Tensor

LOW, HIGH, SHARE_INSIDE = -0.5, 1.5, 0.99
ONE_LEVEL = 1.001 / 255
SHARE_EQUAL = 0.99
PIXEL_TOLERANCE = 1e-4
LOG_TOLERANCE = 1e-3
NOT_JUDGED = "not judged: random weights make no pictures"
_FLAT = 1e-3


def check_info(info: GeneratorInfo) -> CheckResult:
    """What it says of itself can be recorded, and names what it is conditioned on."""
    faults = []
    if info.conditions != "class" and info.classes:
        faults.append(f"{info.classes} classes, but it is conditioned on {info.conditions}")
    try:
        canonical_json(dict(info.sampler))
    except (TypeError, ValueError) as error:
        faults.append(f"sampler cannot be recorded as JSON: {error}")
    classes = f" ({info.classes or 'how many is not told'})" if info.conditions == "class" else ""
    images = "".join(f", {role} image" for role in info.images)
    images += "".join(f", {role} image where there is one" for role in info.optional_images)
    told = f"{info.name}: from {info.conditions}{classes}{images}, {len(info.sampler)} sampler settings"
    return CheckResult("info", not faults, "; ".join(faults) or f"{told}, {len(info.weights)} weight files")


def check_shape(subject: Subject, evidence: Evidence) -> CheckResult:
    """``[B,3,H,W]``, of the native size where one is stated."""
    shape, size = list(evidence.images.shape), subject.info.native_size
    due = [3, 3] if not subject.info.video else [3, subject.info.clip_frames or shape[1], 3]
    fits = len(shape) == len(due) + 2 and shape[: len(due)] == due
    passed = fits and size in (None, shape[-1]) and size in (None, shape[-2])
    return CheckResult("shape", passed, f"{shape} for 3 conditions, native size {size or 'not told'}")


def check_finite(subject: Subject, evidence: Evidence) -> CheckResult:
    """No NaN and no infinity."""
    del subject
    wrong = int((~evidence.images.isfinite()).sum())
    return CheckResult("finite", wrong == 0, f"{wrong} of {evidence.images.numel()} values are not finite")


def check_range(subject: Subject, evidence: Evidence) -> CheckResult:
    """Nearly all in [-0.5, 1.5] with a mean in [0, 1], and not flat: images in [-1, 1] or [0, 255] are neither."""
    tokenizer = getattr(getattr(subject.generator, "tokenizer", None), "info", None)
    if subject.info.untrained or getattr(tokenizer, "untrained", False):
        return CheckResult("range", True, NOT_JUDGED)
    images = evidence.images
    inside = float(((images >= LOW) & (images <= HIGH)).double().mean())
    mean, spread = float(images.mean()), float(images.std())
    detail = f"mean {mean:.3f}, standard deviation {spread:.3f}; {inside:.1%} within [{LOW}, {HIGH}]"
    passed = inside >= SHARE_INSIDE and 0.0 <= mean <= 1.0 and spread > _FLAT
    return CheckResult("range", passed, detail if passed else f"{detail}: images are around [0, 1]")


def check_determinism(subject: Subject, evidence: Evidence) -> CheckResult:
    """The same conditions and seeds give the same bits again, whatever the global random state."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(20240229)
        again = subject.sample(evidence.conditions, evidence.seeds)
    difference = _largest(again, evidence.images)
    return CheckResult("determinism", difference == 0.0, f"second run: largest pixel difference {difference:.2g}")


def check_seeds(subject: Subject, evidence: Evidence) -> CheckResult:
    """Two seeds give two images of one condition. (Torch's generator on the CPU uses the lower 32 bits only.)"""
    del subject
    difference = _largest(evidence.images[0:1], evidence.images[2:3])
    told = f"one condition, two seeds: largest pixel difference {difference:.2g}"
    return CheckResult("seeds", difference > PIXEL_TOLERANCE, told)


def check_condition(subject: Subject, evidence: Evidence) -> CheckResult:
    """Two conditions give two images of one seed."""
    first, second = evidence.conditions[:2]
    if first == second:
        return CheckResult("condition", True, "there is one condition only")
    difference = _largest(subject.sample([second], evidence.seeds[:1]), evidence.images[:1])
    told = "two prompts" if first.prompt is not None else f"classes {first.label} and {second.label}"
    told = told if first.image_digests == second.image_digests else "two sets of images"
    return CheckResult("condition", difference > PIXEL_TOLERANCE, f"{told}: largest pixel difference {difference:.2g}")


def check_images(subject: Subject, evidence: Evidence) -> CheckResult:
    """Every image that it takes moves the sample, and one that it may be given is taken."""
    first, info = evidence.conditions[0], subject.info
    others = drawn_images((*info.images, *info.optional_images), info.native_size, 1)
    moved = {}
    for role, image in others.items():
        changed = subject.sample([replace(first, images={**first.images, role: image})], evidence.seeds[:1])
        moved[role] = _largest(changed, evidence.images[:1])
    told = ", ".join(f"{role} {difference:.2g}" for role, difference in moved.items())
    return CheckResult("images", min(moved.values()) > PIXEL_TOLERANCE, f"another one moves pixels by: {told}")


def check_batch(subject: Subject, evidence: Evidence) -> CheckResult:
    """An image alone is the image in a batch, and in a batch in another order."""
    alone = [
        subject.sample([condition], seed[None])
        for condition, seed in zip(evidence.conditions, evidence.seeds, strict=True)
    ]
    backwards = subject.sample(evidence.conditions[::-1], evidence.seeds.flip(0)).flip(0)
    shares = [_share_equal(image, evidence.images[i : i + 1]) for i, image in enumerate(alone)]
    shares += [_share_equal(backwards[i : i + 1], evidence.images[i : i + 1]) for i in range(3)]
    detail = f"{min(shares[:3]):.2%} of values equal alone, {min(shares[3:]):.2%} in another order, to one 8-bit level"
    return CheckResult("batch", min(shares) >= SHARE_EQUAL, detail)


def check_codes(subject: Subject, evidence: Evidence) -> CheckResult:
    """``sample`` is what is made of ``sample_codes``, and the codes alone are those of a batch."""
    tokenizer = getattr(subject.generator, "tokenizer", None)
    if not isinstance(tokenizer, Tokenizer) or evidence.codes is None:
        return CheckResult("codes", False, "sample_codes needs an attribute tokenizer with encode and decode")
    import torch

    with foreign(f"{subject.info.name}: its tokenizer's decode"), torch.inference_mode():
        decoded = images_of(subject.generator, evidence.codes, evidence.seeds).float().cpu()
    difference = _largest(decoded, evidence.images)
    shares = [
        agreement(subject.codes([condition], seed[None]), evidence.codes.select([index]))
        for index, (condition, seed) in enumerate(zip(evidence.conditions, evidence.seeds, strict=True))
    ]
    detail = f"decoded codes within {difference:.2g} of sample; alone, {min(shares):.2%} of codes equal"
    return CheckResult("codes", difference <= PIXEL_TOLERANCE and min(shares) >= SHARE_EQUAL, detail)


def check_bounds(subject: Subject, evidence: Evidence) -> CheckResult:
    """One level a codebook, and every index in [0, K)."""
    info = drawn_levels(subject.generator)
    codes, sizes = evidence.codes, info.codebook_sizes
    assert codes is not None
    forms: Sequence[Tensor] = codes.levels or codes.bits
    if len(forms) != len(sizes):
        return CheckResult("bounds", False, f"{len(forms)} levels, {len(sizes)} codebook sizes of {info.name}")
    ranges = [(int(level.min()), int(level.max()), size) for level, size in zip(codes.levels, sizes, strict=False)]
    told = "; ".join(f"indices {low} to {high} of a codebook of {size}" for low, high, size in ranges)
    return CheckResult("bounds", all(low >= 0 and high < size for low, high, size in ranges), told or codes.form)


def check_cost(subject: Subject, evidence: Evidence) -> CheckResult:
    """Where it is told what a call took, that is about the call made last."""
    del evidence
    with foreign(f"{subject.info.name}: sampling_cost"):
        cost = subject.generator.sampling_cost()
    if cost is None:
        return CheckResult("cost", True, "not told")
    if not isinstance(cost, SamplingCost):
        return CheckResult("cost", False, f"sampling_cost returned {type(cost).__name__}, not SamplingCost")
    counts = (cost.forward_passes, cost.tokens, cost.kv_cache_bytes)
    told = f"{counts[0]} forward passes, {counts[1]} tokens, {counts[2]} bytes of key-value cache"
    if cost.drafts_proposed:
        told += f", {cost.drafts_accepted} of {cost.drafts_proposed} drafts accepted"
    if cost.head_passes:
        told += f", {cost.head_passes} passes of the head"
    for name, share in cost.models.items():
        told += f", {name} {share.forward_passes} passes"
    optional = (
        *(cost.steps, cost.tokens_computed, cost.drafts_proposed, cost.drafts_accepted, cost.head_passes),
        *(cost.kv_cache_bytes_at_end, cost.weight_bytes),
        *(share.forward_passes for share in cost.models.values()),
    )
    return CheckResult("cost", min(*counts, *(count or 0 for count in optional)) >= 0, told)


def check_likelihood(subject: Subject, evidence: Evidence) -> CheckResult:
    """Log-probabilities of the codes that were sampled: none above 0, and of an image alone those of the batch."""
    import torch

    def told(rows: slice) -> Tensor:
        assert evidence.codes is not None
        codes = evidence.codes.select(list(range(3)[rows]))
        with foreign(f"{subject.info.name}: log_likelihood"), torch.inference_mode():
            found: Tensor = subject.generator.log_likelihood(evidence.conditions[rows], codes)
        return found.double().cpu()

    whole, alone = told(slice(None)), torch.cat([told(slice(index, index + 1)) for index in range(3)])
    difference = _largest(whole, alone)
    passed = whole.ndim == 2 and bool((whole <= 0).all() and whole.isfinite().all()) and difference <= LOG_TOLERANCE
    bits = float(-whole.mean()) / math.log(2)
    return CheckResult("likelihood", passed, f"{bits:.3f} bits a token; alone within {difference:.2g} of the batch")


def check_pixel_likelihood(subject: Subject, evidence: Evidence) -> CheckResult:
    """Log-probabilities of the images that were sampled, as 8-bit values: as those of codes."""
    import torch

    images = to_uint8(evidence.images)

    def told(rows: slice) -> Tensor:
        with foreign(f"{subject.info.name}: pixel_log_likelihood"), torch.inference_mode():
            found: Tensor = subject.generator.pixel_log_likelihood(evidence.conditions[rows], images[rows])
        return found.double().cpu()

    whole, alone = told(slice(None)), torch.cat([told(slice(index, index + 1)) for index in range(3)])
    difference = _largest(whole, alone)
    passed = whole.shape == (3,) and bool((whole <= 0).all() and whole.isfinite().all())
    bits = float(-whole.mean()) / math.log(2) / images[0].numel()
    told_in_words = f"{bits:.3f} bits a dimension; alone within {difference:.2g} of the batch"
    return CheckResult("pixel_likelihood", passed and difference <= LOG_TOLERANCE * images[0].numel(), told_in_words)


ANY = (check_shape, check_finite, check_range, check_determinism, check_seeds, check_condition, check_batch)
WITH_CODES = (check_codes, check_bounds)


def _largest(first: Tensor, second: Tensor) -> float:
    return float((first - second).abs().max()) if first.shape == second.shape else float("inf")


def _share_equal(first: Tensor, second: Tensor) -> float:
    """Share of values within one 8-bit level; float noise of another batch shape is far below that."""
    if first.shape != second.shape:
        return 0.0
    return float(((first - second).abs() <= ONE_LEVEL).double().mean())
