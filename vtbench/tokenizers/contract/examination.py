"""The adapter contract: what every tokenizer must do, checked on real photographs. ``vtbench doctor`` prints this."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from vtbench.core.codes import Codes
from vtbench.core.foreign.guard import told
from vtbench.core.foreign.placing import place, refuse_training
from vtbench.core.foreign.returned import in_words
from vtbench.core.info import TokenizerInfo
from vtbench.tokenizers.contract.checks import ANY, WITH_CODES, check_info
from vtbench.tokenizers.contract.subject import COUNT, CheckResult, Evidence, Subject

if TYPE_CHECKING:
    from vtbench.core.contracts import Reconstructor, Tokenizer

__all__ = ["CheckResult", "check_tokenizer"]

_Check = Callable[[Subject, Evidence], CheckResult]


def check_tokenizer(tokenizer: Tokenizer | Reconstructor, *, size: int = 64, device: str = "cpu") -> list[CheckResult]:
    """Run the contract.

    Args:
        tokenizer: a tokenizer, or a reconstructor, for which the checks of codes are left out.
        size: side of the photographs in pixels; a fixed-size model is checked at its native size.
        device: where to run; the tokenizer is moved there when it has ``to``.

    Returns:
        One result a check, in a fixed order. A tokenizer that cannot encode and decode at all gets ``info`` and a
        failed ``round_trip`` only, since nothing else could be looked at.
    """
    import torch

    info = getattr(tokenizer, "info", None)
    if not isinstance(info, TokenizerInfo):
        return [CheckResult("info", False, f"info is {type(info).__name__}, not TokenizerInfo")]
    results = [check_info(info)]
    side = info.native_size if info.fixed_size and info.native_size else size
    try:
        subject = Subject(place(tokenizer, torch.device(device), torch.float32), info, device)
        evidence = _round_trip(subject, side)
        refuse_training(subject.tokenizer)
    except Exception as error:  # noqa: BLE001 - the adapter is someone else's code: whatever it raises is the finding
        return [*results, CheckResult("round_trip", False, told(error))]
    given = f"clips of {evidence.images.shape[1]} frames" if info.video else "photographs"
    results.append(CheckResult("round_trip", True, f"{COUNT} {given} of {side}x{side} on {device}"))
    checks: tuple[_Check, ...] = (*ANY, *WITH_CODES) if subject.has_codes else ANY
    return [*results, *(_guarded(check, subject, evidence) for check in checks)]


def _round_trip(subject: Subject, side: int) -> Evidence:
    images = subject.samples(COUNT, side, side)
    if not subject.has_codes:
        return Evidence(images, None, subject.round_trip(images.clone()).float().cpu())
    codes = subject.encode(images.clone())
    if not isinstance(codes, Codes):
        raise TypeError(f"encode returned {in_words(codes)}, not Codes")
    output = subject.decode(codes).float().cpu()
    if output.shape != images.shape:
        raise ValueError(f"{list(images.shape)} came back as {list(output.shape)}")
    return Evidence(images, codes, output)


def _guarded(check: _Check, subject: Subject, evidence: Evidence) -> CheckResult:
    try:
        return check(subject, evidence)
    except Exception as error:  # noqa: BLE001 - as above
        return CheckResult(check.__name__.removeprefix("check_"), False, told(error))
