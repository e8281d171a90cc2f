"""Rules that clean captions: each by name, and whole captions as the authors' own function cleans them.

What whole captions become was computed by language/t5.py of FoundationVision/LlamaGen (ce98ec4) with ftfy 6.3.1 and
beautifulsoup4 4.15.0.
"""

from __future__ import annotations

import random
import string
import sys

import pytest

from vtbench.core.errors import AssetMissingError
from vtbench.generators.text.captions.cleaning import CaptionCleaning, cleaned_once
from vtbench.generators.text.captions.libraries import mended, without_markup
from vtbench.generators.text.captions.rules import AFTER_MENDING, BEFORE_MARKUP, BEFORE_MENDING, words_apart

RULES = {rule.name: rule for rule in (*BEFORE_MARKUP, *BEFORE_MENDING, *AFTER_MENDING)}
EXAMPLES = [
    ("person tag", "a <person> here", "a person here"),
    ("web address", "see https://a.com/x-y now", "see  now"),
    ("web address", "me@foo.com or foo.com@here", "me@ or foo.com@here"),
    ("www address", "www:/x and sub.site.org/", "x and "),
    ("nickname", "by @nick_9, ok", "by , ok"),
    ("Chinese characters and strokes", "a 中文㈱ cat ほげ", "a  cat ほげ"),
    ("dashes", "a—b –‑ c --- d", "a-b - c - d"),
    ("double quotes", "«a» “b” `c´", '"a" "b" "c"'),
    ("single quotes", "‘a’", "'a'"),
    ("quote entity", "&quot;a&quot", "a"),
    ("ampersand entity", "a &amp; b", "a ; b"),
    ("IP address", "at 192.168.10.1:80", "at  :80"),
    ("article number at the end", "news 3:45 ", "news "),
    ("article number at the end", "at 3:45", "at 3:45"),
    ("line break written out", r"a\nb", "a b"),
    ("short number sign", "#123 #1234", " #1234"),
    ("long number sign", "#12345 #1234", " #1234"),
    ("long number", "123456 12345 a123456", " 12345 a123456"),
    ("file name", "see my-img.png there", "see  there"),
    ("repeated quotes", "\"\"\"sale'' 'x'", "\"sale\" 'x'"),
    ("repeated stops", "so... yes. no", "so  yes. no"),
    ("other punctuation", "**sale** (a|b) \\ 50½", " sale   a b    50 "),
    ("stop alone", "a  .  b. c", "a b. c"),
    ("letters, then digits", "jc6640 abcd1234 ab12", " abcd1234 ab12"),
    ("digits among letters", "jc6640vc a1 b", " a1 b"),
    ("letters among digits", "6640vc231 4k", " 4k"),
    ("shipping", "worldwide free shipping, shipping", ", "),
    ("download", "free download free, downloads", ", s"),
    ("click", "click for more, click here", ", click here"),
    ("kind of file", "png images, pdf of png image", ",  of "),
    ("page number", "page  12, page x", ", page x"),
    ("letters and digits in turn", "a j2d1a2a b", "a   b"),
    ("dimensions", "10x20 3.5×4 10х2 x", "   x"),
    ("space before a colon", "a  :  b", "a: b"),
    ("space after punctuation", "a,b 1,5 x.y", "a, b 1,5 x. y"),
    ("white space", " a \n b\t", " a b "),
    ("quotes around all", "\"a 'b'\"", "a 'b'"),
    ("punctuation at the beginning", "-,a", ",a"),
    ("punctuation at the end", "a,-", "a,"),
    ("nothing but a word after a stop", ".foo", ""),
]
WHOLE = {
    "A blue Porsche 356 parked in front of a yellow brick wall.": "a blue porsche 356 parked in front of a yellow "
    "brick wall.",
    "a sign that says 'Hello World'": "a sign that says 'hello world",
    "3 < 5 & more": "3 < 5 more",
    "the_best-cat_in-town.jpg, 1024x768": "",
    "A cat, a dog... and (maybe) a BIRD #42": "a cat, a dog and maybe a bird",
    "visit HTTPS://www.Example.com/a+b for 50% off": "visit b for 50% off",
    "": "",
}
LIBRARIES = {
    "Crème brûlée — “fresh”": 'crème brûlée - "fresh"',
    "schÃ¶n ﬁne": "schã¶n fine",
    "<b>bold</b> caf&eacute;": "bold café",
    "%3Cscript%3Ex()%3C/script%3E done": "done",
}


def test_every_rule_has_an_example() -> None:
    assert set(RULES) == {name for name, _, _ in EXAMPLES}


@pytest.mark.parametrize(("name", "before", "after"), EXAMPLES)
def test_a_rule_does_what_it_is_called(name: str, before: str, after: str) -> None:
    assert RULES[name](before) == after


def test_words_come_apart_where_many_are_joined() -> None:
    assert words_apart("this-is-my_cute-cat") == "this is my cute cat"
    assert words_apart("a-b_c-d") == "a-b_c-d"


@pytest.mark.parametrize("prompt", WHOLE)
def test_a_plain_caption_is_the_authors_and_needs_no_library(prompt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for library in ("bs4", "ftfy"):
        monkeypatch.setitem(sys.modules, library, None)
    assert CaptionCleaning()(prompt) == WHOLE[prompt]


@pytest.mark.parametrize("prompt", LIBRARIES)
def test_a_caption_that_needs_a_library_is_the_authors(prompt: str) -> None:
    pytest.importorskip("ftfy")
    if "<" in prompt or "%3C" in prompt:
        pytest.importorskip("bs4")
    assert CaptionCleaning()(prompt) == LIBRARIES[prompt]


@pytest.mark.parametrize(("library", "prompt"), [("beautifulsoup4", "a <b>cat</b>"), ("ftfy", "crème")])
def test_without_its_library_a_caption_is_refused(library: str, prompt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bs4" if library == "beautifulsoup4" else library, None)
    with pytest.raises(AssetMissingError, match=f"cannot be cleaned without {library}") as caught:
        CaptionCleaning()(prompt)
    assert "captions" in str(caught.value.hint) or library in str(caught.value.hint)


def test_the_second_pass_takes_out_what_the_first_lays_bare() -> None:
    assert cleaned_once("%2541 cat") == "%41 cat"
    assert CaptionCleaning()("%2541 cat") == "a cat"


def test_what_is_left_to_itself_is_what_the_library_leaves() -> None:
    """Printable ASCII without an ampersand is not changed by ftfy: leaving it out moves nothing."""
    ftfy = pytest.importorskip("ftfy")
    drawn = random.Random(0)
    alphabet = (string.printable.replace("\r", "").replace("\x0b", "").replace("\x0c", "")).replace("&", "")
    for _ in range(300):
        text = "".join(drawn.choices(alphabet, k=drawn.randint(0, 60)))
        assert ftfy.fix_text(text) == text == mended(text)


def test_signs_that_open_no_tag_are_left_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bs4", None)
    for plain in ("i <3 a & b, 3 < 5, x<", "m&ms on a tray", "a&b c&d e"):
        assert without_markup(plain) == plain
    for holding in ("a&lt b", "m&ms; x", "a <b", "</p", "<!-- x", "<?x", "at&t", "&#65;"):
        with pytest.raises(AssetMissingError):
            without_markup(holding)
