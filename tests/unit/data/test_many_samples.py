"""Ids and fingerprints of many samples: the same values as of few, without everything in memory at once."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Sequence

import pyarrow as pa
import pytest

from vtbench.core.digests import digest_json
from vtbench.core.errors import UsageError
from vtbench.data.fingerprint import SCHEME, Fingerprinted
from vtbench.data.ids import PackedIds, check_ids


class Numbers(Fingerprinted):
    """Samples whose content is their number, with a truth that JSON has to escape."""

    def __init__(self, ids: Sequence[str], threads: int = 1) -> None:
        self.ids, self.hashing_threads = ids, threads

    def content_digest(self, index: int) -> str:
        return hashlib.sha256(str(index).encode()).hexdigest()

    def target(self, index: int) -> dict[str, str]:
        return {"text": f'"{index}"\n', "a": "é"}


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("count", [1, 4096, 4097, 10_000])
def test_the_digest_of_parts_is_that_of_one_document(count: int, threads: int) -> None:
    names = [f"ä/{index:05d}" for index in range(count)]
    numbers = Numbers(names, threads)
    samples = [[name, numbers.content_digest(index), numbers.truth_text(index)] for index, name in enumerate(names)]
    assert numbers.fingerprint == digest_json({"scheme": SCHEME, "samples": samples})


def test_packed_ids_are_a_sequence_of_texts() -> None:
    names = tuple(f"é{index}" for index in range(70_000))
    packed = PackedIds(pa.array(names))
    assert packed == names and len(packed) == 70_000 and list(packed) == list(names)
    assert packed[-1] == names[-1] and packed[3:5] == names[3:5] and packed[::-30_000] == names[::-30_000]
    assert packed[5:2] == () and packed != names[:-1] and packed != (*names[:-1], "x")
    assert names[8] in packed and pickle.loads(pickle.dumps(packed)) == names
    assert Numbers(packed).fingerprint == Numbers(names).fingerprint
    with pytest.raises(IndexError):
        packed[70_000]


@pytest.mark.parametrize("names", [("b", "a", "b"), ("a", "a", "b")])
def test_a_repeated_id_is_found_in_any_order(names: tuple[str, ...]) -> None:
    check_ids(Numbers(("b", "a", "c")))
    for ids in (names, PackedIds(pa.array(names))):
        with pytest.raises(UsageError, match=r"1 sample ids are not unique: '[ab]' \(2 times\)"):
            check_ids(Numbers(ids))
