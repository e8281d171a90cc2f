"""``vtbench stats``: reference statistics, built, imported and shown."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from vtbench.cli import completion
from vtbench.cli import options as o
from vtbench.cli.output import emit_rows
from vtbench.core.disk.files import user_path

stats = typer.Typer(help="Reference statistics of generation tasks: build, import, show.", no_args_is_help=True)
_Name = Annotated[
    str | None, typer.Option("--name", metavar="NAME", help="Keep it in the cache under a name that tasks can use.")
]


@stats.command("build")
def build(
    data: Annotated[
        str,
        typer.Option(
            "--data",
            autocompletion=completion.data_sets,
            metavar="DIR",
            help="Images: a folder, npz, tars, a data set.",
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", parser=user_path, help="Where to write.")
    ] = None,
    name: _Name = None,
    extractor: Annotated[
        list[str] | None,
        typer.Option(
            "--extractor",
            autocompletion=completion.extractors,
            metavar="NAME[.FEATURE]",
            help="Repeatable; every feature unless one is named.",
        ),
    ] = None,
    preset: Annotated[
        str,
        typer.Option(
            "--preset",
            autocompletion=completion.presets,
            metavar="NAME",
            help="Preprocessing preset.",
        ),
    ] = "native@1",
    size: Annotated[int | None, typer.Option("--size", min=8, metavar="N", help="Side, in pixels.")] = None,
    features: Annotated[
        bool, typer.Option("--features/--no-features", help="Keep feature rows, which KID and precision need.")
    ] = True,
    limit: o.Limit = None,
    device: o.Device = "auto",
    workers: o.Workers = None,
    offline: o.Offline = False,
) -> None:
    """Take features of a set of images and keep their statistics."""
    o.go_offline(offline)
    from vtbench.run.statistics.command import build_from_command_line

    made = build_from_command_line(
        data=data, out=_target(output, name), extractors=extractor or ["inception_tf"], preset=preset, size=size,
        keep_rows=features, limit=limit, device=device, workers=workers, command=("vtbench", *sys.argv[1:]),
    )  # fmt: skip
    typer.echo(str(made.path))


@stats.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", parser=user_path, help="npz or PyTorch file of another tool.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", parser=user_path, help="Where to write.")
    ] = None,
    name: _Name = None,
    kind: Annotated[
        str | None, typer.Option("--kind", help="adm, torch-fidelity, clean-fid or pytorch-fid; told where it can be.")
    ] = None,
    extractor: Annotated[
        str | None,
        typer.Option(
            "--extractor",
            autocompletion=completion.extractors,
            metavar="NAME",
            help="What it is taken for, where the kind fits none.",
        ),
    ] = None,
    n: Annotated[int, typer.Option("--n", min=0, metavar="N", help="Images behind it, if known.")] = 0,
    size: Annotated[int | None, typer.Option("--size", min=8, metavar="N", help="Side of the images.")] = None,
) -> None:
    """Turn statistics of ADM, torch-fidelity, clean-fid or pytorch-fid into reference statistics."""
    from vtbench.metrics.sets.statistics_import import import_statistics

    side = None if size is None else (size, size)
    made = import_statistics(file, _target(output, name), kind, extractor, n, side)  # type: ignore[arg-type]
    typer.echo(str(made.path))


@stats.command("show")
def show(file: Annotated[Path, typer.Argument(metavar="FILE", parser=user_path)], json: o.Json = False) -> None:
    """What a file of reference statistics holds, and where it came from."""
    from vtbench.metrics.sets.reference_statistics import open_statistics

    opened = open_statistics(file)
    note = opened.note
    rows: list[dict[str, Any]] = [{"field": "description", "value": note.description}]
    rows += [{"field": "digest", "value": opened.digest}, {"field": "preprocess", "value": note.preprocess}]
    rows += [{"field": "size", "value": "x".join(map(str, note.size)) if note.size else ""}]
    for key, count in note.counts.items():
        extractor, _, feature = key.partition(".")
        stored = "features and moments" if opened.features(extractor, feature) is not None else "moments"
        rows.append({"field": key, "value": f"{stored} of {count or 'an unknown number of'} images"})
    rows += [{"field": f"extractor {key}", "value": value.id} for key, value in note.extractors.items()]
    rows += [{"field": key, "value": str(value)} for key, value in {**note.data, **note.provenance}.items()]
    emit_rows(rows, ["field", "value"], json, title=str(file))


def _target(output: Path | None, name: str | None) -> Path:
    from vtbench.core.disk.files import CACHE_VARIABLE, cache_dir, path_segment, require_writable_file
    from vtbench.core.errors import UsageError

    if (output is None) == (name is None):
        raise UsageError("say where to: either --output FILE.safetensors or --name NAME")
    if name is not None:
        kept = cache_dir() / "statistics" / f"{path_segment(name)}.safetensors"
        require_writable_file(kept, f"set {CACHE_VARIABLE} to a folder that can be written, or give --output FILE")
        return kept
    assert output is not None
    if output.suffix != ".safetensors":
        raise UsageError(f"{output}: statistics are safetensors", f"write to {output.with_suffix('.safetensors')}")
    require_writable_file(output)  # before features are taken for hours
    return output
