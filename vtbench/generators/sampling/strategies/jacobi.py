"""Speculative Jacobi decoding (Teng et al. 2024, SJD): a host drafts a window of tokens for itself and verifies it.

One pass sees the last accepted token and the drafts after it. Drafts are verified from the left; the first one that
fails is drawn again and ends the pass, and the tokens that the pass drew behind it are the next drafts. Every image has
a pointer of its own: what it becomes depends on its condition and seed, whatever stands beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch

from vtbench.core.contracts import SamplingCost
from vtbench.generators.sampling.costs import largest
from vtbench.generators.sampling.draws import draw
from vtbench.generators.sampling.filters import probabilities
from vtbench.generators.sampling.guidance import OFF, guide, guided
from vtbench.generators.sampling.strategies.acceptance import Acceptance, Ratio, residual
from vtbench.generators.sampling.strategies.drafting import Filling, random_fill, repeat_left
from vtbench.generators.sampling.strategies.feeding import Feed
from vtbench.generators.sampling.strategies.streams import Streams

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.generators.sampling.next_token import NextTokenHost, Prompted
    from vtbench.generators.sampling.settings import SamplerSettings


@dataclass(frozen=True)
class Jacobi:
    """The strategy, and all of it that moves a sample.

    Attributes:
        window: tokens that a pass sees of an image, the last accepted one included; 1 drafts nothing.
        filling: what stands in the window where no pass has drawn a draft.
        acceptance: whether a draft stays.
        first: images with fewer accepted tokens take one token a pass.
        last: those with more do too; negative for no such end.
    """

    window: int = 16
    filling: Filling = "random"
    acceptance: Acceptance = field(default_factory=Ratio)
    first: int = 1
    last: int = -1

    def as_recorded(self) -> dict[str, Any]:
        """Every setting, and whether the host's distribution is kept."""
        return {
            "strategy": self.acceptance.name,
            "strategy_lossless": self.acceptance.lossless,
            "strategy_window": self.window,
            "strategy_filling": self.filling,
            "strategy_acceptance": self.acceptance.in_words,
            **({} if self.first <= 1 and self.last < 0 else {"strategy_active": [self.first, self.last]}),
        }

    def notes(self) -> tuple[str, ...]:
        """That a lossy strategy is one."""
        if self.acceptance.lossless:
            return ()
        return (f"strategy={self.acceptance.name} is lossy: its images are not of the model's own distribution",)

    def sample(
        self, host: NextTokenHost, prompted: Prompted, settings: SamplerSettings, seeds: Tensor
    ) -> tuple[Tensor, SamplingCost]:
        """As :func:`~vtbench.generators.sampling.next_token.sample_tokens`: tokens ``int64 [B,N]``, and what they took.

        A host with ``ragged = True`` is run on the whole batch, any other image by image.
        """
        if getattr(host, "ragged", False):
            return _Decoding(self, host, prompted, settings, seeds).finished()
        each = [
            _Decoding(self, host, prompted.rows(slice(row, row + 1)), settings, seeds[row : row + 1]).finished()
            for row in range(len(seeds))
        ]
        return torch.cat([tokens for tokens, _ in each]), _added([cost for _, cost in each])

    def drafts_wanted(self, accepted: Tensor, count: int) -> Tensor:
        """Drafts behind so many accepted tokens, ``int64 [B]`` both: never one without a token after it."""
        active = (accepted >= self.first) & ((self.last < 0) | (accepted <= self.last))
        return torch.where(active, (count - 1 - accepted).clamp(0, self.window - 1), 0)


