"""``vtbench calibrate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vtbench.cli import completion
from vtbench.cli import options as o
from vtbench.cli.output import emit_rows
from vtbench.core.disk.files import user_path


def calibrate(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME[,k=v…]", autocompletion=completion.generators, help="Next-scale generator."),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE.json", parser=user_path, help="Where to write.")
    ],
    samples: Annotated[int, typer.Option("--samples", min=1, max=50, metavar="N", help="Images to look at.")] = 10,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Of the first image.")] = 0,
    prompts: Annotated[
        Path | None,
        typer.Option(
            "--prompts", metavar="FILE", parser=user_path, help="One a line, for a generator that draws from them."
        ),
    ] = None,
    device: o.Device = "cpu",
    json: o.Json = False,
) -> None:
    """Tell a next-scale generator's heads of contents from those of structure, for strategy=hack,calibration=FILE."""
    from vtbench.core.disk.files import require_writable_file
    from vtbench.generators.calibrating import calibrated
    from vtbench.generators.resolve import resolve_generator
    from vtbench.generators.sampling.next_scale.strategies.calibration import read_calibration, write_calibration
    from vtbench.run.device import choose_device, make_deterministic
    from vtbench.run.worker import Worker

    make_deterministic()
    require_writable_file(output)
    told = _lines(prompts)
    generator = resolve_generator(name).to(device=choose_device(device, Worker()))
    write_calibration(calibrated(generator, samples, seed, told), output)
    found = read_calibration(output)
    rows = [
        {"layer": layer, "heads": len(variances), "of contents": " ".join(map(str, few)) or "none"}
        for layer, (variances, few) in enumerate(zip(found.variances, found.contextual(), strict=True))
    ]
    emit_rows(rows, ["layer", "heads", "of contents"], json, title=f"{output}: digest {found.digest[:12]}")


def _lines(prompts: Path | None) -> list[str]:
    from vtbench.core.errors import UsageError
    from vtbench.core.outside.parsing import read_bytes, reason

    if prompts is None:
        return []
    try:
        text = read_bytes(prompts).decode("utf-8")
    except (OSError, ValueError) as error:
        raise UsageError(f"{prompts} cannot be read: {reason(error)}") from None
    return [line.strip() for line in text.splitlines() if line.strip()]
