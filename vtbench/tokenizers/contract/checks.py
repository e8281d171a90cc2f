"""The checks of the adapter contract. Each returns one :class:`CheckResult`; an exception inside one fails it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from vtbench.core.info import TokenizerInfo
from vtbench.tokenizers.contract.codebook import check_codebook
from vtbench.tokenizers.contract.subject import CheckResult, Evidence, Subject, agreement, identical, pick

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.core.codes import Codes

FORMS = {"discrete": ("levels", "bits"), "continuous": ("latents",), "codec": ("payload",)}
LOW, HIGH, SHARE_INSIDE = -0.5, 1.5, 0.99
MEAN_TOLERANCE = 0.25
CODE_AGREEMENT = 0.99
PIXEL_TOLERANCE = 1e-4
NOT_JUDGED = "not judged: random weights return nothing like the photographs"


def check_info(info: TokenizerInfo) -> CheckResult:
    """The declared kind and codebooks agree; :class:`TokenizerInfo` itself refuses the rest."""
    passed = bool(info.codebook_sizes) == (info.kind == "discrete")
    detail = f"{info.name}: {info.kind}, codebook sizes {list(info.codebook_sizes)}, {len(info.weights)} weight files"
    return CheckResult("info", passed, detail)


def check_form(subject: Subject, evidence: Evidence) -> CheckResult:
    """Codes have the form that the declared kind implies."""
    form, expected = _codes(evidence).form, FORMS[subject.info.kind]
    return CheckResult("form", form in expected, f"{form} from a {subject.info.kind} tokenizer")


def check_shape(subject: Subject, evidence: Evidence) -> CheckResult:
    """Square, non-square and odd sizes come back as float images of the same shape."""
    side = evidence.images.shape[-1]
    sizes = [(side, side)]
    if not subject.info.fixed_size:
        sizes += [(side, side + side // 2), (side - 3, side + 5)]
    faults = []
    for height, width in sizes:
        images = subject.samples(1, height, width)
        output = subject.round_trip(images)
        if output.shape != images.shape or not output.is_floating_point():
            faults.append(f"{height}x{width} came back as {output.dtype} {list(output.shape)}")
    told = ", ".join(f"{height}x{width}" for height, width in sizes)
    return CheckResult("shape", not faults, "; ".join(faults) or f"kept at {told}")


def check_finite(subject: Subject, evidence: Evidence) -> CheckResult:
    """No NaN and no infinity."""
    del subject
    wrong = int((~evidence.output.isfinite()).sum())
    return CheckResult("finite", wrong == 0, f"{wrong} of {evidence.output.numel()} values are not finite")


def check_range(subject: Subject, evidence: Evidence) -> CheckResult:
    """Outputs are about as bright as the photographs, and nearly all in [-0.5, 1.5]: a wrong value range is neither."""
    if subject.info.untrained:
        return CheckResult("range", True, NOT_JUDGED)
    output = evidence.output
    inside = float(((output >= LOW) & (output <= HIGH)).double().mean())
    before, after = float(evidence.images.mean()), float(output.mean())
    passed = inside >= SHARE_INSIDE and abs(after - before) <= MEAN_TOLERANCE
    detail = f"mean {before:.3f} in, {after:.3f} out; {inside:.1%} within [{LOW}, {HIGH}]"
    return CheckResult("range", passed, detail if passed else f"{detail}: images are [0, 1] on both sides")


def check_alignment(subject: Subject, evidence: Evidence) -> CheckResult:
    """The output resembles the photographs more than their mirror images or swapped colours."""
    if subject.info.untrained:
        return CheckResult("alignment", True, NOT_JUDGED)
    images, output = evidence.images, evidence.output
    candidates = {
        "as given": images,
        "mirrored left to right": images.flip(-1),
        "upside down": images.flip(-2),
        "transposed": images.transpose(-1, -2),
        "red and blue swapped": images.flip(-3),
    }
    if subject.info.video:
        candidates["played backwards"] = images.flip(1)
    errors = {name: float((output - other).square().mean()) for name, other in candidates.items()}
    best = min(errors, key=lambda name: errors[name])
    detail = f"nearest: {best} (mean squared error {errors[best]:.4f}; as given {errors['as given']:.4f})"
    return CheckResult("alignment", best == "as given", detail)


def check_determinism(subject: Subject, evidence: Evidence) -> CheckResult:
    """The same images (and seeds) give the same bits again."""
    again = subject.round_trip(evidence.images).float().cpu()
    difference = _largest(again, evidence.output)
    same_codes = True
    if evidence.codes is not None:
        same_codes = identical(subject.encode(evidence.images), evidence.codes)
    passed = difference == 0.0 and same_codes
    codes = "" if evidence.codes is None else f"; codes {'equal' if same_codes else 'differ'}"
    return CheckResult("determinism", passed, f"second run: largest pixel difference {difference:.2g}{codes}")


def check_batch(subject: Subject, evidence: Evidence) -> CheckResult:
    """An image alone gives the codes and the pixels that it gives in a batch."""
    shares, differences = [], []
    for index in range(len(evidence.images)):
        alone, together = evidence.images[index : index + 1], evidence.output[index : index + 1]
        if evidence.codes is None:
            output = subject.round_trip(alone, index)
        else:
            codes = pick(evidence.codes, index)
            shares.append(agreement(subject.encode(alone, index), codes))
            output = subject.decode(codes, index)  # of the same codes, so that one flipped code is not counted twice
        differences.append(_largest(output.float().cpu(), together))
    share = min(shares, default=1.0)
    passed = share >= CODE_AGREEMENT and max(differences) <= PIXEL_TOLERANCE
    codes_told = f"{share:.2%} of codes equal, " if shares else ""
    return CheckResult("batch", passed, f"alone against a batch: {codes_told}pixels within {max(differences):.2g}")


def check_levels(subject: Subject, evidence: Evidence) -> CheckResult:
    """As many levels as codebooks are declared."""
    codes, declared = _codes(evidence), len(subject.info.codebook_sizes)
    found = len(codes.levels) + len(codes.bits)
    return CheckResult("levels", found == declared, f"{found} levels, {declared} codebook sizes declared")


def check_bounds(subject: Subject, evidence: Evidence) -> CheckResult:
    """Every index lies in [0, K); a codebook of bits has 2^nbits entries."""
    codes, sizes, faults = _codes(evidence), subject.info.codebook_sizes, []
    for number, (level, size) in enumerate(zip(codes.levels, sizes, strict=False)):
        low, high = int(level.min()), int(level.max())
        if low < 0 or high >= size:
            faults.append(f"level {number}: indices {low} to {high}, codebook of {size}")
    for number, (plane, size) in enumerate(zip(codes.bits, sizes, strict=False)):
        if 2 ** plane.shape[-1] != size:
            faults.append(f"level {number}: {plane.shape[-1]} bits, codebook of {size}")
    return CheckResult("bounds", not faults, "; ".join(faults) or f"within codebooks of {list(sizes)}")


def check_grid(subject: Subject, evidence: Evidence) -> CheckResult:
    """The finest grid has ceil(side / downsample_factor) positions along each side; of clips behind an axis of time."""
    grids, factor = _codes(evidence).grids, subject.info.downsample_factor
    finest = max(grids, key=math.prod, default=())
    finest = finest[1:] if subject.info.video and len(finest) == 3 else finest
    if len(finest) != 2 or factor == 0:
        return CheckResult("grid", True, f"grids {list(grids)}, no two-dimensional one with a factor to compare")
    height, width = evidence.images.shape[-2:]
    expected = (math.ceil(height / factor), math.ceil(width / factor))
    return CheckResult(
        "grid", finest == expected, f"{finest} at {height}x{width} with factor {factor} ({expected} due)"
    )


def check_bits(subject: Subject, evidence: Evidence) -> CheckResult:
    """Bits an image are positive, and no more than the form of the codes needs without any entropy coding."""
    from dataclasses import replace

    codes = _codes(evidence)
    stated, implied = codes.total_bits(subject.info), replace(codes, bits_per_image=None).total_bits(subject.info)
    # One entry alone takes no bits at all, which is a model's business and not an error in counting.
    lowest_allowed = stated > 0 if float(implied.min()) > 0 else stated >= 0
    passed = bool((stated.isfinite() & lowest_allowed & (stated <= implied)).all())
    detail = f"{float(stated.min()):.0f} to {float(stated.max()):.0f} bits an image; the form implies up to "
    return CheckResult("bits", passed, f"{detail}{float(implied.max()):.0f}")


def check_input(subject: Subject, evidence: Evidence) -> CheckResult:
    """The images that were passed in are as they were."""
    images = evidence.images.to(subject.device, copy=True)
    subject.round_trip(images)
    changed = int((images.cpu() != evidence.images).sum())
    return CheckResult("input", changed == 0, f"{changed} of {images.numel()} input values changed in place")


ANY = (
    check_shape,
    check_finite,
    check_range,
    check_alignment,
    check_determinism,
    check_batch,
    check_input,
)
WITH_CODES = (check_form, check_levels, check_bounds, check_grid, check_bits, check_codebook)


def _codes(evidence: Evidence) -> Codes:
    assert evidence.codes is not None
    return evidence.codes


def _largest(first: Tensor, second: Tensor) -> float:
    return float((first - second).abs().max()) if first.shape == second.shape else math.inf
