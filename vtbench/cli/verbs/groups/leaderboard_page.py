"""``vtbench leaderboard page``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vtbench.core.disk.files import user_path

PAGE = "leaderboard.html"


def page(
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="PATH", parser=user_path, help=f"Folder, for {PAGE} in it; or a file."),
    ] = Path(PAGE),
    root: Annotated[
        Path | None,
        typer.Option(
            "--root", metavar="DIR", parser=user_path, help="Leaderboard folder. [default: the one that is shipped]"
        ),
    ] = None,
    title: Annotated[str, typer.Option("--title", help="Heading of the page.")] = "vtbench leaderboards",
) -> None:
    """Write measured and reported rows as one self-contained page: filters, charts, and what each row follows from."""
    from vtbench.cli.cards import shown_cards
    from vtbench.core.disk.files import write_text
    from vtbench.core.errors import UsageError
    from vtbench.report.leaderboards.page import contents, html_page
    from vtbench.tasks.files import data_root
    from vtbench.tokenizers.reported import cards_of_reported

    folder = data_root() / "leaderboards" if root is None else root
    if not folder.is_dir():
        raise UsageError(f"no leaderboards at {folder}", "give --root DIR, or begin with vtbench leaderboard add RUN")
    file = output if output.suffix in (".html", ".htm") else output / PAGE
    linked = {reported: card.name for reported, card in cards_of_reported().items()}
    write_text(file, html_page(contents(folder, shown_cards(), linked), title))
    typer.echo(f"{file} ({file.stat().st_size / 1e6:.1f} MB)")
