"""``python -m vtbench.zoo.fit NAME --images DIR --out DIR``: fit one network of the reference zoo, or go on with it."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import torch
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from vtbench.checkpoints.cards import load_cards
from vtbench.core.errors import AssetMissingError, VtbenchError
from vtbench.core.naming.reference import Reference
from vtbench.run import provenance
from vtbench.tokenizers import TOKENIZERS
from vtbench.tokenizers.resolve import resolve_tokenizer
from vtbench.zoo.fitting import TokenizerFit
from vtbench.zoo.generators.codes import codes_of
from vtbench.zoo.generators.fitting import GeneratorFit
from vtbench.zoo.generators.recipes import GeneratorRecipe
from vtbench.zoo.images import FitImages, load_images
from vtbench.zoo.keeping import identity, keep_state, kept_state, write_card, write_picture, write_weights
from vtbench.zoo.loop import Fit
from vtbench.zoo.recipes import TOKENIZERS as TOKENIZER_RECIPES
from vtbench.zoo.recipes import TokenizerRecipe, find_recipe

if TYPE_CHECKING:
    from vtbench.results.records.schema import CodeSection

_STEPS_AT_ONCE = 20
_KEPT_EVERY_S, _PICTURED_EVERY_S = 60.0, 300.0
_LOSS_OVER = 100


def fit(
    recipe: TokenizerRecipe | GeneratorRecipe,
    images: FitImages,
    out: Path,
    device: torch.device,
    *,
    tokenizer: Path | None = None,
    console: Console | None = None,
) -> Path:
    """Fit a recipe, from the state in ``out`` if there is one; the file of weights.

    ``out`` then holds ``NAME.safetensors``, ``NAME.json`` (the card) and ``NAME.png``; on the way ``NAME.state``.

    Args:
        recipe: what is fitted.
        images: that it is fitted on.
        out: folder, made if need be.
        device: of the network.
        tokenizer: weights of a generator's tokenizer, unless they are in ``out``.
        console: of the progress.

    Raises:
        DamagedFileError: the state is another fit's.
        AssetMissingError: a generator's tokenizer has no weights yet.
    """
    out.mkdir(parents=True, exist_ok=True)
    code = provenance.code()  # of what is loaded now: a checkout may move on while a fit lasts
    state = out / f"{recipe.name}.state"
    with _progress(console or Console(stderr=True)) as progress:
        going = _begun(recipe, images, out, device, tokenizer, progress)
        of = identity(recipe, images.digest, going.facts())
        kept = kept_state(state, of)
        seconds = 0.0
        if kept is not None:
            going.load(kept[0])
            seconds = kept[1]
        started = kept_at = pictured_at = time.monotonic()
        shown = progress.add_task(recipe.name, total=recipe.steps, completed=going.step, loss="")
        while not going.done:
            going.advance(_STEPS_AT_ONCE)
            recent = going.losses[max(0, going.step - _LOSS_OVER) : going.step].mean()
            progress.update(shown, completed=going.step, loss=f"loss {recent:.5f}")
            if time.monotonic() - kept_at > _KEPT_EVERY_S:
                kept_at = time.monotonic()
                keep_state(state, going.state(), of, seconds + kept_at - started)
            if time.monotonic() - pictured_at > _PICTURED_EVERY_S:
                write_picture(out / f"{recipe.name}.png", going.picture())
                pictured_at = time.monotonic()
    _leave(going, images, out, seconds + time.monotonic() - started, device, code)
    state.unlink(missing_ok=True)
    return out / f"{recipe.name}.safetensors"


def _begun(
    recipe: TokenizerRecipe | GeneratorRecipe,
    images: FitImages,
    out: Path,
    device: torch.device,
    weights: Path | None,
    progress: Progress,
) -> Fit:
    if isinstance(recipe, TokenizerRecipe):
        return TokenizerFit(recipe, images.pixels, device)
    reference = tokenizer_for(recipe, weights, out)
    tokenizer: Any = resolve_tokenizer(reference)
    shown = progress.add_task(f"codes of {recipe.tokenizer}", total=2 * len(images.pixels), loss="")
    codes = codes_of(tokenizer.to(device=device), images.pixels, device, lambda more: progress.advance(shown, more))
    return GeneratorFit(recipe, reference, codes, images.labels, device)


def tokenizer_for(recipe: GeneratorRecipe, weights: Path | None, out: Path) -> str:
    """Reference of a generator's tokenizer with weights: those given, those fitted in ``out``, or a card's.

    Raises:
        AssetMissingError: there are none.
    """
    name = recipe.tokenizer
    file = weights or out / f"{name}.safetensors"
    if file.is_file():
        of = TOKENIZER_RECIPES[name]
        return str(Reference(of.family, {**of.arguments, "checkpoint": str(file)}))
    if weights is None and name in load_cards():
        return name
    raise AssetMissingError(
        f"{recipe.name} draws codes of {name}, whose weights are not at {file}",
        f"python -m vtbench.zoo.fit {name} --images DIR --out {out} makes them; or give --tokenizer FILE",
    )


def _leave(going: Fit, images: FitImages, out: Path, seconds: float, device: torch.device, code: CodeSection) -> None:
    name = going.plan.name
    command = f"python -m vtbench.zoo.fit {name}"
    commit = code.git_commit or f"version {code.vtbench_version}"
    write_weights(out / f"{name}.safetensors", going.average, {"command": command, "commit": commit})
    write_picture(out / f"{name}.png", going.picture())
    made = {
        "command": command,
        "code": code.model_dump(),
        "environment": provenance.environment(device).model_dump(),
    }
    told = {"source": images.source, "count": len(images.pixels), "digest": images.digest}
    write_card(out / f"{name}.json", going, told, seconds, made)


def loaded(recipe: TokenizerRecipe, weights: Path) -> object:
    """The family's own adapter on a file of weights, as on any checkpoint."""
    return TOKENIZERS.create(Reference(recipe.family, {**recipe.arguments, "checkpoint": str(weights)}))


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn())
    return Progress(
        *columns, TextColumn("{task.fields[loss]}"), TimeElapsedColumn(), TimeRemainingColumn(), console=console
    )


def main(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Which recipe.")],
    images: Annotated[Path, typer.Option(metavar="DIR", help="CIFAR-10: train.parquet, or torchvision's folder.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where weights, card, picture and state go.")],
    device: Annotated[str, typer.Option(metavar="DEVICE", help="cpu, cuda …")] = "cpu",
    tokenizer: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Weights of a generator's tokenizer, if not in --out.")
    ] = None,
) -> None:
    """Fit one network of the reference zoo, or go on where an earlier call was stopped."""
    try:
        recipe = find_recipe(name)
        weights = fit(recipe, load_images(images), out, torch.device(device), tokenizer=tokenizer)
    except VtbenchError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    print(weights)


if __name__ == "__main__":
    typer.run(main)
