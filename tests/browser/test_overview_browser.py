"""The overview and the charts in a real browser: models hidden alike everywhere, intervals by touch, a phone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def shown(browser: Any) -> Iterator[Any]:
    """The page on a desktop, nothing hidden."""
    on_screen(browser, 1200)
    browser.execute_script("document.getElementById('all').click(); scrollTo(0, 0)")
    yield browser
    browser.execute_script("document.getElementById('all').click()")


def on_screen(browser: Any, width: int) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600},
    )


def parts(browser: Any, model: str) -> list[bool]:
    """Of everything on the page that belongs to a model outside the overview: whether it is displayed."""
    return list(
        browser.execute_script(
            "return [...document.querySelectorAll('[data-model]')].filter((e) => e.dataset.model === arguments[0])"
            ".map((e) => getComputedStyle(e).display !== 'none')",
            model,
        )
    )


def slide(browser: Any, step: int) -> None:
    browser.execute_script(
        "const r = document.getElementById('rate'); r.value = arguments[0]; r.dispatchEvent(new Event('input'))", step
    )


def test_it_has_a_row_a_model_and_a_column_a_board(shown: Any) -> None:
    heads = [head.text for head in shown.find_elements("css selector", "#overview thead th")]
    assert len(heads) == 2 + 2 and "psnr" in heads[2]
    names = [head.text for head in shown.find_elements("css selector", "#overview tbody th")]
    assert len(names) == 5 and "jpeg" in names and names[-1] == "perfect"


def test_unticking_hides_a_model_on_the_whole_page_and_show_all_brings_it_back(shown: Any) -> None:
    def front() -> str:
        return str(shown.find_element("css selector", "svg.wide path.front").get_attribute("d"))

    before = front()
    box = shown.find_element("css selector", "input.shown[value='jpeg']")
    box.click()
    hidden = parts(shown, "jpeg")
    assert len(hidden) >= 8 and not any(hidden)
    assert any(parts(shown, "worse"))
    assert front() != before, "the line goes through the points that are shown"
    row = box.find_element("xpath", "ancestor::tr")
    assert row.is_displayed() and "dim" in row.get_attribute("class")
    assert shown.find_element("id", "hidden-told").text == "1 hidden"
    shown.find_element("id", "all").click()
    assert any(parts(shown, "jpeg")) and front() == before


def test_the_rate_hides_whatever_spends_more(shown: Any) -> None:
    slide(shown, 1)
    assert shown.find_element("id", "rate-told").text == "0.5 bits a pixel"
    assert not any(parts(shown, "worse")) and not any(parts(shown, "perfect"))
    assert any(parts(shown, "jpeg")) and any(parts(shown, "sampler"))
    names = [head.text for head in shown.find_elements("css selector", "#overview tbody th") if head.is_displayed()]
    assert len(names) == 3 and "worse" not in names
    slide(shown, 99)
    assert shown.find_element("id", "rate-told").text == "any rate" and any(parts(shown, "worse"))


@pytest.mark.parametrize("width", [1200, 390])
def test_an_interval_is_told_by_tap_and_by_keyboard(shown: Any, width: int) -> None:
    from selenium.webdriver.common.keys import Keys

    on_screen(shown, width)
    number = shown.find_element("css selector", "#b1 td .value")
    tip = shown.find_element("id", "tip")
    shown.execute_script("arguments[0].scrollIntoView({block: 'center', inline: 'center'})", number)
    number.click()
    assert tip.is_displayed() and "95 %" in tip.text
    box = tip.rect
    assert box["x"] >= 0 and box["x"] + box["width"] <= width
    number.send_keys(Keys.ESCAPE)
    assert not tip.is_displayed()
    points = [p for p in shown.find_elements("css selector", "#b1 svg.chart .point") if p.is_displayed()]
    shown.execute_script("arguments[0].scrollIntoView({block: 'center'}); arguments[0].focus()", points[0])
    assert tip.is_displayed() and "95 %" in tip.text and "psnr" in tip.text
    points[-1].click()
    assert "cer" in tip.text


def test_the_models_stay_in_sight_when_a_table_is_scrolled(shown: Any) -> None:
    on_screen(shown, 390)
    for table in ("#overview", "#b1"):
        first, moved, style = shown.execute_script(
            "const scroll = document.querySelector(arguments[0] + ' .scroll'); scroll.scrollLeft = 1000;"
            "const row = scroll.querySelector('tbody tr');"
            "const left = scroll.getBoundingClientRect().left;"
            "const found = [row.cells[0].getBoundingClientRect().left - left, scroll.scrollLeft,"
            " getComputedStyle(row.cells[0]).backgroundColor]; scroll.scrollLeft = 0; return found",
            table,
        )
        assert moved > 20 and abs(first) < 3 and style not in ("transparent", "rgba(0, 0, 0, 0)")


@pytest.mark.parametrize("width", [390, 640, 1040, 1280])
def test_every_text_is_at_least_twelve_pixels_high(shown: Any, width: int) -> None:
    """As it is shown: the text of a drawing shrinks with it."""
    on_screen(shown, width)
    sizes = shown.execute_script(
        "return [...document.querySelectorAll('svg.chart')].filter((s) => s.getBoundingClientRect().width)"
        ".flatMap((s) => { const scale = s.getBoundingClientRect().width / s.viewBox.baseVal.width;"
        " return [...s.querySelectorAll('text')].map((t) => parseFloat(getComputedStyle(t).fontSize) * scale); })"
    )
    assert sizes and min(sizes) >= 11.99
    others = shown.execute_script(
        "return [...document.querySelectorAll('body *:not(svg *)')].filter((e) => e.checkVisibility() &&"
        " [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))"
        ".map((e) => parseFloat(getComputedStyle(e).fontSize))"
    )
    assert min(others) >= 12
    assert shown.execute_script("return document.documentElement.scrollWidth") <= width


def test_names_in_charts_overlap_neither_points_nor_names(shown: Any) -> None:
    touching = shown.execute_script(
        "const meets = (a, b) => a.left < b.right && b.left < a.right && a.top + 2 < b.bottom && b.top + 2 < a.bottom;"
        "return [...document.querySelectorAll('svg.wide')].flatMap((s) => {"
        " const names = [...s.querySelectorAll('.name')].map((t) => t.getBoundingClientRect());"
        " const dots = [...s.querySelectorAll('.dot')].map((t) => t.getBoundingClientRect());"
        " return names.flatMap((n, i) => [...names.slice(0, i), ...dots].filter((o) => meets(n, o))); }).length"
    )
    assert touching == 0
    assert len(shown.find_elements("css selector", "svg.wide .name")) >= 3
