"""One chart as an SVG file of its own, for pages that are not ours: light or dark as the reader's system is."""

from __future__ import annotations

from collections.abc import Mapping

from vtbench.report.axes import Size
from vtbench.report.marks import Mark
from vtbench.report.series import Chart
from vtbench.report.shell import static
from vtbench.report.svg import chart_svg

SIZE = Size("picture", 560, 380, left=62, right=20, top=40, bottom=54, text=15, names=True)
CROWDED = Size("picture", 980, 600, left=62, right=24, top=40, bottom=54, text=15, names=True, reach=70.0)
"""For many models: twice the room, and a name that would stand far off is left out."""
_EDGE = 16
_STYLE = """text { font: 15px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
.ground { fill: var(--panel); }
"""


def picture(chart: Chart, marks: Mapping[str, Mark], of: Size = SIZE) -> str:
    """An SVG document with its own ground, styles and colours; it asks for nothing and runs nothing."""
    drawing = chart_svg(chart, marks, {}, of)
    width, height = of.width + 2 * _EDGE, of.height + 2 * _EDGE
    view = f'viewBox="{-_EDGE} {-_EDGE} {width} {height}"'
    opening, _, content = drawing.partition(">")
    opening = opening.replace(f'viewBox="0 0 {of.width} {of.height}"', view)
    styles = "".join([static("vtbench.report", "colours.css"), static("vtbench.report", "charts.css"), _STYLE])
    ground = f'<rect class="ground" x="{-_EDGE}" y="{-_EDGE}" width="{width}" height="{height}" rx="10"/>'
    size = f'xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
    return f"{opening} {size}><style>{styles}</style>{ground}{content}\n"
