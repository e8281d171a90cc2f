"""Text from outside cannot act where it is shown."""

from __future__ import annotations

import csv
import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtbench.core.outgoing import markdown_code, markdown_text, table_cell, terminal_line, terminal_text


def test_a_terminal_is_sent_no_control_characters() -> None:
    assert terminal_text("a\x1b[31mred\x07\r\nb") == "a\\x1b[31mred\\x07\\x0d\nb"
    assert terminal_line("one\nerror: two\ttabs") == "one error: two tabs"
    assert terminal_text("\u202egpj.exe\u2066") == "\\u202egpj.exe\\u2066"
    assert terminal_text("中文 é 😀 ±0.4 ↑") == "中文 é 😀 ±0.4 ↑"


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1+2", "-2+3", "@SUM(A1)", "＝1", "  =1", "\t=1"])
def test_a_cell_is_no_formula(text: str) -> None:
    assert table_cell(text).startswith("'")


@pytest.mark.parametrize("text", ["-0.5", "+3", "1e-9", "-inf", "nan", "jpeg,quality=10", "a=b", "-1.2E+3", ""])
def test_numbers_and_ordinary_text_are_cells_as_they_are(text: str) -> None:
    assert table_cell(text) == text


def test_markdown_shows_text_as_it_is() -> None:
    assert markdown_text("a|b <script> [x](y) # *z*\n## h") == "a\\|b \\<script\\> \\[x\\](y) \\# \\*z\\* \\#\\# h"
    assert markdown_code("a`|b\n") == "`a'¦b`" and markdown_code("") == ""


@given(st.text())
def test_any_text_stays_in_its_cell_and_line(text: str) -> None:
    for made in (terminal_line(text), table_cell(text), markdown_text(text), markdown_code(text)):
        assert not any(unicodedata.category(character) in ("Cc", "Zl", "Zp", "Cs") for character in made)
    stream = io.StringIO()
    csv.writer(stream).writerow([table_cell(text), "next"])
    assert next(csv.reader(io.StringIO(stream.getvalue()))) == [table_cell(text), "next"]
