"""When two texts count as the same: Unicode form, whitespace, letter case, and what one unit of text is.

NFKC (Unicode Standard Annex 15) makes full-width and ligature forms equal to plain ones; caseless comparison follows
definition D146 of the Unicode Standard, chapter 3.13; grapheme clusters are those of Unicode Standard Annex 29 since
Unicode 15.1, which keeps the conjuncts of Indic scripts whole.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, get_args

from vtbench.core.errors import AssetMissingError

if TYPE_CHECKING:
    from re import Pattern

Case = Literal["keep", "fold"]
Unit = Literal["character", "grapheme"]

_NO_SPACES = ("zh", "ja")
_GRAPHEMES = ("hi", "mr", "ne", "sa", "kok")
_CONJUNCT = "\u0915\u094d\u0937"  # ka, virama, ssa
_CJK = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\u3000-\u303f]"


@dataclass(frozen=True, kw_only=True)
class TextPolicy:
    """How text is compared; part of a task's protocol.

    Attributes:
        case: ``keep``, or ``fold`` for a caseless comparison.
        unit: what edits and lengths count: ``character`` (a code point) or ``grapheme`` (an extended grapheme
            cluster, what a reader of Devanagari sees as one letter).
        words: the script separates words by spaces, so that a word error rate means something.
        drop_cjk_spaces: leave out whitespace that has a CJK character on one side and a CJK character or punctuation
            on the other: there it is a line break or typography, never text.
    """

    case: Case = "keep"
    unit: Unit = "character"
    words: bool = True
    drop_cjk_spaces: bool = False

    def __post_init__(self) -> None:
        if self.case not in get_args(Case):
            raise ValueError(f"case must be one of {', '.join(get_args(Case))}, got {self.case!r}")
        if self.unit not in get_args(Unit):
            raise ValueError(f"unit must be one of {', '.join(get_args(Unit))}, got {self.unit!r}")


DEFAULT_POLICY = TextPolicy()


def policy_for(language: str, case: Case = "keep") -> TextPolicy:
    """The policy of a language, named by its BCP 47 tag (``en``, ``zh``, ``zh-Hant``, ``ja``, ``ko``, ``hi`` …).

    Chinese and Japanese: characters, no words. Languages in Devanagari: grapheme clusters. Others: characters, words.
    """
    primary = language.lower().partition("-")[0]
    spaceless = primary in _NO_SPACES
    unit: Unit = "grapheme" if primary in _GRAPHEMES else "character"
    return TextPolicy(case=case, unit=unit, words=not spaceless, drop_cjk_spaces=spaceless)


def normalise(text: str, policy: TextPolicy = DEFAULT_POLICY) -> str:
    """NFKC, case as the policy says, every run of whitespace (line breaks too) one space, none at the ends.

    Idempotent.
    """
    text = unicodedata.normalize("NFKC", text)
    if policy.case == "fold":
        text = _fold(text)
    text = " ".join(text.split())
    if policy.drop_cjk_spaces:
        # a combining mark that lost the space it stood on may now compose with the character before it
        text = unicodedata.normalize("NFKC", _cjk_space().sub("", text))
    return text


def units(text: str, policy: TextPolicy = DEFAULT_POLICY) -> list[str]:
    """The characters or grapheme clusters of a text that is normalised already.

    Raises:
        AssetMissingError: grapheme clusters asked of a regex package older than Unicode 15.1.
    """
    return list(text) if policy.unit == "character" else _grapheme().findall(text)


def words(text: str) -> list[str]:
    """The words of a text: what stands between whitespace, punctuation included."""
    return text.split()


def _fold(text: str) -> str:
    text = unicodedata.normalize("NFD", text).casefold()
    text = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", text)


@lru_cache(maxsize=1)
def _cjk_space() -> Pattern[str]:
    import regex  # type: ignore[import-untyped, unused-ignore]

    pattern: Pattern[str] = regex.compile(rf"(?<={_CJK}) (?={_CJK}|\p{{P}})|(?<=\p{{P}}) (?={_CJK})")
    return pattern


@lru_cache(maxsize=1)
def _grapheme() -> Pattern[str]:
    import regex  # type: ignore[import-untyped, unused-ignore]

    pattern: Pattern[str] = regex.compile(r"\X")
    if len(pattern.findall(_CONJUNCT)) != 1:
        # before Unicode 15.1 a conjunct was two clusters: other lengths, so another character error rate
        raise AssetMissingError(
            "grapheme clusters need a newer regex package than the one installed", "pip install 'regex>=2024.11.6'"
        )
    return pattern
