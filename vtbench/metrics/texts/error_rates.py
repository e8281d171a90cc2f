"""Text metrics: how far what a reader read is from the truth.

An image yields counts (:class:`TextScore`), and counts, not ratios, are stored: micro and macro rates, strata and
bootstrap intervals then follow from the same columns. Edits are Levenshtein's (insertions, deletions, substitutions,
one each). Truth is the data set's own text, never what a reader read on the original.

TokBench: Wu et al., arXiv 2505.18142. The ``vtbench_`` functions reproduce what VTBench's released script computes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from vtbench.metrics.texts.normalisation import DEFAULT_POLICY, TextPolicy, normalise, units, words

Column = Sequence[float] | np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, kw_only=True)
class TextScore:
    """Counts of one image (or one word box), as floats, so that they can be columns.

    Attributes:
        edits: between prediction and reference, in the policy's units.
        length: units of the reference.
        max_length: units of the longer of the two.
        word_edits: edits between the lists of words; NaN where the policy has no words.
        words: words of the reference; NaN where the policy has no words.
        exact: 1.0 if the normalised texts are equal, else 0.0.
    """

    edits: float
    length: float
    max_length: float
    word_edits: float
    words: float
    exact: float

    def columns(self) -> Mapping[str, float]:
        """The counts by column name, each with the prefix ``text_``."""
        return {f"text_{name}": value for name, value in asdict(self).items()}


TEXT_COLUMNS = tuple(f"text_{name}" for name in TextScore.__dataclass_fields__)


def score_text(prediction: str, reference: str, policy: TextPolicy = DEFAULT_POLICY) -> TextScore:
    """Normalise both texts and count."""
    prediction, reference = normalise(prediction, policy), normalise(reference, policy)
    predicted, expected = units(prediction, policy), units(reference, policy)
    spoken, written = words(prediction), words(reference)
    return TextScore(
        edits=float(edit_distance(predicted, expected)),
        length=float(len(expected)),
        max_length=float(max(len(predicted), len(expected))),
        word_edits=float(edit_distance(spoken, written)) if policy.words else math.nan,
        words=float(len(written)) if policy.words else math.nan,
        exact=float(prediction == reference),
    )


def edit_distance(prediction: Sequence[str], reference: Sequence[str]) -> int:
    """Levenshtein distance of two sequences of characters, grapheme clusters or words; symmetric."""
    from rapidfuzz.distance import Levenshtein

    return Levenshtein.distance(prediction, reference)


def micro_rate(edits: Column, lengths: Column) -> float:
    """Sum of edits over sum of reference lengths: every character (or word) weighs the same. May exceed 1.

    ``cer`` from ``edits`` and ``length``, ``wer`` from ``word_edits`` and ``words``. Rows with a NaN do not take part;
    what was read on an image without text does. NaN where no row has any reference text.

    Raises:
        ValueError: columns of unequal length.
    """
    numerator, denominator = _finite(edits, lengths)
    total = float(denominator.sum())
    return float(numerator.sum()) / total if total > 0 else math.nan


def macro_rate(edits: Column, lengths: Column) -> float:
    """Mean over images of edits over reference length: every image weighs the same. May exceed 1.

    Rows with a NaN, and images without reference text, whose rate is undefined, do not take part.

    Raises:
        ValueError: columns of unequal length.
    """
    return mean(row_rates(edits, lengths))


def row_rates(edits: Column, lengths: Column) -> list[float]:
    """Edits over length, row by row; NaN where the length is 0 or a NaN.

    Raises:
        ValueError: columns of unequal length.
    """
    pairs = zip(edits, lengths, strict=True)
    return [e / n if n > 0 and not math.isnan(e) else math.nan for e, n in pairs]


def ned(edits: Column, max_lengths: Column) -> float:
    """Mean over images of edits over the longer length: 0 for equal texts, 1 at most. Two empty texts are equal.

    Raises:
        ValueError: columns of unequal length.
    """
    return mean(row_neds(edits, max_lengths))


def row_neds(edits: Column, max_lengths: Column) -> list[float]:
    """Edits over the longer length, row by row; 0 where both texts are empty.

    Raises:
        ValueError: columns of unequal length.
    """
    return [0.0 if n == 0 else e / n for e, n in zip(edits, max_lengths, strict=True)]


def text_accuracy(exact: Column) -> float:
    """Share of rows whose normalised texts are equal; case counts unless the policy folds it.

    A row is an image in page tasks, and a word box in TokBench's (there it is T-ACC).
    """
    return mean(exact)


def t_ned(edits: Column, max_lengths: Column) -> float:
    """TokBench's T-NED: mean over word boxes of 1 - edits / longer length; higher is better.

    Raises:
        ValueError: columns of unequal length.
    """
    return 1.0 - ned(edits, max_lengths)


def mean(column: Column) -> float:
    """Mean of the rows that are not NaN; NaN if there are none."""
    values = np.asarray(column, dtype=np.float64)
    values = values[~np.isnan(values)]
    return math.fsum(values) / len(values) if len(values) else math.nan


def _finite(
    edits: Column, lengths: Column
) -> tuple[np.ndarray[Any, np.dtype[np.float64]], np.ndarray[Any, np.dtype[np.float64]]]:
    """Both columns, without the rows where either is NaN. Counts are whole numbers, so their float64 sums are exact."""
    numerator, denominator = np.asarray(edits, dtype=np.float64), np.asarray(lengths, dtype=np.float64)
    if numerator.shape != denominator.shape:
        raise ValueError(f"columns of unequal length: {numerator.shape} and {denominator.shape}")
    kept = ~(np.isnan(numerator) | np.isnan(denominator))
    return numerator[kept], denominator[kept]


def vtbench_cer(predictions: Sequence[str], references: Sequence[str]) -> float:
    """CER as VTBench's released script computes it: characters of the texts as they are, micro.

    Quirks: nothing is normalised, and the script's reference is what its reader read on the original image. NaN where
    all references are empty.

    Raises:
        ValueError: sequences of unequal length.
    """
    pairs = list(zip(predictions, references, strict=True))
    edits = [float(edit_distance(prediction, reference)) for prediction, reference in pairs]
    return micro_rate(edits, [float(len(reference)) for _, reference in pairs])


def vtbench_wer(predictions: Sequence[str], references: Sequence[str]) -> float:
    """ "WER" as VTBench's released script computes it, which is no word error rate.

    Quirk: words are joined again by single spaces, *characters* are edited, and the sum is divided by the number of
    *words* of the references: about (mean word length + 1) times the CER. NaN where all references are empty.

    Raises:
        ValueError: sequences of unequal length.
    """
    pairs = [(words(p), words(r)) for p, r in zip(predictions, references, strict=True)]
    edits = [float(edit_distance(" ".join(prediction), " ".join(reference))) for prediction, reference in pairs]
    return micro_rate(edits, [float(len(reference)) for _, reference in pairs])
