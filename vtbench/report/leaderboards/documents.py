"""The embedded suite in the docs: ``python -m vtbench.report.leaderboards.documents leaderboards docs``."""

from __future__ import annotations

import sys
from pathlib import Path

from vtbench.core.disk.files import write_text
from vtbench.report.leaderboards.measured import measured_boards
from vtbench.report.leaderboards.parts import Part, pictures_of
from vtbench.report.marks import marks_of

FIGURE = "figures/rate-distortion.svg"
"""The picture of the README: photographs, PSNR."""
_HEAD = """# The embedded suite

What `make run` measures, offline, in minutes: embedded models on embedded data, as `vtbench run` without arguments
does, and then small trained networks, as `vtbench run --suite zoo-mini` does where
[the reference zoo](zoo.md) is installed. Written from the records of the leaderboards by
`python -m vtbench.report.leaderboards.documents leaderboards docs`; do not edit.

A row a model, by bits a pixel; ± is half of a 95 % interval; a codec's tokens are bytes; (n 41) says that a value rests
on fewer samples than the others: a mean over images leaves out those that were copied perfectly. The suite is small on
purpose. It orders models and catches regressions, and does not replace ImageNet. [Protocol](protocol.md) says which
numbers compare, and what each metric means.
"""
_PARTS = (
    Part(task="photos-mini", heading="Reconstruction, on photographs", metric="psnr", figure=FIGURE),
    Part(
        task="patterns-mini",
        heading="Detail, on gratings, zone plates, stars, hair and textures",
        metric="high_frequency_error",
        figure="figures/detail.svg",
    ),
    Part(task="robustness-mini", heading="Codes, encoded again, altered and decoded with mistakes in them"),
    Part(task="learnability-mini", heading="Codes, learned by a small transformer: bits that held-out images cost"),
    Part(
        task="english-mini",
        heading="Text, on rendered pages with exact truth, read by RapidOCR",
        metric="cer",
        figure="figures/text.svg",
    ),
    Part(
        task="generation-mini",
        heading="Generation, 64×64 samples of the one generator inside the package",
    ),
    Part(
        task="zoo-tiles-mini",
        heading="Trained tokenizers of every kind, on 32×32 tiles of photographs",
        told="All but the codec are networks of the zoo, fitted with equal compute on images of another kind.",
        metric="psnr",
        figure="figures/trained.svg",
    ),
    Part(
        task="zoo-generation-mini",
        heading="Trained generators of every kind, 32×32 samples",
        told="[The zoo's page](zoo.md#settings-of-samplers) has more samples, and what guidance and acceleration do.",
    ),
)


def documents(root: Path) -> dict[str, str]:
    """Text of each file below ``docs``, by its name there.

    Args:
        root: a leaderboard folder that holds the records of the suite ``mini``.
    """
    boards = {board.title: board for _, board in measured_boards(root)}
    sections = [part.section(boards, level=2) for part in _PARTS]
    pictures = pictures_of(_PARTS, boards, marks_of(boards.values()))
    return {"embedded-suite.md": "\n".join([_HEAD, *sections]), **pictures}


def main() -> None:
    """Write the files of a leaderboard folder, given first, into the folder given second."""
    root, target = map(Path, sys.argv[1:3])
    for name, text in documents(root).items():
        write_text(target / name, text)


if __name__ == "__main__":
    main()
