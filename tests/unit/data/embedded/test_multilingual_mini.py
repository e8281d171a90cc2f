from __future__ import annotations

import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageFont, features

from vtbench.core.digests import digest_file
from vtbench.core.errors import AssetMissingError, UsageError
from vtbench.data.embedded.drawing.multilingual_text import SENTENCES, UNSPACED, lines_of
from vtbench.data.embedded.drawing.noto_fonts import FAMILIES, NotoFamily, find_face, noto_font
from vtbench.data.embedded.multilingual_mini import GLYPH_SIZES, LANGUAGES, MultilingualMini
from vtbench.data.ids import check_ids

# The fonts of Debian 12, and what they draw.
GOLDEN = {
    "zh": (
        "b76b0433203017ca80401b2ee0dd69350349871c4b19d504c34dbdd80541690a",
        "ec9733072b96e038e8ea2fe76125b3fb75dcfd10e5abfed9b6b875125965c7ea",
    ),
    "ja": (
        "b76b0433203017ca80401b2ee0dd69350349871c4b19d504c34dbdd80541690a",
        "736eea5df55b138abce0b537c45be096d378e2f23a02e8ea722e3f2331da13c1",
    ),
    "ko": (
        "b76b0433203017ca80401b2ee0dd69350349871c4b19d504c34dbdd80541690a",
        "fab8493978da5b89709f9879b9b412b359e2755e53bf19461005ccdfe6d2729e",
    ),
    "hi": (
        "79a470365ccb210fa3c7d8d8ff2e005ef9d983cfd067f735a0caf7e15070ca9f",
        "b8815ab96f02a23c0b6a46685b2126f06bdd0daefd9741de343b16eb50e70305",
    ),
}


@pytest.fixture(params=LANGUAGES)
def dataset(request: pytest.FixtureRequest) -> MultilingualMini:
    try:
        return MultilingualMini(request.param)
    except AssetMissingError as error:
        pytest.skip(str(error))


def test_ten_images_a_language_with_exact_truth(dataset: MultilingualMini) -> None:
    check_ids(dataset)
    language = dataset.languages[0]
    assert len(dataset) == 10
    assert {sheet.glyph_px for sheet in dataset.sheets} == set(GLYPH_SIZES)
    for index in range(len(dataset)):
        target = dataset[index].target
        joiner = "" if language in UNSPACED else " "
        assert target["language"] == language
        running = target["text"].replace("\n", joiner)
        pieces = [word for *_, word in target["boxes"]]
        assert pieces == (target["text"].split("\n") if language in UNSPACED else target["text"].split())
        # every sentence but the last is whole, and none comes twice
        seen = [sentence for sentence in SENTENCES[language] if sentence in running]
        rest = running
        for sentence in seen:
            assert rest.count(sentence) == 1
            rest = rest.replace(sentence, "")
        assert not rest.strip() or any(sentence.startswith(rest.strip()) for sentence in SENTENCES[language])


def test_all_ink_is_in_the_boxes(dataset: MultilingualMini) -> None:
    for index in range(len(dataset)):
        sample = dataset[index]
        ink = (sample.image != sample.image[:, :, :1]).any(0).numpy()
        for x0, y0, x1, y1, word in sample.target["boxes"]:
            rows, columns = np.nonzero(ink[y0:y1, x0:x1])
            assert rows.min() <= 1 and columns.min() <= 1, (sample.id, word)
            assert rows.max() >= y1 - y0 - 2 and columns.max() >= x1 - x0 - 2, (sample.id, word)
            ink[y0:y1, x0:x1] = False
        assert not ink.any(), sample.id


def test_the_fonts_have_every_character(dataset: MultilingualMini) -> None:
    language = dataset.languages[0]
    font = noto_font(language, 40)
    missing = bytes(font.getmask("\uffff"))
    characters = {
        c for sentence in SENTENCES[language] for c in sentence if not unicodedata.category(c).startswith("M")
    }
    assert [c for c in sorted(characters - {" "}) if bytes(font.getmask(c)) == missing] == []
    assert font.getname()[0] == FAMILIES[language].name


