"""The rules by patterns, in the order in which they are applied: as data.

Written from language/t5.py of FoundationVision/LlamaGen (ce98ec4), whose rules are those of DeepFloyd IF. A caption is
in lower case when it comes here; what markup and mending put in may not be.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_FILE_ENDINGS = "png|jpg|jpeg|bmp|webp|eps|pdf|apk|mp4"
_HOST = r"[a-zA-Z0-9.-]+\.(?:com|co|ru|net|org|edu|gov|it)[\w/-]*\b/?(?!@)"
_DASHES = (
    "\u002d\u058a\u05be\u1400\u1806\u2010-\u2015\u2e17\u2e1a\u2e3a\u2e3b\u2e40"
    "\u301c\u3030\u30a0\ufe31\ufe32\ufe58\ufe63\uff0d"
)
_PUNCTUATION = "#®•©™&@·º½¾¿¡§~()[]{}|\\/*"
_TIMES = "xх×"  # a Latin letter, a Cyrillic one, and the sign


@dataclass(frozen=True)
class Rule:
    """One replacement of all that fits a pattern.

    Attributes:
        name: what it takes out or makes even.
        pattern: a regular expression.
        replacement: as ``re.sub`` takes it.
    """

    name: str
    pattern: str
    replacement: str = ""

    def __call__(self, caption: str) -> str:
        """The caption after it."""
        return re.sub(self.pattern, self.replacement, caption)


def _address(scheme: str) -> str:
    """A scheme with what follows it at once, or a host with its path: the host of an address is a match of its own."""
    return rf"\b(?:{scheme}:(?:/{{1,3}}|[a-zA-Z0-9%])|{_HOST})"


BEFORE_MARKUP = (
    Rule("person tag", "<person>", "person"),
    Rule("web address", _address("https?")),
    Rule("www address", _address("www")),
)
BEFORE_MENDING = (
    Rule("nickname", r"@\w+"),
    Rule("Chinese characters and strokes", "[\u31c0-\u9fff]+"),
    Rule("dashes", f"[{_DASHES}]+", "-"),
    Rule("double quotes", "[`´«»“”¨]", '"'),
    Rule("single quotes", "[‘’]", "'"),
    Rule("quote entity", "&quot;?"),
    Rule("ampersand entity", "&amp"),
    Rule("IP address", r"\d{1,3}(?:\.\d{1,3}){3}", " "),
    Rule("article number at the end", r"\d:\d\d\s+$"),
    Rule("line break written out", r"\\n", " "),
    Rule("short number sign", r"#\d{1,3}\b"),
    Rule("long number sign", r"#\d{5,}\b"),
    Rule("long number", r"\b\d{6,}\b"),
    Rule("file name", rf"\S+\.(?:{_FILE_ENDINGS})"),
    Rule("repeated quotes", "[\"']{2,}", '"'),
    Rule("repeated stops", r"\.{2,}", " "),
    Rule("other punctuation", f"[{re.escape(_PUNCTUATION)}]+", " "),
    Rule("stop alone", r"\s+\.\s+", " "),
)
AFTER_MENDING = (
    Rule("letters, then digits", r"\b[a-zA-Z]{1,3}\d{3,15}\b"),
    Rule("digits among letters", r"\b[a-zA-Z]+\d+[a-zA-Z]+\b"),
    Rule("letters among digits", r"\b\d+[a-zA-Z]+\d+\b"),
    Rule("shipping", r"(?:worldwide\s+)?(?:free\s+)?shipping"),
    Rule("download", r"(?:free\s)?download(?:\sfree)?"),
    Rule("click", r"\bclick\s(?:for|on)\s\w+"),
    Rule("kind of file", rf"\b(?:{_FILE_ENDINGS})(?:\simages?)?"),
    Rule("page number", r"\bpage\s+\d+\b"),
    Rule("letters and digits in turn", r"\b\d*[a-zA-Z]+\d+[a-zA-Z]+\d+[a-zA-Z\d]*\b", " "),
    Rule("dimensions", rf"\b\d+\.?\d*[{_TIMES}]\d+\.?\d*\b"),
    Rule("space before a colon", r"\b\s+:\s+", ": "),
    Rule("space after punctuation", r"(\D[,./])\b", r"\1 "),
    Rule("white space", r"\s+", " "),
    Rule("quotes around all", "^[\"']([\\w\\W]+)[\"']$", r"\1"),
    Rule("punctuation at the beginning", "^['_,:;-]"),
    Rule("punctuation at the end", "['_,:+-]$"),
    Rule("nothing but a word after a stop", r"^\.\S+$"),
)

_JOINED = re.compile("[-_]")
_JOINTS_ALLOWED = 3


def words_apart(caption: str) -> str:
    """A caption with more than three hyphens and underlines has spaces in their place."""
    return _JOINED.sub(" ", caption) if len(_JOINED.findall(caption)) > _JOINTS_ALLOWED else caption
