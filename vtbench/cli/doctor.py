"""``vtbench doctor``."""

from __future__ import annotations

from typing import Annotated

import typer

from vtbench.cli import options as o
from vtbench.cli.output import emit_rows


def doctor(
    tokenizer: Annotated[str, typer.Argument(metavar="NAME[,k=v…]", help="Tokenizer to examine.")],
    device: o.Device = "cpu",
    size: Annotated[int, typer.Option("--size", min=16, help="Side of the test images, pixels.")] = 64,
    json: o.Json = False,
) -> None:
    """Examine an adapter: shapes, range, determinism, batch independence, index bounds, bit count."""
    from vtbench.tokenizers.contract import check_tokenizer
    from vtbench.tokenizers.resolve import resolve_tokenizer

    results = check_tokenizer(resolve_tokenizer(tokenizer), size=size, device=device)
    rows = [{"check": r.name, "result": "pass" if r.passed else "FAIL", "detail": r.detail} for r in results]
    emit_rows(rows, ["check", "result", "detail"], json, title=f"doctor {tokenizer}")
    if not all(result.passed for result in results):
        raise typer.Exit(1)
