"""Tables of cards in Markdown, for the pages that are written from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vtbench.checkpoints.cards import CommonCard


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Head and rows as Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def what(card: CommonCard) -> str:
    """Its summary, with its paper."""
    paper = f" [{card.paper}](https://arxiv.org/abs/{card.paper})" if card.paper else ""
    return f"{card.summary}{paper}"


def place(card: CommonCard) -> str:
    """Where its checkpoint lies; empty where it needs none."""
    if card.checkpoint is None:
        return ""
    if not card.checkpoint.linked:
        return "no address known: `checkpoint=FILE`"
    return f"`{card.checkpoint}`{' (gated)' if card.gated else ''}"
