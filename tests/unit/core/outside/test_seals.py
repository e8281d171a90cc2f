"""Seals: content comes back as it was, or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtbench.core.digests import digest_arrays
from vtbench.core.disk.links import refuse_linked_way, refuse_links
from vtbench.core.errors import DamagedFileError, UnwritableError
from vtbench.core.outside.seals import BrokenSealError, is_sealed, sealed, unsealed
from vtbench.core.outside.tensor_files import check_tensors, read_seal, write_tensors

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text().filter(lambda key: key != "sha256"), JSON))
def test_what_was_sealed_comes_back(content: dict[str, object]) -> None:
    assert is_sealed(sealed(content)) and unsealed(sealed(content)) == content


@pytest.mark.parametrize(
    "content", [None, [], {}, {"a": 1}, {**sealed({"a": 1}), "a": 2}, {**sealed({"a": 1}), "b": 2}]
)
def test_anything_else_is_refused(content: object) -> None:
    with pytest.raises(BrokenSealError):
        unsealed(content)


def test_a_path_that_is_no_text() -> None:
    assert unsealed(sealed({"/data/\udcff": "x"})) == {"/data/\udcff": "x"}


@pytest.mark.parametrize(
    "array",
    [
        np.arange(10),
        np.zeros((0, 5)),
        np.array(3.0),
        np.random.default_rng(0).random((70, 9)).T,
        np.array([True, False]),
    ],
)
def test_arrays_are_digested_in_pieces_as_whole(
    tmp_path: Path, array: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vtbench.core.outside import tensor_files

    monkeypatch.setattr(tensor_files, "_AT_ONCE_BYTES", 100)
    seal = write_tensors(tmp_path / "a", {"x": array, "y": np.zeros(3)}, {"job": "k"}, {"seconds": 1.5})
    assert check_tensors(tmp_path / "a", {"job": "k"}, "again") == seal == read_seal(tmp_path / "a", "again")
    assert seal["content"] == digest_arrays({"x": array, "y": np.zeros(3)})
    with pytest.raises(DamagedFileError, match="is another's"):
        check_tensors(tmp_path / "a", {"job": "l"}, "again")


def test_ways_through_links(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "a" / "b").mkdir(parents=True)
    (tmp_path / "named").symlink_to(root)
    refuse_links(tmp_path / "named" / "a" / "b", tmp_path / "named")
    (root / "a" / "file").symlink_to(__file__)
    refuse_links(root / "a", root)
    (root / "a" / "gone").symlink_to(root / "nowhere")
    with pytest.raises(UnwritableError, match="gone is a symbolic link"):
        refuse_links(root / "a", root)
    (root / "c").symlink_to(root / "a")
    with pytest.raises(UnwritableError, match="c is a symbolic link"):
        refuse_linked_way(root / "c" / "b", root)
    for outside in (tmp_path / "other", root / ".." / "other"):
        with pytest.raises(UnwritableError, match="does not lie below"):
            refuse_linked_way(outside, root)
