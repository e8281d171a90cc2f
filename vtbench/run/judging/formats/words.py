"""Texts as OneIG-Bench and LongText-Bench compare them: which characters count, and what a text's words are.

The two (OneIG-Bench/OneIG-Benchmark@41b4983, ``text_utils.py``; X-Omni-Team/X-Omni@2b8237b, ``summary_scores.py``)
keep the same characters. Words are compared as bags; a Chinese text is a bag of characters.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

_ACCENTED = "àâäéèêëîïôöùûüçÀÂÄÉÈÊËÎÏÔÖÙÛÜÇ"
_OTHERS = re.compile(rf"[^\u4e00-\u9fa5a-zA-Z0-9\s{_ACCENTED}]")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_SPACE = re.compile(r"\s+")


def kept(text: str) -> str:
    """Letters, digits, Chinese characters and white space."""
    return _OTHERS.sub("", text)


def words_of(text: str) -> Sequence[str]:
    """Words, or the characters of a text with any Chinese one."""
    own = kept(text)
    return _SPACE.sub("", own) if _CHINESE.search(own) else own.split()


def shared(wanted: Sequence[str], read: Sequence[str]) -> int:
    """Words of the one that the other has too, each as often as both have it."""
    return sum((Counter(wanted) & Counter(read)).values())
