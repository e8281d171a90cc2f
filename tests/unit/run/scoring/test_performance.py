"""What a generator counts of its own work, summed over blocks; what one block does not count is not told."""

from __future__ import annotations

from typing import Any

from vtbench.run.scoring.performance import performance

OLD = {"sampled": 4, "forward_passes": 64, "tokens": 256, "kv_cache_bytes": 1024}
NEW = {**OLD, "steps": 160, "tokens_computed": 900, "drafts_proposed": 500, "drafts_accepted": 96, "head_passes": 6400}
SHARE = {"forward_passes": 8, "tokens_computed": 80, "kv_cache_bytes": 600, "kv_cache_bytes_at_end": 400}


def meta(cost: dict[str, int] | None) -> dict[str, Any]:
    told = {} if cost is None else {"cost": cost}
    return {"seconds": {"sample": 2.0, "decode": 1.0, "io": 1.0}, "events": [], "peak_memory_mb": 10.0, **told}


def test_counts_are_told_an_image() -> None:
    found = performance([meta(NEW), meta(NEW)], count=8)
    assert (found.steps_per_image, found.tokens_computed_per_image, found.tokens_sampled_per_image) == (40, 225, 64)
    assert (found.drafts_proposed, found.drafts_accepted, found.forward_passes_per_image) == (1000, 192, 16)
    assert (found.sample_s_per_image, found.sample_decode_s_per_image) == (0.5, 0.75)
    assert found.head_passes_per_image == 1600


def test_a_plug_in_that_counts_less_is_told_as_far_as_it_counts() -> None:
    for metas in ([meta(OLD), meta(OLD)], [meta(OLD), meta(NEW)]):
        found = performance(metas, count=8)
        assert (found.forward_passes_per_image, found.tokens_per_s, found.kv_cache_bytes) == (16, 128, 1024)
        assert found.steps_per_image is found.drafts_proposed is found.drafts_accepted is None
        assert found.tokens_computed_per_image is found.head_passes_per_image is None


def test_networks_that_take_turns_are_told_apart() -> None:
    two = {**NEW, "weight_bytes": 30, "models": {"refiner": {**SHARE, "weight_bytes": 10}, "drafter": SHARE}}
    found = performance([meta(two), meta({**two, "kv_cache_bytes_at_end": 7})], count=8)
    assert (found.weight_bytes, found.kv_cache_bytes_at_end, list(found.models)) == (30, 7, ["drafter", "refiner"])
    refiner = found.models["refiner"]
    assert (refiner.forward_passes_per_image, refiner.tokens_computed_per_image) == (2, 20)
    assert (refiner.kv_cache_bytes, refiner.kv_cache_bytes_at_end, refiner.weight_bytes) == (600, 400, 10)
    assert found.models["drafter"].weight_bytes is None
    assert not performance([meta(OLD)], count=4).models


def test_a_generator_that_counts_nothing_has_its_seconds() -> None:
    found = performance([meta(None)], count=4)
    assert (found.sample_s_per_image, found.forward_passes_per_image, found.tokens_sampled_per_image) == (
        0.5,
        None,
        None,
    )
