"""``python -m vtbench.zoo.publish --from DIR``: weights that were fitted become those of the zoo's cards.

Everything that follows from weights is written: the files of ``vtbench-zoo``, the cards with their SHA-256, the
suites ``zoo`` and ``zoo-mini``, and the pages of tokenizers, of generators, of tasks and of the zoo, with its pictures.
"""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
import yaml
from safetensors import safe_open

from vtbench.core.digests import digest_file
from vtbench.core.disk.files import atomic_path, write_text
from vtbench.core.disk.packaged import CHECKOUT, ZOO
from vtbench.core.errors import UsageError, VtbenchError
from vtbench.core.outside.parsing import read_json
from vtbench.generators import GENERATORS as FAMILIES
from vtbench.zoo.cards import MINI, SUITE, generator_card, tokenizer_card
from vtbench.zoo.fit import loaded, tokenizer_for
from vtbench.zoo.generators.recipes import GENERATORS, GeneratorRecipe
from vtbench.zoo.recipe import Recipe
from vtbench.zoo.recipes import TOKENIZERS, TokenizerRecipe, find_recipe

KINDS = ("tokenizers", "generators")
SUITES = (SUITE, MINI)
"""That list every tokenizer of the zoo; its generators are all in the first."""
_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Places:
    """Where files of the zoo lie in a checkout.

    Attributes:
        data: weights, and how they were fitted.
        tokenizers: cards of these.
        generators: cards of these.
        suites: the file that lists the models of the zoo's suites.
    """

    data: Path = CHECKOUT / ZOO
    tokenizers: Path = _PACKAGE / "tokenizers" / "cards"
    generators: Path = _PACKAGE / "generators" / "cards"
    suites: Path = CHECKOUT.parent / "tasks" / "suites.yaml"


def publish(source: Path, names: Sequence[str] = (), places: Places | None = None) -> list[str]:
    """Take over what lies in the folder of fits; the names of what was.

    Args:
        source: what ``python -m vtbench.zoo.fit`` wrote into.
        names: of recipes; every one whose weights are there unless given.
        places: to write to; the checkout's unless given.

    Raises:
        UsageError: no weights, or weights that another recipe made, that are of a shorter fit, or that are of a
            generator for other weights of its tokenizer.
        AdapterError: weights that the family's adapter cannot read.
    """
    places = places or Places()
    recipes: list[Recipe] = [find_recipe(name) for name in names] or [
        recipe for recipe in (*TOKENIZERS.values(), *GENERATORS.values()) if _weights(source, recipe.name).is_file()
    ]
    if not recipes:
        raise UsageError(f"{source} holds no weights of the zoo", "python -m vtbench.zoo.fit NAME makes them")
    for recipe in recipes:
        _check(source, recipe)
    for recipe in recipes:
        _take(source, recipe, places)
    return [recipe.name for recipe in recipes]


def made_by(recipe: Recipe, told: Mapping[str, Any]) -> bool:
    """Whether the card of a fit says that this recipe made it, whole.

    Fields that recipes got since do not count, nor a sampler's settings, which decide no weight.
    """
    now = json.loads(json.dumps(dataclasses.asdict(recipe)))
    stated = told.get("recipe", {})
    same = bool(stated) and all(now.get(key) == value for key, value in stated.items() if key != "shown")
    return same and bool(told["steps"] == now["steps"])


def _check(source: Path, recipe: Recipe) -> None:
    weights, card = _weights(source, recipe.name), source / f"{recipe.name}.json"
    for file in (weights, card):
        if not file.is_file():
            raise UsageError(f"no {file}", f"python -m vtbench.zoo.fit {recipe.name} makes it")
    if not made_by(recipe, read_json(card)):
        raise UsageError(
            f"{weights} was fitted by another recipe than {recipe.name} is now",
            f"fit it again: python -m vtbench.zoo.fit {recipe.name}",
        )
    if isinstance(recipe, TokenizerRecipe):
        loaded(recipe, weights)
    elif isinstance(recipe, GeneratorRecipe):
        _check_tokenizer(source, recipe, read_json(card))


