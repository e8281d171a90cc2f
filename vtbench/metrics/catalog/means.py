"""Means of one set metric over several networks: which they are is in the name. No torch.

``fdr_A_B`` is the mean of ``fdr_A`` and ``fdr_B``, networks in the order of the alphabet; ``fdr6`` that over the six of
Yang et al. 2026, and no other mean is called so. Each part is a result of its own.
"""

from __future__ import annotations

from vtbench.core.info import MetricInfo
from vtbench.features import EXTRACTORS

FDR6 = "fdr6"
_FDR6: tuple[str, ...] = (
    "clip_cls_256",
    "convnextv2_base",
    "dinov2_cls_256",
    "inception_tf",
    "mae_cls",
    "siglip2_cls_224",
)
_PREFIX = "fdr"


def mean_parts(name: str) -> tuple[str, ...]:
    """The metrics whose mean a name is; empty for any other name."""
    named = name.removeprefix(f"{_PREFIX}_")
    networks = _FDR6 if name == FDR6 else () if named == name else _networks(named)
    return tuple(f"{_PREFIX}_{network}" for network in networks) if len(networks) > 1 else ()


def mean_info(name: str) -> MetricInfo | None:
    """What a mean is; ``None`` of any other name."""
    parts = mean_parts(name)
    if not parts:
        return None
    summary = f"Mean of FDr, a Fréchet distance over that of held-out images, of {len(parts)} networks."
    return MetricInfo(name=name, version=1, kind="set", higher_is_better=False, summary=summary)


def _networks(text: str) -> tuple[str, ...]:
    """``efflite0_vgg16`` in two; empty where no names of extractors in the order of the alphabet make it up."""
    if text in EXTRACTORS.builtin:
        return (text,)
    for name in sorted(EXTRACTORS.builtin, key=len, reverse=True):
        rest = _networks(text[len(name) + 1 :]) if text.startswith(f"{name}_") else ()
        if rest and name < rest[0]:
            return (name, *rest)
    return ()
