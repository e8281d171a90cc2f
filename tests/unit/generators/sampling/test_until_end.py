"""The loop of sequences that end by themselves, on a table of probabilities whose draws can be followed by hand."""

from __future__ import annotations

from typing import Any

import torch

from vtbench.generators.sampling.draws import uniforms
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.settings import SamplerSettings
from vtbench.generators.sampling.until_end import sample_until_end

END = 2
TABLE = torch.tensor([[0.2, 0.5, 0.3], [0.45, 0.25, 0.3], [0.0, 0.0, 1.0]], dtype=torch.float64)
"""The next token's probabilities by the last one; 0 begins."""


class TableHost:
    """The last token decides; every call is counted by the sequences in it."""

    end, device, bytes_a_position = END, torch.device("cpu"), 8

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def make_cache(self) -> Any:
        return [torch.empty(0)]

    def step(self, tokens: torch.Tensor, cache: Any) -> torch.Tensor:
        self.sizes.append(len(tokens))
        history = tokens if not len(cache[0]) else torch.cat([cache[0], tokens], dim=1)
        cache[0] = history
        return TABLE.log()[history[:, -1]]

    def keep(self, cache: Any, rows: torch.Tensor) -> None:
        cache[0] = cache[0][rows]


def starts(count: int, *tokens: int) -> torch.Tensor:
    """So many sequences that begin with these tokens."""
    return torch.tensor([tokens or (0,)] * count)


def by_hand(seed: int, most: int, last: int = 0) -> list[int]:
    """One sequence: a number of its own seed a token, by the cumulative probability; the first is no end."""
    found = []
    for at, number in enumerate(uniforms(torch.tensor([seed]), most)[0].tolist()):
        chances = TABLE[last].clone()
        if at == 0:
            chances[END] = 0
        last = int((number * float(chances.sum()) >= chances.cumsum(0)).sum())
        if last == END:
            break
        found.append(last)
    return found


def test_sequences_are_those_drawn_by_hand_whatever_ends_beside_them() -> None:
    host, seeds = TableHost(), list(range(12))
    rows, cost = sample_until_end(host, starts(12), SamplerSettings(), torch.tensor(seeds), 9)
    found = [row.tolist() for row in rows]
    assert found == [by_hand(seed, 9) for seed in seeds]
    lengths = [len(row) for row in found]
    assert min(lengths) >= 1 and max(lengths) == 9 and len(set(lengths)) > 3
    drawn = [min(length + 1, 9) for length in lengths]  # the end is drawn too, where there is room for it
    assert host.sizes == [sum(length > at for length in drawn) for at in range(max(drawn))]
    assert (cost.forward_passes, cost.tokens, cost.tokens_computed) == (max(drawn), sum(drawn), sum(drawn))
    assert cost.kv_cache_bytes == 8 * max(size * (at + 1) for at, size in enumerate(host.sizes))


def test_the_loop_stops_with_the_last_sequence() -> None:
    host = TableHost()
    rows, cost = sample_until_end(host, starts(2), SamplerSettings(Filters(greedy=True)), torch.tensor([0, 1]), 50)
    assert [row.tolist() for row in rows] == [[1, 0] * 25] * 2  # never the end, the likeliest nowhere
    assert cost.forward_passes == 50
    host = TableHost()
    rows, cost = sample_until_end(host, starts(1), SamplerSettings(Filters()), torch.tensor([3]), 500)
    assert len(rows[0]) < 500 and cost.forward_passes == len(rows[0]) + 1


def test_what_is_given_stands_in_front_and_is_not_returned() -> None:
    host = TableHost()
    rows, cost = sample_until_end(host, starts(3, 0, 0, 1), SamplerSettings(), torch.tensor([4, 5, 6]), 9)
    assert [row.tolist() for row in rows] == [by_hand(seed, 9, last=1) for seed in (4, 5, 6)]
    assert cost.tokens_computed == cost.tokens + 3 * 2  # two positions more in the first pass
    assert cost.tokens == sum(host.sizes) and cost.kv_cache_bytes >= 8 * 3 * 3
