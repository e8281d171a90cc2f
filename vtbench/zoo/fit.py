"""``python -m vtbench.zoo.fit NAME --images DIR --out DIR``: fit one network of the reference zoo, or go on with it."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from vtbench.core.errors import VtbenchError
from vtbench.core.naming.reference import Reference
from vtbench.core.pixels import to_uint8
from vtbench.run import provenance
from vtbench.tokenizers import TOKENIZERS
from vtbench.zoo.fitting import TokenizerFit
from vtbench.zoo.images import FitImages, load_images
from vtbench.zoo.keeping import identity, keep_state, kept_state, write_card, write_picture, write_weights
from vtbench.zoo.recipes import TokenizerRecipe, find_recipe

_STEPS_AT_ONCE = 20
_KEPT_EVERY_S = 60.0
_LOSS_OVER = 100


def fit(
    recipe: TokenizerRecipe, images: FitImages, out: Path, device: torch.device, *, console: Console | None = None
) -> Path:
    """Fit a recipe, from the state in ``out`` if there is one; the file of weights.

    ``out`` then holds ``NAME.safetensors``, ``NAME.json`` (the card) and ``NAME.png``; on the way ``NAME.state``.

    Raises:
        DamagedFileError: the state is another fit's.
    """
    of = identity(recipe, images.digest)
    state = out / f"{recipe.name}.state"
    going = TokenizerFit(recipe, images.pixels, device)
    kept = kept_state(state, of)
    seconds = 0.0
    if kept is not None:
        going.load(kept[0])
        seconds = kept[1]
    started = kept_at = time.monotonic()
    with _progress(console or Console(stderr=True)) as progress:
        shown = progress.add_task(recipe.name, total=recipe.steps, completed=going.step, loss="")
        while not going.done:
            going.advance(_STEPS_AT_ONCE)
            recent = going.losses[max(0, going.step - _LOSS_OVER) : going.step].mean()
            progress.update(shown, completed=going.step, loss=f"loss {recent:.5f}")
            if time.monotonic() - kept_at > _KEPT_EVERY_S:
                kept_at = time.monotonic()
                keep_state(state, going.state(), of, seconds + kept_at - started)
                _write_picture(going, images, out)
    seconds += time.monotonic() - started
    weights = out / f"{recipe.name}.safetensors"
    command, code = f"python -m vtbench.zoo.fit {recipe.name}", provenance.code()
    write_weights(
        weights, going.average, {"command": command, "commit": code.git_commit or f"version {code.vtbench_version}"}
    )
    _write_picture(going, images, out)
    made = {
        "command": command,
        "code": code.model_dump(),
        "environment": provenance.environment(device).model_dump(),
    }
    told = {"source": images.source, "count": len(images.pixels), "digest": images.digest}
    write_card(out / f"{recipe.name}.json", going, told, seconds, made)
    state.unlink(missing_ok=True)
    return weights


def loaded(recipe: TokenizerRecipe, weights: Path) -> object:
    """The family's own adapter on a file of weights, as on any checkpoint."""
    return TOKENIZERS.create(Reference(recipe.family, {**recipe.arguments, "checkpoint": str(weights)}))


def _write_picture(going: TokenizerFit, images: FitImages, out: Path) -> None:
    shown = images.pixels[:16]
    write_picture(out / f"{going.recipe.name}.png", shown, to_uint8(going.reconstruct(shown)))


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
) -> None:
    """Fit one network of the reference zoo, or go on where an earlier call was stopped."""
    try:
        recipe = find_recipe(name)
        weights = fit(recipe, load_images(images), out, torch.device(device))
    except VtbenchError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    print(weights)


if __name__ == "__main__":
    typer.run(main)
