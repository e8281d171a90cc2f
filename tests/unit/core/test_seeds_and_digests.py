"""Seeds and fingerprints: recomputed here with hashlib from their written definition."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtbench.core.digests import CHUNK_BYTES, canonical_json, digest_arrays, digest_file, digest_json
from vtbench.core.seeds import sample_seed


@pytest.mark.parametrize(("seed", "sample"), [(0, "astronaut/0-0"), (7, "n01440764/x.JPEG"), (-1, ""), (2**70, "é")])
def test_a_seed_is_the_upper_63_bits_of_blake2b(seed: int, sample: str) -> None:
    digest = hashlib.blake2b(str(seed).encode() + b"\x00" + sample.encode(), digest_size=8).hexdigest()
    assert sample_seed(seed, sample) == int(digest, 16) // 2


@given(st.integers(), st.text(st.characters(exclude_categories=["Cs"])))
def test_a_seed_fits_a_signed_64_bit_integer(seed: int, sample: str) -> None:
    assert 0 <= sample_seed(seed, sample) < 2**63


def test_seeds_differ_by_sample_and_by_run() -> None:
    seeds = {sample_seed(run, f"image-{index}") for run in range(20) for index in range(500)}
    assert len(seeds) == 20 * 500
    assert sample_seed(1, "1") != sample_seed(11, "")


def test_a_json_digest_is_sha256_of_the_canonical_text() -> None:
    value = {"b": [1, 2.5, None, True], "a": "é"}
    text = '{"a":"é","b":[1,2.5,null,true]}'
    assert canonical_json(value) == text
    assert digest_json(value) == hashlib.sha256(text.encode()).hexdigest()
    assert digest_json(value, 8) == digest_json(value)[:8]


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5) | st.booleans(), max_size=6))
def test_the_order_of_keys_does_not_matter(value: dict[str, object]) -> None:
    items = list(value.items())
    random.Random(0).shuffle(items)
    assert canonical_json(dict(items)) == canonical_json(value)
    assert json.loads(canonical_json(value)) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [-float("inf")]}])
def test_what_json_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(ValueError):
        digest_json(value)


def test_a_file_digest_across_chunks(tmp_path: Path) -> None:
    data = random.Random(0).randbytes(2 * CHUNK_BYTES + 17)
    (tmp_path / "f").write_bytes(data)
    assert digest_file(tmp_path / "f") == hashlib.sha256(data).hexdigest()
    (tmp_path / "empty").touch()
    assert digest_file(tmp_path / "empty") == hashlib.sha256(b"").hexdigest()


def weights() -> dict[str, np.ndarray]:
    return {"conv.weight": np.arange(12, dtype=np.float32).reshape(3, 4), "conv.bias": np.arange(4, dtype=np.float32)}


def test_arrays_against_the_written_definition() -> None:
    expected = hashlib.sha256()
    expected.update(b'["conv.bias","<f4",[4]]')
    expected.update(np.arange(4, dtype="<f4").tobytes())
    expected.update(b'["conv.weight","<f4",[3,4]]')
    expected.update(np.arange(12, dtype="<f4").tobytes())
    assert digest_arrays(weights()) == expected.hexdigest()


def test_equal_content_has_an_equal_fingerprint() -> None:
    same = weights()
    base = digest_arrays(same)
    assert digest_arrays(dict(reversed(list(same.items())))) == base
    assert digest_arrays({**same, "conv.weight": same["conv.weight"].astype(">f4")}) == base
    assert digest_arrays({**same, "conv.weight": np.asfortranarray(same["conv.weight"])}) == base
    assert digest_arrays({**same, "conv.weight": np.repeat(same["conv.weight"], 2, axis=1)[:, ::2]}) == base


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a.astype(np.float64),
        lambda a: a.astype(np.int32),
        lambda a: a.reshape(4, 3),
        lambda a: a[:, ::-1],
        lambda a: np.nextafter(a, np.float32(100)),
    ],
    ids=["float64", "int32", "shape", "order", "one ulp"],
)
def test_any_change_changes_the_fingerprint(change: object) -> None:
    original = weights()
    changed = {**original, "conv.weight": change(original["conv.weight"])}  # type: ignore[operator]
    assert digest_arrays(changed) != digest_arrays(original)


def test_a_new_name_changes_the_fingerprint() -> None:
    array = weights()["conv.bias"]
    assert digest_arrays({"a": array}) != digest_arrays({"b": array})
    assert digest_arrays({"a": array}) != digest_arrays({"a": array, "b": array[:0]})


def test_arrays_of_objects_have_no_fingerprint() -> None:
    with pytest.raises(ValueError, match="names"):
        digest_arrays({"names": np.array([{"a": 1}, None], dtype=object)})
