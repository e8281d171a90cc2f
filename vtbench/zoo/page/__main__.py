"""``python -m vtbench.zoo.page leaderboards docs``."""

from __future__ import annotations

import sys
from pathlib import Path

from vtbench.core.disk.files import write_text
from vtbench.zoo.page.documents import documents, zoo_boards, zoo_cards


def main() -> None:
    """Write the page and its figures, of a leaderboard folder, given first, into the folder of docs, given second."""
    root, target = map(Path, sys.argv[1:3])
    for name, text in documents(zoo_cards(), zoo_boards(root)).items():
        write_text(target / name, text)


if __name__ == "__main__":
    main()
