"""One model at several rates: a line that goes through those of its points that are shown."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any


def test_the_line_goes_on_through_what_is_shown(browser: Any, tmp_path: Path) -> None:
    import report_runs as made  # type: ignore[import-not-found]

    from vtbench.report.gather import read_boards
    from vtbench.report.page import html_page

    for tokens, psnr, rate in ((16, 20.0, 0.1), (64, 24.0, 0.5), (256, 26.0, 2.0)):
        made.write_run(tmp_path / str(tokens), f"nested,tokens={tokens}", psnr, rate)
    made.write_run(tmp_path / "other", "other", 21.0, 0.4)
    file = tmp_path / "curve.html"
    file.write_text(html_page(read_boards([tmp_path])), encoding="utf-8")
    before = browser.current_url
    try:
        browser.get(file.as_uri())
        (line,) = browser.find_elements("css selector", "svg.chart.wide path.curve")
        whole = re.findall(r"[ML]([\d.]+) ([\d.]+)", line.get_attribute("d"))
        assert len(whole) == 3 and [float(x) for x, _ in whole] == sorted(float(x) for x, _ in whole)
        hidden = next(
            box
            for box in browser.find_elements("css selector", "input[type=checkbox]")
            if "tokens=64" in (box.get_attribute("aria-label") or "")
        )
        browser.execute_script("arguments[0].click()", hidden)
        assert re.findall(r"[ML]([\d.]+) ([\d.]+)", line.get_attribute("d")) == [whole[0], whole[2]]
    finally:
        browser.get(before)
