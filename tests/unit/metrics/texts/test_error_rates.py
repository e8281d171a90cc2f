"""Text metrics against closed forms, a plain dynamic programme, jiwer, and what must hold for any text."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtbench.metrics.texts.error_rates import (
    TEXT_COLUMNS,
    edit_distance,
    macro_rate,
    micro_rate,
    ned,
    row_neds,
    row_rates,
    score_text,
    t_ned,
    text_accuracy,
    vtbench_cer,
    vtbench_wer,
)
from vtbench.metrics.texts.normalisation import TextPolicy, policy_for

TEXTS = st.text(alphabet="abAB é \n你好क्षि", max_size=12)
ASCII_WORDS = st.lists(st.text(alphabet="abc", min_size=1, max_size=3), max_size=6)
SENTENCE = "the quick brown fox jumps over the lazy dog"
# One substitution in "fox", and "dog" to "cats" takes four edits: five characters, two of nine words.
MISREAD = "the quick brown fix jumps over the lazy cats"


def table_distance(a: Sequence[str], b: Sequence[str]) -> int:
    """Wagner and Fischer's table, as in the textbook."""
    table = [[i + j if i * j == 0 else 0 for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i, x in enumerate(a, start=1):
        for j, y in enumerate(b, start=1):
            table[i][j] = min(table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + (x != y))
    return table[-1][-1]


@given(TEXTS, TEXTS)
def test_edit_distance_equals_the_textbook_table(a: str, b: str) -> None:
    assert edit_distance(a, b) == table_distance(a, b) == edit_distance(b, a)
    assert edit_distance(a.split(), b.split()) == table_distance(a.split(), b.split())


def test_rates_of_the_toy_sentence() -> None:
    score = score_text(MISREAD, SENTENCE)
    assert (score.edits, score.length, score.max_length) == (5.0, 43.0, 44.0)
    assert (score.word_edits, score.words, score.exact) == (2.0, 9.0, 0.0)
    assert micro_rate([score.word_edits], [score.words]) == pytest.approx(0.222, abs=5e-4)
    assert micro_rate([score.edits], [score.length]) == 5 / 43
    assert ned([score.edits], [score.max_length]) == 5 / 44


def test_vtbench_wer_counts_characters_over_words() -> None:
    assert vtbench_wer([MISREAD], [SENTENCE]) == 5 / 9
    assert round(vtbench_wer([MISREAD], [SENTENCE]), 3) == 0.556
    assert vtbench_wer([""], [SENTENCE]) == 43 / 9
    # words are joined again, so spacing alone costs nothing here, while the released CER charges it
    assert vtbench_wer(["a  b\nc"], ["a b c"]) == 0.0
    assert vtbench_cer(["a  b\nc"], ["a b c"]) == 2 / 5


def test_vtbench_scores_normalise_nothing_and_pool_over_images() -> None:
    assert vtbench_cer(["ABC", "x"], ["abc", "xyzw"]) == (3 + 3) / (3 + 4)
    assert vtbench_wer(["ab", "c d e"], ["ab", "c d f"]) == (0 + 1) / (1 + 3)
    assert vtbench_cer(["ﬁ"], ["fi"]) == 1.0
    assert math.isnan(vtbench_cer(["noise"], [""])) and math.isnan(vtbench_wer([], []))


def test_micro_weighs_characters_and_macro_weighs_images() -> None:
    edits, lengths = [1.0, 10.0], [1.0, 100.0]
    assert micro_rate(edits, lengths) == 11 / 101
    assert macro_rate(edits, lengths) == pytest.approx((1.0 + 0.1) / 2)


def test_text_read_where_there_is_none_counts_in_micro_only() -> None:
    edits, lengths = [4.0, 1.0], [0.0, 10.0]
    assert micro_rate(edits, lengths) == 0.5
    assert macro_rate(edits, lengths) == 0.1
    assert math.isnan(row_rates(edits, lengths)[0])


def test_nothing_to_measure_is_nan_and_not_zero() -> None:
    assert math.isnan(micro_rate([], [])) and math.isnan(macro_rate([0.0], [0.0])) and math.isnan(text_accuracy([]))
    assert math.isnan(micro_rate([math.nan], [math.nan]))


def test_columns_of_unequal_length_are_refused() -> None:
    for rate in (micro_rate, macro_rate, ned, t_ned):
        with pytest.raises(ValueError):
            rate([1.0], [1.0, 2.0])


def test_languages_without_spaces_have_no_word_error_rate() -> None:
    score = score_text("视觉分词", "视觉分词器", policy_for("zh"))
    assert (score.edits, score.length) == (1.0, 5.0)
    assert math.isnan(score.word_edits) and math.isnan(score.words)
    assert math.isnan(micro_rate([score.word_edits], [score.words]))
    # an English page beside it still has its rate
    assert micro_rate([score.word_edits, 1.0], [score.words, 4.0]) == 0.25


def test_devanagari_is_counted_in_grapheme_clusters() -> None:
    # न म स्ते, a space, जी: five clusters of nine characters; losing the vowel sign of स्ते is one edit of either
    reference, prediction = "नमस्ते जी", "नमस्त जी"
    score = score_text(prediction, reference, policy_for("hi"))
    by_character = score_text(prediction, reference, policy_for("en"))
    assert (score.length, by_character.length) == (5.0, 9.0)
    assert score.edits == by_character.edits == 1.0


def test_accuracy_is_exact_and_case_sensitive_unless_folded() -> None:
    read, truth = ["Exit", "EXIT", "Exit "], ["Exit", "Exit", "Exit"]
    keep = [score_text(p, r).exact for p, r in zip(read, truth, strict=True)]
    fold = [score_text(p, r, TextPolicy(case="fold")).exact for p, r in zip(read, truth, strict=True)]
    assert keep == [1.0, 0.0, 1.0] and text_accuracy(keep) == 2 / 3
    assert fold == [1.0, 1.0, 1.0]


def test_t_ned_is_the_mean_similarity_of_words() -> None:
    scores = [score_text(p, r) for p, r in [("CAFE", "CAFE"), ("CAF", "CAFE"), ("", "OPEN")]]
    assert t_ned([s.edits for s in scores], [s.max_length for s in scores]) == pytest.approx((1.0 + 0.75 + 0.0) / 3)


def test_columns_have_fixed_names() -> None:
    assert tuple(score_text("a", "b").columns()) == TEXT_COLUMNS
    assert TEXT_COLUMNS == (
        "text_edits",
        "text_length",
        "text_max_length",
        "text_word_edits",
        "text_words",
        "text_exact",
    )


@given(st.lists(st.tuples(ASCII_WORDS, ASCII_WORDS.filter(bool)), min_size=1, max_size=4))
def test_micro_rates_equal_those_of_jiwer(pages: list[tuple[list[str], list[str]]]) -> None:
    read, truth = [" ".join(p) for p, _ in pages], [" ".join(r) for _, r in pages]
    scores = [score_text(p, r) for p, r in zip(read, truth, strict=True)]
    assert micro_rate([s.word_edits for s in scores], [s.words for s in scores]) == pytest.approx(
        jiwer.wer(truth, read)
    )
    assert micro_rate([s.edits for s in scores], [s.length for s in scores]) == pytest.approx(jiwer.cer(truth, read))


@given(TEXTS, TEXTS, st.sampled_from(["en", "zh", "hi", "ko"]))
def test_bounds_identity_and_symmetry(a: str, b: str, language: str) -> None:
    policy = policy_for(language)
    score, reverse, same = score_text(a, b, policy), score_text(b, a, policy), score_text(a, a, policy)
    assert same.edits == 0.0 and same.exact == 1.0 and not same.word_edits > 0
    assert (score.edits, score.max_length, score.exact) == (reverse.edits, reverse.max_length, reverse.exact)
    assert abs(score.length - reverse.length) <= score.edits <= score.max_length
    assert 0.0 <= row_neds([score.edits], [score.max_length])[0] <= 1.0
    assert (score.edits == 0.0) == (score.exact == 1.0)
