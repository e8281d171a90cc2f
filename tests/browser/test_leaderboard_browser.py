"""The page of the leaderboards in a real browser: filters, opened rows, keyboard, phone, both themes, no network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2] / "leaderboards"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from vtbench.cli.cards import shown_cards
    from vtbench.report.leaderboards.page import contents, html_page
    from vtbench.tokenizers.reported import cards_of_reported

    file = tmp_path_factory.mktemp("leaderboards") / "leaderboard.html"
    linked = {name: card.name for name, card in cards_of_reported().items()}
    file.write_text(html_page(contents(ROOT, shown_cards(), linked)), encoding="utf-8")
    return file


@pytest.fixture
def shown(browser: Any) -> Iterator[Any]:
    """The page on a desktop, nothing filtered, nothing opened."""
    on_screen(browser, 1200)
    yield browser
    browser.execute_script("document.getElementById('sheet').close(); document.getElementById('all').click()")


def on_screen(browser: Any, width: int) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600},
    )


def rows(browser: Any) -> list[dict[str, str]]:
    """Facts of every row that is displayed."""
    script = (
        "return [...document.querySelectorAll('main tr[data-model]')].filter((r) => r.checkVisibility())"
        ".map((r) => ({...r.dataset}))"
    )
    return list(browser.execute_script(script))


def ask(browser: Any, **wanted: str) -> list[dict[str, str]]:
    for name, value in wanted.items():
        browser.execute_script(
            "const f = document.getElementById('filters').elements[arguments[0]]; f.value = arguments[1];"
            "f.dispatchEvent(new Event('input', {bubbles: true}))",
            name,
            value,
        )
    return rows(browser)


def test_every_filter_leaves_what_has_what_is_asked_for(shown: Any) -> None:
    every = rows(shown)
    assert len(every) > 400
    for name, value, holds in (
        ("find", "TITOK", lambda row: "titok" in row["find"].lower()),
        ("origin", "measured", lambda row: row["origin"] == "measured"),
        ("boards", "text", lambda row: "text" in row["boards"].split()),
        ("family", "titok", lambda row: row["family"] == "titok"),
        ("rate", "0.3", lambda row: float(row.get("rate", "inf")) <= 0.3),
        ("size", "512", lambda row: row["size"] == "512"),
        ("licence", "?", lambda row: row["licence"] == ""),
        ("since", "2024-07-01", lambda row: row["date"] >= "2024-07"),
        ("until", "2024-06-01", lambda row: "" < row["date"] <= "2024-06"),
    ):
        found = ask(shown, **{name: value})
        expected = [row for row in every if holds(row)]
        assert found == expected and 0 < len(found) < len(every), name
        assert f"{len(found)} of {len(every)} rows" == shown.find_element("id", "told").text
        assert ask(shown, **{name: ""}) == every


def test_filters_are_joined_and_charts_legends_and_sections_follow(shown: Any) -> None:
    found = ask(shown, family="titok", rate="0.02", origin="reported")
    assert found and all(row["family"] == "titok" and float(row["rate"]) <= 0.02 for row in found)
    assert (
        not shown.find_element("id", "measured").is_displayed() and not shown.find_element("id", "cards").is_displayed()
    )
    models = {row["model"] for row in found}
    drawn = shown.execute_script(
        "return [...document.querySelectorAll('g.series')].filter((g) => getComputedStyle(g).display !== 'none' &&"
        " g.closest('svg').checkVisibility()).map((g) => g.dataset.model)"
    )
    assert drawn and set(drawn) <= models
    legend = [entry.text for entry in shown.find_elements("css selector", ".legend li") if entry.is_displayed()]
    assert set(legend) == {"titok"}
    ask(shown, find="no model is called this")
    assert rows(shown) == [] and shown.find_element("id", "told").text.startswith("0 of ")
    shown.find_element("id", "all").click()
    assert len(rows(shown)) > 400


def test_the_front_goes_through_what_is_shown(shown: Any) -> None:
    def front() -> str:
        return str(shown.find_element("css selector", ".measured svg.wide path.front").get_attribute("d"))

    before = front()
    ask(shown, family="jpeg")
    assert front() != before and front().count("L") < before.count("L")


def test_a_measured_row_opens_by_mouse_and_closes_by_escape(shown: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    link = shown.find_element("css selector", "tr[data-origin=measured] a.open")
    link.click()
    sheet = shown.find_element("id", "sheet")
    assert sheet.is_displayed()
    command = sheet.find_element("css selector", "pre.command").text
    assert command == "vtbench run --tokenizer patch-vq --task photos-mini"
    assert "Protocol photos-mini@2+" in sheet.text and "preset: native@1" in sheet.text
    assert "codebook sizes\n512" in sheet.text, "its card"
    assert shown.execute_script("return location.hash") == f"#{link.get_attribute('href').partition('#')[2]}"
    sheet.send_keys(Keys.ESCAPE)
    assert not sheet.is_displayed() and shown.execute_script("return location.hash") == ""


def test_a_reported_row_opens_by_keyboard_and_focus_returns(shown: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    link = next(
        row.find_element("css selector", "a.open")
        for row in shown.find_elements("css selector", "tr[data-origin=reported][data-family=titok]")
    )
    shown.execute_script("arguments[0].focus()", link)
    link.send_keys(Keys.ENTER)
    sheet = shown.find_element("id", "sheet")
    told = sheet.text
    assert "No command repeats a reported number" in told and "--task imagenet256-val" in told
    assert "source" in told and "checkpoint" in told and "licence" in told
    sheet.find_element("css selector", "form button").send_keys(Keys.ENTER)
    assert not sheet.is_displayed()
    assert shown.execute_script("return document.activeElement === arguments[0]", link)


def test_an_address_opens_its_row(shown: Any, page: Path) -> None:
    shown.execute_script("location.hash = '#s2'")
    sheet = shown.find_element("id", "sheet")
    assert sheet.is_displayed() and "jpeg,quality=5" in sheet.text
    shown.execute_script("document.getElementById('sheet').close(); location.hash = '#nothing'")
    assert not sheet.is_displayed()


@pytest.mark.parametrize("width", [390, 800, 1280])
def test_it_fits_the_screen_and_its_text_can_be_read(shown: Any, width: int) -> None:
    on_screen(shown, width)
    assert shown.execute_script("return document.documentElement.scrollWidth") <= width
    sizes = shown.execute_script(
        "return [...document.querySelectorAll('svg.chart')].filter((s) => s.getBoundingClientRect().width)"
        ".flatMap((s) => { const scale = s.getBoundingClientRect().width / s.viewBox.baseVal.width;"
        " return [...s.querySelectorAll('text')].map((t) => parseFloat(getComputedStyle(t).fontSize) * scale); })"
    )
    assert sizes and min(sizes) >= 11.99
    one_each = shown.execute_script(
        "return [...document.querySelectorAll('figure')].map((f) => [...f.querySelectorAll('svg.chart')]"
        ".filter((s) => s.checkVisibility()).length)"
    )
    assert set(one_each) == {1}
    others = shown.execute_script(
        "return [...document.querySelectorAll('body *:not(svg *)')].filter((e) => e.checkVisibility() &&"
        " [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))"
        ".map((e) => parseFloat(getComputedStyle(e).fontSize))"
    )
    assert min(others) >= 12
    shown.find_element("css selector", "tr a.open").click()
    box = shown.find_element("id", "sheet").rect
    assert box["x"] >= 0 and box["x"] + box["width"] <= width


def test_names_in_its_charts_overlap_neither_points_nor_names(shown: Any) -> None:
    on_screen(shown, 1280)
    touching = shown.execute_script(
        "const meets = (a, b) => a.left < b.right && b.left < a.right && a.top + 3 < b.bottom && b.top + 3 < a.bottom;"
        "return [...document.querySelectorAll('svg.chart')].filter((s) => s.checkVisibility()).flatMap((s) => {"
        " const names = [...s.querySelectorAll('.name')].map((t) => t.getBoundingClientRect());"
        " const dots = [...s.querySelectorAll('.dot')].map((t) => t.getBoundingClientRect());"
        " return names.flatMap((n, i) => [...names.slice(0, i), ...dots].filter((o) => meets(n, o))); }).length"
    )
    assert touching == 0


def test_a_chart_is_one_stop_and_arrows_go_from_point_to_point(shown: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    def told() -> str:
        return str(shown.execute_script("return document.activeElement.dataset.tip || ''"))

    chart = shown.find_element("css selector", ".measured svg.wide")
    assert len(chart.find_elements("css selector", ".point[tabindex='0']")) == 1
    first = chart.find_element("css selector", ".point")
    shown.execute_script("arguments[0].focus()", first)
    assert told().startswith("patch-vq:")
    first.send_keys(Keys.ARROW_RIGHT)
    assert told().startswith("jpeg,quality=5:") and shown.find_element("id", "tip").is_displayed()
    shown.switch_to.active_element.send_keys(Keys.END)
    assert told().startswith("resize,factor=2:")
    shown.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    assert told().startswith("resize,factor=2:")
    ask(shown, family="jpeg")
    stop = chart.find_elements("css selector", ".point[tabindex='0']")
    assert len(stop) == 1 and stop[0].get_attribute("data-tip").startswith("jpeg,quality=5:")


def test_it_follows_the_theme_of_the_system_and_a_button(shown: Any) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    def ground() -> str:
        return str(shown.execute_script("return getComputedStyle(document.body).backgroundColor"))

    def in_theme(scheme: str) -> str:
        feature = {"name": "prefers-color-scheme", "value": scheme}
        shown.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        WebDriverWait(shown, 5).until(
            lambda found: found.execute_script("return document.documentElement.dataset.theme") == scheme
        )
        return ground()

    light, dark = in_theme("light"), in_theme("dark")
    assert light != dark
    shown.find_element("id", "theme").click()
    assert ground() == light


def test_a_header_sorts_by_value(shown: Any) -> None:
    table = shown.find_element("css selector", ".measured table")
    head = next(h for h in table.find_elements("css selector", "thead th") if h.text.startswith("psnr"))
    head.find_element("tag name", "button").click()
    names = [cell.text for cell in table.find_elements("css selector", "tbody th")]
    assert names[0] == "patch-vq" and names[-1] == "identity"


def test_nothing_was_asked_of_the_network_and_no_script_failed(shown: Any) -> None:
    assert shown.get_log("browser") == []
    asked = [e["message"] for e in shown.get_log("performance") if '"Network.requestWillBeSent"' in e["message"]]
    assert all('"url":"file:' in message or '"url":"data:' in message for message in asked)
