"""Pairs of samples and files: one rule for all, the strictest that says where the files lie."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import pytest

from vtbench.core.errors import UsageError
from vtbench.tokenizers.elsewhere.pairing import END, PATH, STEM, pair

NFC, NFD = (unicodedata.normalize(form, "é.png") for form in ("NFC", "NFD"))


@pytest.mark.parametrize(
    ("ids", "files", "rule", "found"),
    [
        (["a/1.png", "b/1.png"], ["a/1.png", "c/1.png"], PATH, {"a/1.png": "a/1.png"}),
        (["1.png", "2.png"], ["1.png", "failed/2.png"], PATH, {"1.png": "1.png"}),
        (["1.png", "2.png"], ["1.png", "2.webp"], STEM, {"1.png": "1.png", "2.png": "2.webp"}),
        (["a/1.JPEG", "b/1.JPEG"], ["a/1.png", "c/1.png"], STEM, {"a/1.JPEG": "a/1.png"}),
        (["0000", "0001"], ["0000.png"], STEM, {"0000": "0000.png"}),
        (["a/1.png", "b/2.png"], ["1.png", "2.png"], END, {"a/1.png": "1.png", "b/2.png": "2.png"}),
        (["val/a/1.png", "val/b/1.png"], ["b/1.png", "a/1.png"], END,
         {"val/a/1.png": "a/1.png", "val/b/1.png": "b/1.png"}),
        (["a/1.jpg", "b/1.jpg"], ["out/a/1.png", "out/b/1.png"], END,
         {"a/1.jpg": "out/a/1.png", "b/1.jpg": "out/b/1.png"}),
        (["n02/3.png"], ["n03/3.png"], PATH, {}),
        (["A.png", "a.png"], ["a.png"], PATH, {"a.png": "a.png"}),
        (["a.png"], ["A.png"], PATH, {}),
        (["a.png", "a.jpg", "b.png"], ["a.png", "b.webp"], PATH, {"a.png": "a.png"}),
        (["0.png", "1.png"], ["0.png", "0.webp", "1.webp"], PATH, {"0.png": "0.png"}),
        ([NFC], [NFD], PATH, {NFC: NFD}),
        ([NFD], [NFC], PATH, {NFD: NFC}),
        ([NFC, NFD], [NFD, NFC], PATH, {NFC: NFC, NFD: NFD}),
        ([NFC, NFD], [NFC], PATH, {NFC: NFC}),
        ([NFC], [NFD.replace("png", "webp")], STEM, {NFC: NFD.replace("png", "webp")}),
        (["a/1.png", "a/b/2.png"], ["1.png", "2.png"], END, {"a/1.png": "1.png", "a/b/2.png": "2.png"}),
        (["1.png", "2.png"], ["out/a/1.png", "out/a/2.png"], END, {"1.png": "out/a/1.png", "2.png": "out/a/2.png"}),
        ([f"train/{NFC}"], [NFD], END, {f"train/{NFC}": NFD}),
        (["a.png"], [], PATH, {}),
        ([], ["a.png"], PATH, {}),
    ],
)  # fmt: skip
def test_pairs(ids: Sequence[str], files: Sequence[str], rule: str, found: dict[str, str]) -> None:
    pairs = pair(ids, files)
    assert (pairs.rule, pairs.found) == (rule, found)


@pytest.mark.parametrize(
    ("ids", "files", "told"),
    [
        (["a"], ["a.png", "a.webp"], "'a' fits several files: a.png, a.webp"),
        (["a/1.png", "b/1.png"], ["1.png"], "1.png fits several samples: a/1.png, b/1.png"),
        (["1.png"], ["a/1.png", "b/1.png"], "'1.png' fits several files: a/1.png, b/1.png"),
        (["1.png", "2.png"], ["good/1.png", "failed/2.png"], "several places: good/1.png, failed/2.png"),
        (["a/1.png", "b/2.png"], ["val/a/1.png", "old/b/2.png"], "several places: val/a/1.png, old/b/2.png"),
        (["a/1.png", "b/2.png"], ["1.png", "failed/b/2.png"], "several places: 1.png, failed/b/2.png"),
        (["v/a/1.png", "v/a/2.png"], ["a/1.png", "2.png"], "several places: a/1.png, 2.png"),
        ([unicodedata.normalize("NFC", "ệ.png")],
         [unicodedata.normalize("NFD", "ệ.png"), "ê" + "\u0323" + ".png"], "fits several files"),
    ],
)  # fmt: skip
def test_what_could_be_either_is_refused(ids: Sequence[str], files: Sequence[str], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        pair(ids, files)
    assert told in str(caught.value)


def test_the_first_pair_of_unequal_names_is_the_example() -> None:
    assert pair(["a.png", "b.png"], ["a.png", "b.webp"]).example == "'b.png' with 'b.webp'"
    assert pair([NFC], [NFD]).example == ""
    assert pair(["0000"], ["0000.png"]).example == ""
    assert pair(["a/0000"], ["0000.png"]).example == "'a/0000' with '0000.png'"