def test_known_fonts_draw_what_they_drew(dataset: MultilingualMini) -> None:
    language = dataset.languages[0]
    font, fingerprint = GOLDEN[language]
    if digest_file(Path(find_face(FAMILIES[language]).path)) != font:
        pytest.skip("another version of the font")
    assert dataset.fingerprint == fingerprint


def test_languages_differ_where_they_share_characters() -> None:
    """One collection holds a face a language: 直 is drawn in another way in China and in Japan."""
    try:
        chinese, japanese = noto_font("zh", 64), noto_font("ja", 64)
    except AssetMissingError as error:
        pytest.skip(str(error))
    assert bytes(chinese.getmask("直")) != bytes(japanese.getmask("直"))


def test_hindi_is_shaped() -> None:
    try:
        font = noto_font("hi", 64)
    except AssetMissingError as error:
        pytest.skip(str(error))
    unshaped = font.font_variant(layout_engine=ImageFont.Layout.BASIC)
    # The conjunct क्ष is one glyph; unshaped it is three, one of them a visible virama.
    assert font.getlength("क्ष") < 0.8 * unshaped.getlength("क्ष")
    assert bytes(font.getmask("कि")) != bytes(unshaped.getmask("कि"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_are_composed_and_in_their_own_script(language: str) -> None:
    scripts = {"zh": ("CJK",), "ja": ("CJK", "HIRAGANA", "KATAKANA"), "ko": ("HANGUL",), "hi": ("DEVANAGARI",)}[
        language
    ]
    assert len(set(SENTENCES[language])) == 10
    for sentence in SENTENCES[language]:
        assert sentence == unicodedata.normalize("NFC", sentence) == sentence.strip()
        letters = [c for c in sentence if unicodedata.category(c)[0] in "LM"]
        assert len(letters) >= 6
        assert all(unicodedata.name(c).startswith(scripts) for c in letters), sentence


def test_no_line_begins_with_a_closing_mark_or_parts_a_number() -> None:
    font = ImageFont.load_default(80)
    text = ("abcd。ef1968gh", "っyz」")
    for width in range(20, 120, 3):
        lines = ["".join(line) for line in lines_of("ja", text, font, width, most=50)]
        assert "".join(lines) == "".join(text)
        assert not any(line[0] in "。っ」" for line in lines)
        assert any("1968" in line for line in lines)


def test_an_unknown_language_is_told() -> None:
    with pytest.raises(UsageError, match=r"no language 'xx'[\s\S]*zh, ja, ko, hi"):
        MultilingualMini(["zh", "xx"])
    with pytest.raises(UsageError, match="was given no language"):
        MultilingualMini([])


def test_a_missing_font_is_told_with_its_package() -> None:
    """fontconfig names some other font then, which is not taken."""
    nowhere = NotoFamily("Noto Sans Nowhere", ("NotoSansNowhere.ttf",), "fonts-noto-nowhere")
    with pytest.raises(AssetMissingError, match=r"Noto Sans Nowhere[\s\S]*apt-get install fonts-noto-nowhere"):
        find_face(nowhere)


@pytest.mark.skipif(shutil.which("fc-match") is None, reason="needs fontconfig")
def test_a_font_in_another_place_is_found_by_fontconfig() -> None:
    usual = NotoFamily("Noto Sans Devanagari", FAMILIES["hi"].files, "fonts-noto-core")
    try:
        expected = find_face(usual)
    except AssetMissingError as error:
        pytest.skip(str(error))
    assert find_face(usual._replace(files=())) == expected


def test_hindi_without_raqm_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda name: name != "raqm")
    with pytest.raises(AssetMissingError, match=r"Raqm[\s\S]*libfribidi0"):
        MultilingualMini("hi")
