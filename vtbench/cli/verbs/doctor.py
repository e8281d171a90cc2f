"""``vtbench doctor``."""

from __future__ import annotations

from typing import Annotated

import typer

from vtbench.cli import completion
from vtbench.cli import options as o
from vtbench.cli.output import emit_rows
from vtbench.core.errors import UsageError


def doctor(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME[,k=v…]",
            autocompletion=completion.models,
            help="Tokenizer or generator to examine.",
        ),
    ],
    device: o.Device = "cpu",
    size: Annotated[int, typer.Option("--size", min=16, help="Side of a tokenizer's test images, pixels.")] = 64,
    kind: Annotated[
        str | None,
        typer.Option("--as", metavar="KIND", help="tokenizer or generator, where a name is both."),
    ] = None,
    json: o.Json = False,
) -> None:
    """Examine an adapter: shapes, range, determinism, batch independence, index bounds, bit count."""
    from vtbench.core.info import GeneratorInfo
    from vtbench.core.naming.reference import parse_reference
    from vtbench.core.registry import Registry
    from vtbench.generators import GENERATORS
    from vtbench.generators.contract.examination import check_generator
    from vtbench.generators.resolve import expand, generator_names
    from vtbench.run.device import make_deterministic
    from vtbench.run.progress import say
    from vtbench.tokenizers.contract.examination import check_tokenizer
    from vtbench.tokenizers.resolve import resolve_tokenizer, tokenizer_names

    make_deterministic()
    if kind not in (None, "tokenizer", "generator"):
        raise UsageError(f"--as {kind}", "--as tokenizer, or --as generator")
    reference = parse_reference(name)
    own_code = ":" in reference.target
    as_generator = kind == "generator" if kind else own_code or reference.target in generator_names()
    # code of one's own may make either: messages call it neither
    registry = Registry("model", GENERATORS.group, {}, GENERATORS.universal) if own_code and not kind else GENERATORS
    model = registry.create(expand(reference)) if as_generator else resolve_tokenizer(name)
    if as_generator and not kind and reference.target in tokenizer_names():
        say(f"{reference.target} is a tokenizer too: --as tokenizer examines that one")
    if isinstance(getattr(model, "info", None), GeneratorInfo):
        results = check_generator(model, device=device)
    else:
        results = check_tokenizer(resolve_tokenizer(name) if as_generator else model, size=size, device=device)
    rows = [{"check": r.name, "result": "pass" if r.passed else "FAIL", "detail": r.detail} for r in results]
    emit_rows(rows, ["check", "result", "detail"], json, title=f"doctor {name}")
    if not all(result.passed for result in results):
        raise typer.Exit(1)
