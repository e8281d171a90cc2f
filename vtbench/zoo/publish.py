"""``python -m vtbench.zoo.publish --from DIR``: weights that were fitted become those of the zoo's cards.

Everything that follows from weights is written: the files of ``vtbench-zoo``, the cards with their SHA-256, the
suite ``zoo``, and the pages of tokenizers and of the zoo.
"""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from vtbench.core.digests import digest_file
from vtbench.core.disk.files import atomic_path, write_text
from vtbench.core.disk.packaged import CHECKOUT, ZOO
from vtbench.core.errors import UsageError, VtbenchError
from vtbench.core.outside.parsing import read_json
from vtbench.zoo.cards import card_text
from vtbench.zoo.fit import loaded
from vtbench.zoo.recipes import TOKENIZERS, TokenizerRecipe, find_tokenizer

_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Places:
    """Where files of the zoo lie in a checkout.

    Attributes:
        data: weights, and how they were fitted.
        cards: of tokenizers.
        suites: the file that lists the tokenizers of the suite ``zoo``.
    """

    data: Path = CHECKOUT / ZOO
    cards: Path = _PACKAGE / "tokenizers" / "cards"
    suites: Path = CHECKOUT.parent / "tasks" / "suites.yaml"


def publish(source: Path, names: Sequence[str] = (), places: Places | None = None) -> list[str]:
    """Take over what lies in the folder of fits; the names of what was.

    Args:
        source: what ``python -m vtbench.zoo.fit`` wrote into.
        names: of recipes; every one whose weights are there unless given.
        places: to write to; the checkout's unless given.

    Raises:
        UsageError: no weights, or weights that another recipe made, or that are of a shorter fit.
        AdapterError: weights that the family's adapter cannot read.
    """
    places = places or Places()
    recipes = [find_tokenizer(name) for name in names] or [
        recipe for recipe in TOKENIZERS.values() if _weights(source, recipe.name).is_file()
    ]
    if not recipes:
        raise UsageError(f"{source} holds no weights of the zoo", "python -m vtbench.zoo.fit NAME makes them")
    for recipe in recipes:
        _check(source, recipe)
    for recipe in recipes:
        _take(source, recipe, places)
    return [recipe.name for recipe in recipes]


def made_by(recipe: TokenizerRecipe, told: Mapping[str, Any]) -> bool:
    """Whether the card of a fit says that this recipe made it, whole; fields that recipes got since do not count."""
    now = json.loads(json.dumps(dataclasses.asdict(recipe)))
    stated = told.get("recipe", {})
    return (
        bool(stated) and all(now.get(key) == value for key, value in stated.items()) and told["steps"] == now["steps"]
    )


def _check(source: Path, recipe: TokenizerRecipe) -> None:
    weights, card = _weights(source, recipe.name), source / f"{recipe.name}.json"
    for file in (weights, card):
        if not file.is_file():
            raise UsageError(f"no {file}", f"python -m vtbench.zoo.fit {recipe.name} makes it")
    if not made_by(recipe, read_json(card)):
        raise UsageError(
            f"{weights} was fitted by another recipe than {recipe.name} is now",
            f"fit it again: python -m vtbench.zoo.fit {recipe.name}",
        )
    loaded(recipe, weights)


def _take(source: Path, recipe: TokenizerRecipe, places: Places) -> None:
    weights = _weights(source, recipe.name)
    places.data.mkdir(parents=True, exist_ok=True)
    for file in (weights, source / f"{recipe.name}.json"):
        with atomic_path(places.data / file.name) as temporary:
            shutil.copyfile(file, temporary)
    images = read_json(places.data / f"{recipe.name}.json")["images"]["source"]
    sha256 = digest_file(_weights(places.data, recipe.name))
    write_text(places.cards / f"{recipe.name}.yaml", card_text(recipe, images, sha256))
    write_text(places.suites, listed(places.suites.read_text(encoding="utf-8"), recipe.name))


def listed(suites: str, name: str) -> str:
    """The text of a file of suites, with a tokenizer at the end of the list of ``zoo``."""
    found = re.search(r"^zoo:\n(?:  .*\n)*?  tokenizers:\n((?:    - .*\n)*)", suites, re.MULTILINE)
    assert found is not None
    line = f"    - {name}\n"
    return suites if line in found[1] else suites[: found.end()] + line + suites[found.end() :]


def _weights(folder: Path, name: str) -> Path:
    return folder / f"{name}.safetensors"


def main(
    source: Annotated[Path, typer.Option("--from", metavar="DIR", help="Where weights and cards of fits lie.")],
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]…", help="Which; all that are there.")] = None,
) -> None:
    """Take weights over into vtbench-zoo, and write the cards and the page that follow from them."""
    try:
        taken = publish(source, names or ())
    except VtbenchError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    from vtbench.tokenizers.reference import tokenizer_reference  # reads the cards, which are new
    from vtbench.zoo.page import documents, zoo_boards, zoo_cards

    root = CHECKOUT.parent
    pages = documents(zoo_cards(), zoo_boards(root / "leaderboards"))
    for name, text in {"tokenizers.md": tokenizer_reference(), **pages}.items():
        write_text(root / "docs" / name, text)
    print(*taken, sep="\n")


if __name__ == "__main__":
    typer.run(main)
