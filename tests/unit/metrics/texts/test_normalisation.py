"""Normalisation: what counts as the same text, and what one unit of it is."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtbench.metrics.texts.normalisation import TextPolicy, normalise, policy_for, units, words

POLICIES = [
    TextPolicy(case=case, unit=unit, drop_cjk_spaces=drop)
    for case in ("keep", "fold")
    for unit in ("character", "grapheme")
    for drop in (False, True)
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  a\t b\n\n c ", "a b c"),
        ("ＡＢＣ１２", "ABC12"),
        ("ﬁnal oﬃce", "final office"),
        ("no\u00a0break\u3000wide", "no break wide"),
        ("cafe\u0301", "café"),
        ("Case Kept", "Case Kept"),
        ("", ""),
    ],
)
def test_form_and_whitespace(text: str, expected: str) -> None:
    assert normalise(text) == expected


def test_case_is_folded_only_when_asked() -> None:
    assert normalise("STRASSE Größe", TextPolicy(case="fold")) == "strasse grösse"
    assert normalise("STRASSE") != normalise("strasse")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("视觉 分词\n器", "视觉分词器"),
        ("ひらがな カタ カナ", "ひらがなカタカナ"),
        ("你好， 世界", "你好,世界"),
        ("使用 GPU 训练", "使用 GPU 训练"),
        ("two words", "two words"),
    ],
)
def test_spaces_between_cjk_characters_are_dropped(text: str, expected: str) -> None:
    assert normalise(text, policy_for("zh")) == expected


def test_korean_keeps_its_spaces_and_its_words() -> None:
    policy = policy_for("ko")
    decomposed = unicodedata.normalize("NFD", "시각 토큰")
    assert policy.words and normalise(decomposed, policy) == "시각 토큰"
    assert len(units(normalise(decomposed, policy), policy)) == 5


def test_grapheme_clusters_of_devanagari() -> None:
    policy = policy_for("hi")
    assert policy.unit == "grapheme" and policy.words
    text = normalise("हिन्दी", policy)
    assert len(text) == 6 and units(text, policy) == ["हि", "न्दी"]
    assert units("कि", policy) == ["कि"] and len("कि") == 2


@pytest.mark.parametrize("language", ["zh", "zh-Hant", "ja", "ZH-cn"])
def test_languages_without_spaces(language: str) -> None:
    assert not policy_for(language).words and policy_for(language).drop_cjk_spaces


def test_words_keep_their_punctuation() -> None:
    assert words("Hello, world!  (twice)") == ["Hello,", "world!", "(twice)"]


@pytest.mark.parametrize("change", [{"case": "upper"}, {"unit": "byte"}])
def test_unknown_settings_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be one of"):
        TextPolicy(**change)


@given(st.text(max_size=12), st.sampled_from(POLICIES))
def test_normalising_twice_changes_nothing(text: str, policy: TextPolicy) -> None:
    once = normalise(text, policy)
    assert normalise(once, policy) == once


@given(st.text(max_size=12), st.sampled_from(POLICIES))
def test_units_make_up_the_text(text: str, policy: TextPolicy) -> None:
    once = normalise(text, policy)
    assert "".join(units(once, policy)) == once
    assert len(units(once, policy)) <= len(once)