def _check_tokenizer(source: Path, recipe: GeneratorRecipe, told: Mapping[str, Any]) -> None:
    """Of a generator: that its weights are read, and were fitted on codes of the tokenizer that there is."""
    family: Any = FAMILIES.load(recipe.family)
    reference = tokenizer_for(recipe, None, source)
    made = family(**told["arguments"], tokenizer=reference, checkpoint=str(_weights(source, recipe.name)))
    fitted_on = [weight["sha256"] for weight in told["tokenizer"]["weights"]]
    if fitted_on != [weight.sha256 for weight in made.tokenizer.info.weights]:
        raise UsageError(
            f"{recipe.name} was fitted on codes of other weights of {recipe.tokenizer} than {reference}",
            f"fit it again: python -m vtbench.zoo.fit {recipe.name}",
        )


def _take(source: Path, recipe: Recipe, places: Places) -> None:
    weights = _weights(places.data, recipe.name)
    places.data.mkdir(parents=True, exist_ok=True)
    for file in (_weights(source, recipe.name), source / f"{recipe.name}.json"):
        with atomic_path(places.data / file.name) as temporary:
            shutil.copyfile(file, temporary)
    told, sha256 = read_json(places.data / f"{recipe.name}.json"), digest_file(weights)
    suites = places.suites.read_text(encoding="utf-8")
    if isinstance(recipe, TokenizerRecipe):
        write_text(places.tokenizers / f"{recipe.name}.yaml", tokenizer_card(recipe, told, sha256))
        for suite in SUITES:
            suites = listed(suites, recipe.name, "tokenizers", suite)
        write_text(places.suites, suites)
    elif isinstance(recipe, GeneratorRecipe):
        card = generator_card(recipe, told, sha256, tensors_in(weights))
        write_text(places.generators / f"{recipe.name}.yaml", card)
        write_text(places.suites, listed(suites, recipe.name, "generators"))


def tensors_in(weights: Path) -> int:
    """How many tensors a file of weights holds."""
    with safe_open(weights, framework="numpy") as tensors:
        return len(tensors.keys())


def listed(suites: str, name: str, kind: Literal["tokenizers", "generators"], of: str = SUITES[0]) -> str:
    """The text of a file of suites, with a model at the end of the list of a suite; a generator brings its task.

    Args:
        suites: the text.
        name: of the model.
        kind: of the list.
        of: name of the suite.
    """
    found = re.search(rf"^{of}:\n((?:  .*\n)+)", suites, re.MULTILINE)
    assert found is not None
    suite: dict[str, Any] = yaml.safe_load(found[1])
    suite[kind] = list(dict.fromkeys([*suite.get(kind, ()), name]))
    if kind == "generators":
        suite["tasks"] = list(dict.fromkeys([*suite["tasks"], "zoo-generation"]))
    lists = (f"  {one}:\n" + "".join(f"    - {model}\n" for model in suite[one]) for one in KINDS if one in suite)
    head = f"  summary: {suite['summary']}\n  tasks: [{', '.join(suite['tasks'])}]\n"
    return suites[: found.start(1)] + head + "".join(lists) + suites[found.end(1) :]


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
    root = CHECKOUT.parent
    for page in ("tokenizers", "generators", "tasks"):
        text = _called(f"vtbench.{page}.reference")
        write_text(root / "docs" / f"{page}.md", text)
    _called("vtbench.zoo.page.gallery", str(root / "docs"))
    _called("vtbench.zoo.page", str(root / "leaderboards"), str(root / "docs"))
    print(*taken, sep="\n")


def _called(*arguments: str) -> str:
    """What a command prints: a process of its own, which reads the cards that are new."""
    return subprocess.run([sys.executable, "-m", *arguments], stdout=subprocess.PIPE, text=True, check=True).stdout


if __name__ == "__main__":
    typer.run(main)
