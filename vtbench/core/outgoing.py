"""Text that leaves: names, labels and messages come from files, programs and other people's records.

One function a format. Each makes text harmless where it is shown, and leaves ordinary text as it is.
"""

from __future__ import annotations

import re

# C0 and C1 controls, line and paragraph separators, and marks that turn the reading direction: on a terminal or in a
# page, they can overwrite, hide or reorder what stands beside them.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:inf|nan)")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|!~])")


def terminal_text(text: str) -> str:
    """Text for a terminal or a log, several lines at most: control characters are shown, as ``\\x1b``, not sent."""
    return _CONTROL.sub(_shown, text)


def terminal_line(text: str) -> str:
    """As :func:`terminal_text`, on one line: a message cannot pass itself off as the next one."""
    return terminal_text(" ".join(text.split()))


def table_cell(text: str) -> str:
    """One cell of CSV or TSV: no tab or line break ends it early, and no spreadsheet takes it for a formula.

    Text that begins like a formula is led by an apostrophe, which spreadsheets hide; numbers stay numbers.
    """
    line = terminal_line(text)
    return f"'{line}" if line.startswith(_FORMULA) and not _NUMBER.fullmatch(line) else line


def markdown_text(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return _MARKDOWN.sub(r"\\\1", terminal_line(text))


def markdown_code(text: str) -> str:
    """Text in code quotes, on one line; a quote inside it cannot end them, nor a bar the cell."""
    line = terminal_line(text).replace("`", "'").replace("|", "¦")
    return f"`{line}`" if line else ""


def _shown(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
