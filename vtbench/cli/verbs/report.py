"""``vtbench report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vtbench.core.disk.files import user_path


def report(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN…", parser=user_path, help="Records, run folders, or folders above them."),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="PATH", parser=user_path, help="File; of png, a folder.")
    ] = Path("report.html"),
    form: Annotated[str, typer.Option("--format", help="html, md or png.")] = "",
    title: Annotated[str, typer.Option("--title", help="Heading of the page.")] = "vtbench report",
) -> None:
    """Write finished runs as one self-contained page, as Markdown, or as figures."""
    from vtbench.core.disk.files import write_text
    from vtbench.core.errors import UsageError
    from vtbench.report.gather import read_boards

    chosen = form or {".md": "md", ".png": "png"}.get(output.suffix, "html" if output.suffix else "png")
    if chosen not in ("html", "md", "png"):
        raise UsageError(f"no format {chosen!r}", "known: html, md, png")
    boards = read_boards(runs)
    if chosen == "png":
        from vtbench.report.figures import write_figures

        for path in write_figures(boards, output):
            typer.echo(str(path))
        return
    if chosen == "md":
        from vtbench.report.markdown import markdown_page

        write_text(output, markdown_page(boards, title))
    else:
        from vtbench.report.page import html_page

        write_text(output, html_page(boards, title))
    typer.echo(f"{output} ({output.stat().st_size / 1e6:.1f} MB)")
