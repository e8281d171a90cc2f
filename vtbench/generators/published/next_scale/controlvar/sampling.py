"""The loop of ControlVAR: a pair of maps a pass, in up to four branches that each go on with tokens of their own.

Li et al., ControlVAR: Exploring Controllable Visual Autoregressive Modeling, 2406.09750, on joint guidance.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from vtbench.generators.published.next_scale.controlvar.settings import BRANCHES, NO_CONTROL, NOTHING, ControlSettings
from vtbench.generators.sampling.draws import Draws, make_draws
from vtbench.generators.sampling.filters import probabilities
from vtbench.generators.sampling.next_scale.tally import Tally, cost_of

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.core.contracts import SamplingCost
    from vtbench.generators.published.next_scale.controlvar.network import ControlVarNetwork
    from vtbench.generators.sampling.next_scale.accumulation import Accumulator


def sample_pairs(
    network: ControlVarNetwork,
    labels: Tensor,
    given: Sequence[Tensor],
    accumulator: Accumulator,
    settings: ControlSettings,
    seeds: Tensor,
) -> tuple[list[Tensor], SamplingCost]:
    """Codes ``int64 [B,T]`` of the image at each scale, and what they took.

    All branches are predicted in one pass and draw from the same guided probabilities, each with numbers of its own.
    Those of branches that are left out are drawn too, so that leaving them out moves nothing.

    Args:
        network: in evaluation mode; call it under ``torch.inference_mode``.
        labels: classes, ``int64 [B]``.
        given: codes ``int64 [B,T]`` of the control map at each scale.
        accumulator: of the codes of either map.
        settings: all that moves a sample.
        seeds: ``int64 [B]``.
    """
    branches, schedule, batch = settings.branches(), settings.schedule, len(seeds)
    condition = network.conditioned(_shown(labels, settings.kind, network.geometry.classes, branches))
    cache = network.make_cache(len(branches) * batch, network.geometry.schedule.tokens)
    draws = make_draws(settings.draw, seeds, BRANCHES * network.geometry.schedule.tokens, labels.device)
    tally, codes, seen = Tally(network), [], None
    totals: list[Tensor | None] = [None, None]
    for scale, length in enumerate(schedule.lengths):
        logits = network.step([seen], scale, condition, cache)
        tally.passed(logits, cache)
        found = probabilities(_guided(logits, settings.factors(scale), branches), settings.filters)
        drawn = _drawn(found, settings, draws)[:, list(branches)].transpose(0, 1)
        maps = [drawn[..., :length], drawn[..., length:]]
        maps[0] = torch.stack(
            [own if branch == NOTHING else given[scale] for branch, own in zip(branches, maps[0], strict=True)]
        )
        codes.append(maps[1][0])
        totals = [accumulator.added(total, one.flatten(0, 1), scale) for total, one in zip(totals, maps, strict=True)]
        if scale + 1 < len(schedule):
            seen = torch.cat([accumulator.seen_by(scale + 1, total) for total in totals if total is not None], dim=2)
    return codes, cost_of({"network": tally}, batch, schedule.tokens)


def _shown(labels: Tensor, kind: int, none: int, branches: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Labels and kinds of the rows, branch after branch: the class counts in the first, the kind in the first two."""
    kinds = torch.full_like(labels, kind)
    return (
        torch.cat([labels if branch < 1 else torch.full_like(labels, none) for branch in branches]),
        torch.cat([kinds if branch < 2 else torch.full_like(kinds, NO_CONTROL) for branch in branches]),
    )


def _guided(logits: Tensor, factors: Sequence[float], branches: Sequence[int]) -> Tensor:
    """Logits ``[R,2T,V]`` of the branches, in their order, to ``float32 [B,2T,V]``."""
    parts = logits.float().chunk(len(branches))
    found = factors[0] * parts[0]
    for branch, part in zip(branches[1:], parts[1:], strict=True):
        found = found + factors[branch] * part
    return found


def _drawn(found: Tensor, settings: ControlSettings, draws: Draws) -> Tensor:
    """Probabilities ``[B,2T,V]`` to tokens ``int64 [B,branches,2T]``."""
    if settings.filters.greedy:
        return found.argmax(dim=-1)[:, None].expand(-1, BRANCHES, -1)
    if settings.draw == "torch-multinomial":  # the authors' code draws for all branches in one call
        return draws.next(found.repeat(1, BRANCHES, 1)).view(len(found), BRANCHES, -1)
    return torch.stack([draws.next(found) for _ in range(BRANCHES)], dim=1)
