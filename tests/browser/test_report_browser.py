"""The report in a real browser: it sorts, slides, enlarges, asks for nothing, and runs nothing that came from data."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def models(browser: Any) -> list[str]:
    table = browser.find_element("css selector", "#b1 table")
    return [cell.text for cell in table.find_elements("css selector", "tbody tr > th:first-child")]


def head(browser: Any, text: str) -> Any:
    table = browser.find_element("css selector", "#b1 table")
    return next(h for h in table.find_elements("tag name", "th") if text in h.text)


def test_nothing_from_data_runs_and_nothing_is_asked_of_the_network(browser: Any, page: Path) -> None:
    assert browser.execute_script("return document.querySelectorAll('img[src=\"x\"]').length") == 0
    assert browser.get_log("browser") == []
    asked = [
        entry["message"]
        for entry in browser.get_log("performance")
        if '"Network.requestWillBeSent"' in entry["message"]
    ]
    assert all('"url":"file:' in message or '"url":"data:' in message for message in asked)


def test_a_header_sorts_up_and_down_with_infinity_in_its_place(browser: Any) -> None:
    psnr = head(browser, "psnr")
    psnr.find_element("tag name", "button").click()
    assert psnr.get_attribute("aria-sort") == "ascending"
    assert models(browser)[1:] == ["worse", "jpeg", "perfect"]
    psnr.find_element("tag name", "button").click()
    assert psnr.get_attribute("aria-sort") == "descending"
    assert models(browser)[:3] == ["perfect", "jpeg", "worse"]


def test_a_header_sorts_by_keyboard(browser: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    rate = head(browser, "bits_per_pixel")
    rate.find_element("tag name", "button").send_keys(Keys.ENTER)
    assert rate.get_attribute("aria-sort") == "ascending"
    assert models(browser)[-1] == "perfect"


def test_the_slider_moves_the_cut_of_every_picture(browser: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    slider = browser.find_element("css selector", ".compare input[type=range]")
    slider.send_keys(*[Keys.ARROW_RIGHT] * 10)
    cut = browser.execute_script("return document.querySelector('.compare').style.getPropertyValue('--cut')")
    assert cut == "60%"


def test_the_error_replaces_the_prediction_and_goes_again(browser: Any) -> None:
    image = browser.find_element("css selector", ".compare img.under")
    button = browser.find_element("css selector", ".compare .toggle-error")
    prediction = image.get_attribute("src")
    browser.execute_script("arguments[0].click()", button)
    assert image.get_attribute("src") == image.get_attribute("data-error")
    assert button.get_attribute("aria-pressed") == "true"
    browser.execute_script("arguments[0].click()", button)
    assert image.get_attribute("src") == prediction


def test_a_picture_is_enlarged_and_closed_by_escape(browser: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    pair = browser.find_element("css selector", ".compare .pair")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", pair)
    pair.send_keys(Keys.ENTER)
    zoom = browser.find_element("id", "zoom")
    assert zoom.is_displayed()
    sources = [image.get_attribute("src") for image in zoom.find_elements("tag name", "img")]
    assert all(source.startswith("data:image/webp") for source in sources) and len(set(sources)) >= 1
    zoom.send_keys(Keys.ESCAPE)
    assert not zoom.is_displayed()


def test_it_has_two_themes_and_fits_a_phone(browser: Any) -> None:
    before = browser.execute_script("return document.documentElement.dataset.theme")
    browser.execute_script("document.getElementById('theme').click()")
    assert browser.execute_script("return document.documentElement.dataset.theme") != before
    browser.set_window_size(500, 800)
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    )
    wide = browser.execute_script("return [innerWidth, document.documentElement.scrollWidth]")
    assert wide == [360, 360]
    assert browser.get_log("browser") == []