class _Decoding:
    """One batch from its conditions to its tokens.

    ``tokens`` holds accepted tokens and the drafts behind them, ``accepted`` how many are, ``drafts`` how many of the
    others stand for verification, and ``drawn_from [B,W,V]`` the distributions that these were drawn from.
    """

    def __init__(
        self, strategy: Jacobi, host: NextTokenHost, prompted: Prompted, settings: SamplerSettings, seeds: Tensor
    ) -> None:
        self.strategy, self.host, self.settings = strategy, host, settings
        self.count, self.batch = host.tokens, len(seeds)
        device = prompted.conditional.device
        self.slots = min(strategy.window, max(self.count - 1, 1)) - 1
        self.streams = Streams(seeds, self.count, self.slots, device)
        strengths = [settings.guidance.strength(token, self.count) for token in range(self.count)]
        self.guided, self.strengths = guided(strengths), torch.tensor(strengths, device=device)
        self.feed = Feed(host, prompted.doubled() if self.guided else prompted.conditional, bool(self.guided))
        self.tokens = torch.zeros(self.batch, self.count, dtype=torch.int64, device=device)
        self.accepted = torch.zeros(self.batch, dtype=torch.int64, device=device)
        self.steps = self.proposed = self.stayed = 0

    def finished(self) -> tuple[Tensor, SamplingCost]:
        """Run until every image is done."""
        self._first()
        while bool((self.accepted < self.count).any()):
            self._pass()
        cost = SamplingCost(
            forward_passes=self.feed.passes,
            tokens=self.batch * self.count,
            kv_cache_bytes=self.feed.largest_bytes,
            steps=self.steps,
            tokens_computed=self.feed.computed,
            drafts_proposed=self.proposed,
            drafts_accepted=self.stayed,
            kv_cache_bytes_at_end=self.feed.cache_bytes,
        )
        return self.tokens, cost

    def _first(self) -> None:
        logits = self.feed.prefilled()
        found = self._probabilities(logits[:, None], torch.zeros_like(self.accepted))[:, 0]
        self.vocabulary = found.shape[-1]
        self.tokens[:, 0] = draw(found, self.streams.final[:, 0])
        self.accepted += 1
        self.steps += self.batch
        self._draft(found[:, None].expand(-1, self.slots, -1), torch.zeros_like(self.accepted))

    def _pass(self) -> None:
        """Verify the drafts of every image, accept one token more than stay, and draft again."""
        self.streams.next()
        live = self.accepted < self.count
        length = 1 + int(self.drafts.max())
        start = (self.accepted - 1).clamp(max=self.count - 1 - length)
        if self.guided and int(self.accepted.min()) >= self.guided:
            self.feed.halved()
        logits = self.feed.stepped(self.tokens.gather(1, start[:, None] + self._along(length)), start)
        found = self._probabilities(logits, start + 1)
        # the first draft of an image is judged by the output at its last accepted token
        found = _picked(found, (self.accepted - 1 - start)[:, None] + self._along(self.slots + 1))
        stayed = self._verified(found)
        self._accept(found, stayed, live)
        self.steps += int(live.sum())
        self.proposed += int(self.drafts.sum())
        self.stayed += int(stayed.sum())
        # outputs behind the accepted ones, as far as a draft was seen
        left, behind = self.drafts - stayed, stayed[:, None] + 1 + self._along(self.slots)
        self.accepted = torch.where(live, self.accepted + stayed + 1, self.accepted)
        self._draft(_picked(found, behind), left)

    def _verified(self, found: Tensor) -> Tensor:
        """How many drafts of each image stay, ``int64 [B]``."""
        drafts = self.tokens.gather(1, (self.accepted[:, None] + self._along(self.slots)).clamp(max=self.count - 1))
        chance = self.strategy.acceptance.chance(found[:, : self.slots], self.drawn_from, drafts)
        stays = (self.streams.accept < chance) & (self._along(self.slots) < self.drafts[:, None])
        return stays.long().cumprod(dim=1).sum(dim=1)

    def _accept(self, found: Tensor, stayed: Tensor, live: Tensor) -> None:
        """Draw the token after those that stay: from what is left of p where a draft failed, else from p."""
        last = _picked(found, stayed[:, None])[:, 0]
        if self.slots:
            drafted = _picked(self.drawn_from, stayed[:, None])[:, 0]
            last = torch.where((stayed < self.drafts)[:, None], residual(last, drafted), last)
        at = (self.accepted + stayed).clamp(max=self.count - 1)[:, None]
        token = draw(last, self.streams.final.gather(1, at)[:, 0])[:, None]
        self.tokens.scatter_(1, at, torch.where(live[:, None], token, self.tokens.gather(1, at)))

    def _draft(self, found: Tensor, fresh: Tensor) -> None:
        """Fill the windows: the first ``fresh`` drafts of each from ``found [B,W,V]``, the others by the rule."""
        self.drafts = self.strategy.drafts_wanted(self.accepted, self.count)
        if not self.slots:
            self.drawn_from = found
            return
        drawn = draw(found.flatten(0, 1), self.streams.draft.flatten()).view(self.batch, self.slots)
        is_fresh = self._along(self.slots) < fresh[:, None]
        if self.strategy.filling == "random":
            filled = torch.where(is_fresh, drawn, random_fill(self.streams.fill, self.vocabulary))
        else:
            row = getattr(self.host, "row_length", self.count)  # tokens that are no grid make one row
            filled = repeat_left(self.tokens, self.accepted, torch.where(is_fresh, drawn, -1), self.slots, row)
        certain = torch.zeros_like(found).scatter_(-1, filled[..., None], 1.0)
        self.drawn_from = torch.where(is_fresh[..., None], found, certain)
        at = self.accepted[:, None] + self._along(self.slots)
        inside = at < self.count
        image = torch.arange(self.batch, device=at.device)[:, None].expand_as(at)
        self.tokens[image[inside], at[inside]] = filled[inside]

    def _probabilities(self, logits: Tensor, first: Tensor) -> Tensor:
        """Logits ``[B or 2B,G,V]`` of the tokens from ``first [B]`` on to probabilities ``[B,G,V]``."""
        logits = logits.float()
        if self.feed.doubled:
            conditional, unconditional = logits.chunk(2)
            at = (first[:, None] + self._along(logits.shape[1])).clamp(max=self.count - 1)
            strength = self.strengths[at][..., None]
            steered = guide(conditional, unconditional, strength)  # type: ignore[arg-type]
            logits = torch.where(strength == OFF, conditional, steered)
        return probabilities(logits.flatten(0, 1), self.settings.filters).double().view(*logits.shape)

    def _along(self, count: int) -> Tensor:
        return torch.arange(count, device=self.tokens.device)


def _picked(found: Tensor, at: Tensor) -> Tensor:
    """Entries ``[B,K,V]`` of ``[B,G,V]`` at ``int64 [B,K]``; the last one where there is none."""
    at = at.clamp(max=found.shape[1] - 1)
    return found[torch.arange(len(found), device=found.device)[:, None], at]


def _added(costs: list[SamplingCost]) -> SamplingCost:
    """Of images that were sampled one after the other."""
    summed = {
        name: sum(getattr(cost, name) for cost in costs)
        for name in ("forward_passes", "tokens", "steps", "tokens_computed", "drafts_proposed", "drafts_accepted")
    }
    most = {
        name: largest(getattr(cost, name) for cost in costs) for name in ("kv_cache_bytes", "kv_cache_bytes_at_end")
    }
    return replace(costs[0], **summed, **most)  # type: ignore[arg-type]
