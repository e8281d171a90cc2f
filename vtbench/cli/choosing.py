"""``docs/choosing.md`` and its pictures: ``python -m vtbench.cli.choosing leaderboards docs``."""

from __future__ import annotations

import sys
from pathlib import Path

from vtbench.checkpoints.cards import load_cards
from vtbench.core.disk.files import write_text
from vtbench.report.choosing.page import documents
from vtbench.tokenizers.reported import cards_of_reported


def written(root: Path) -> dict[str, str]:
    """Text of each file below ``docs``, from a leaderboard folder and every card there is."""
    return documents(root, tuple(load_cards().values()), cards_of_reported())


def main() -> None:
    """Write the files of a leaderboard folder, given first, into the folder given second."""
    root, target = map(Path, sys.argv[1:3])
    for name, text in written(root).items():
        write_text(target / name, text)


if __name__ == "__main__":
    main()
