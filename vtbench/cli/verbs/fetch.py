"""``vtbench fetch``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from vtbench.cli import completion
from vtbench.cli import options as o
from vtbench.cli.output import emit_rows
from vtbench.core.disk.files import user_path
from vtbench.core.errors import UsageError


def fetch(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]…",
            autocompletion=completion.fetched,
            help="Assets, and cards of tokenizers and generators.",
        ),
    ] = None,
    suite: o.SuiteName = None,
    task: o.Tasks = None,
    convert: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            "--convert",
            metavar="IN OUT.safetensors",
            parser=user_path,
            help="Tensors of a checkpoint; nothing is executed.",
        ),
    ] = None,
    entry: Annotated[str | None, typer.Option("--entry", help="For --convert: where in IN the weights are.")] = None,
    trust: o.Trust = None,
    json: o.Json = False,
) -> None:
    """Get weights into the cache, so that later runs work offline. With no arguments: those of the suite mini."""
    if convert is not None:
        _convert(convert, entry, json, others=bool(names or suite or task))
        return
    if entry is not None:
        raise UsageError("--entry belongs to --convert IN OUT.safetensors")
    from vtbench.checkpoints.cards import load_cards, load_generator_cards

    known = {*load_cards(), *load_generator_cards()}
    cards = [name for name in names or () if name in known]
    others = [name for name in names or () if name not in cards]
    rows = _assets(others, suite, task, trust or []) if others or suite or task or not cards else []
    rows += [row for name in dict.fromkeys(cards) for row in _card(name)]
    emit_rows(rows, ["asset", "path", "tensors"], json)


def _assets(names: list[str], suite: str | None, task: list[str] | None, trust: list[Path]) -> list[dict[str, Any]]:
    from vtbench import assets
    from vtbench.run.planning.preflight import required_assets
    from vtbench.run.planning.selection import select_tasks
    from vtbench.tasks import load_task

    wanted = list(names)
    if suite or task or not wanted:
        tasks = [load_task(name, trust) for name in select_tasks(task or (), suite, trust)]
        wanted += [name for name in required_assets(tasks) if name not in wanted]
    found = assets.fetch(wanted)
    return [{"asset": name, "path": str(path), "tensors": assets.fingerprint(name)} for name, path in found.items()]


def _card(name: str) -> list[dict[str, Any]]:
    from vtbench.checkpoints.cards import find_card, load_generator_cards
    from vtbench.generators.fetching import fetch_generator_card
    from vtbench.tokenizers.fetching import fetch_card

    generator = load_generator_cards().get(name)
    if generator is not None:
        found = fetch_generator_card(generator)
    else:
        found = [(name, file) for file in fetch_card(find_card(name))]
    return [{"asset": of, "path": str(file.path), "tensors": file.sha256} for of, file in found]


def _convert(paths: tuple[Path, Path], entry: str | None, json: bool, *, others: bool) -> None:
    if others:
        raise UsageError("--convert takes no names, suite or task", "run the two one after the other")
    from vtbench.checkpoints.conversion import convert_checkpoint

    emit_rows([convert_checkpoint(*paths, entry)], ["file", "entry", "tensors", "values"], json)
