"""What ``docs/zoo.md`` and its figures say, of fits and records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from vtbench.checkpoints.cards import Card, CommonCard, GeneratorCard, load_cards, load_generator_cards
from vtbench.core.disk.packaged import ZOO
from vtbench.report.gather import Board
from vtbench.report.leaderboards.measured import measured_boards
from vtbench.report.leaderboards.parts import Part, pictures_of
from vtbench.report.marks import marks_of
from vtbench.zoo.page import again, fits, gallery, shares
from vtbench.zoo.page.sweeps import sections
from vtbench.zoo.repeats import repeats
from vtbench.zoo.sampling.sweeps import TASK

PAGE = "zoo.md"
SHARE, GENERATION = "zoo-share", "zoo-generation"
_HEAD = """# The reference zoo

Small networks of published families' own classes, fitted on CIFAR-10 with equal compute, so that every kind of
tokenizer and of generator can be run offline with trained weights. Written from the cards of the fits and from
`leaderboards/records/` by `python -m vtbench.zoo.page leaderboards docs`; do not edit.

- **What they are for.** To see what the kinds trade against one another, and to run trained weights through every
  code path. They say nothing about the published networks whose classes they are: those are larger, see larger
  images, and are fitted with perceptual and adversarial terms. These are fitted for squared error alone.
- **The images are JPEG copies.** CIFAR-10 as JPEG files of quality 75 with subsampled colours. The pixels are not
  CIFAR-10's own: no number from here stands beside a published one of CIFAR-10. `python -m vtbench.zoo.fit NAME
  --images DIR --out DIR` takes torchvision's CIFAR-10 too, and the card of a fit says which it had.
- **Where the weights lie.** In a distribution of their own, `vtbench-zoo`, in the folder `zoo/` of a clone; vtbench
  finds it there, or installed. It is larger than all of vtbench and changes at another pace, and whoever measures
  other tokenizers need not carry it. Each file's SHA-256 stands in a card and is checked before the file is read.
- **How they are loaded.** As any published model: `vtbench run --tokenizer zoo-vq`, `vtbench run --generator
  zoo-var,cfg_scale=3`, `vtbench show zoo-vq`. Nothing is fetched.
"""
_PARTS = (
    Part(
        task="zoo-reconstruction",
        heading="Reconstruction",
        told="Images of the test split. Of a JPEG file so small most bytes are its header and tables.",
        metric="psnr",
        figure="figures/zoo-reconstruction.svg",
    ),
    Part(
        task="zoo-robustness",
        heading="Codes, encoded again, altered and decoded with mistakes",
        told="Images of the test split.",
    ),
    Part(
        task="zoo-learnability",
        heading="What a small transformer learns of the codes",
        told="Images of the test split.",
    ),
    Part(
        task=SHARE,
        heading="The tokenizer's share of a generator's distance",
        told="Images of the *training* split, re-encoded, against the statistics of the test split that generators are "
        "held against, and as many as are generated. `identity` is the distance that as many other images have. What a "
        "tokenizer adds to that is its share: a generator whose codes were those of images would have as much.",
    ),
    Part(
        task=GENERATION,
        heading="Generation",
        told="Ten classes, 2,000 samples, against the statistics of the test split.",
    ),
)
_SEEN = "## To look at\n"
_RECONSTRUCTIONS = f"""Tiles of photographs, unlike what the tokenizers were fitted on, and what each makes of them.

![Tiles of photographs through each tokenizer of the zoo]({gallery.RECONSTRUCTIONS})
"""
_SAMPLES = f"""Samples of the ten classes, of the first seeds there are, none chosen; a column each: airplane, car,
bird, cat, deer, dog, frog, horse, ship, truck.

![Two samples of each class by each generator of the zoo]({gallery.SAMPLES})
"""
_MEASURED = """## Measured

± is half of a 95 % interval. `make zoo IMAGES=DIR` measures all of it again, `vtbench run --suite zoo` what can be had
offline, on tiles of photographs in place of CIFAR-10.
"""


def documents(cards: Sequence[CommonCard], boards: Mapping[str, Board]) -> dict[str, str]:
    """Text of each file below ``docs``, by its name there.

    Args:
        cards: those whose weights are of the zoo.
        boards: measured rows, by task.
    """
    found, pictures = fits.sections(cards)
    parts = [_HEAD, *found]
    parts += filter(None, [again.section(repeats([card.name for card in cards]))])
    parts += [_SEEN, *_seen(cards)] if cards else []
    shown = [part for part in _PARTS if part.task in boards]
    parts += [_MEASURED] if shown else []
    parts += [part.section(boards, level=3) for part in shown]
    pictures |= pictures_of(shown, boards, marks_of(boards.values()))
    if {SHARE, GENERATION} <= boards.keys() and (text := shares.section(boards[GENERATION], boards[SHARE])):
        parts.append(text)
    if TASK in boards:
        texts, drawn_over = sections(boards[TASK])
        parts, pictures = [*parts, *texts], pictures | drawn_over
    return {PAGE: "\n".join(part.rstrip() + "\n" for part in parts), **pictures}


def _seen(cards: Sequence[CommonCard]) -> list[str]:
    kinds = ((Card, _RECONSTRUCTIONS), (GeneratorCard, _SAMPLES))
    return [text for kind, text in kinds if any(isinstance(card, kind) for card in cards)]


def zoo_boards(root: Path) -> dict[str, Board]:
    """Measured rows of the zoo's tasks, by task.

    Args:
        root: a leaderboard folder.

    Raises:
        VtbenchError: a record that cannot be read, or two of one key.
    """
    tasks = {TASK, *(part.task for part in _PARTS)}
    return {board.title: board for _, board in measured_boards(root) if board.title in tasks}


def zoo_cards() -> list[CommonCard]:
    """Every card whose weights are of the zoo, tokenizers first."""
    cards: list[CommonCard] = [*load_cards().values(), *load_generator_cards().values()]
    return [card for card in cards if card.checkpoint is not None and card.checkpoint.package == ZOO]
