"""A report in a real browser, where there is one."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")


def _load_writer() -> Any:
    path = Path(__file__).parents[1] / "unit" / "report" / "test_report.py"
    spec = importlib.util.spec_from_file_location("report_runs", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["report_runs"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from vtbench.report.gather import read_boards
    from vtbench.report.page import html_page

    folder, made = tmp_path_factory.mktemp("report"), _load_writer()
    for name, model, psnr, rate in (
        ("a", "jpeg", 25.0, 0.5),
        ("b", made.HOSTILE, 9.5, 0.25),
        ("c", "worse", 21.0, 0.6),
        ("d", "perfect", float("inf"), 24.0),
    ):
        made.write_run(folder / name, model, psnr, rate)
    made.write_run(folder / "g", "sampler", 30.0, 0.5, kind="generation", protocol="g@1+1")
    file = folder / "report.html"
    file.write_text(html_page(read_boards([folder])), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def browser(page: Path) -> Iterator[Any]:
    if not (BROWSER and DRIVER) or importlib.util.find_spec("selenium") is None:
        pytest.skip("needs Chromium: make browser, or apt-get install chromium chromium-driver, and selenium")
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = str(BROWSER)
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1200,900"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    driver.get(page.as_uri())
    yield driver
    driver.quit()
