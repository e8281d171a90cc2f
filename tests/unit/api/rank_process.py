"""One of two ranks, as a process of its own: ``python rank_process.py RANK FOLDER``. Prints what it found as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

import vtbench
from vtbench.core.errors import VtbenchError

TASK = """
name: shared
version: 1
kind: reconstruction
summary: A network of sets, and rows.
preprocess: {preset: native@1}
image_metrics: [psnr, mae]
set_metrics: [fd_efflite0]
block_size: 4
"""
OF_GENERATORS = """
name: shared-generation
version: 1
kind: generation
summary: A generator of codes and its tokenizer.
conditions: {of: classes, classes: 3, count: 12}
reference: {data: "scenes-mini,count=12"}
preprocess: {preset: native@1}
set_metrics: [fd_efflite0]
code_metrics: [bits_per_pixel, code_entropy_bits]
block_size: 4
"""


def told(call: Callable[[], vtbench.Result]) -> dict[str, Any]:
    """What a call found, or raised."""
    try:
        result = call()
    except VtbenchError as error:
        return {"raised": f"{type(error).__name__}: {error}"}
    return {
        "digests": [record.results_digest() for record in result.records],
        "runs": [record.run_id for record in result.records],
        "finished": [record.finished.isoformat() for record in result.records],
        "samples": json.loads(result.samples.to_json()),
    }


def main(rank: int, folder: Path) -> None:
    dist.init_process_group("gloo", init_method=f"file://{folder / 'meeting'}", rank=rank, world_size=2)
    (folder / f"{rank}").mkdir()
    task, of_generators = folder / f"{rank}" / "shared.yaml", folder / f"{rank}" / "shared-generation.yaml"
    task.write_text(TASK, encoding="utf-8")
    of_generators.write_text(OF_GENERATORS, encoding="utf-8")
    images = torch.randint(0, 256, (11, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    seen: list[int] = []

    def function(x: torch.Tensor) -> torch.Tensor:
        seen.append(len(x))
        return x * 0.9

    def fails_here(x: torch.Tensor) -> torch.Tensor:
        if rank == 1:
            raise RuntimeError("this rank is out of luck")
        return x

    def model(run: Any, name: str = "m") -> Any:
        return vtbench.reconstructor(run, name=name)

    evaluator = vtbench.Evaluator(task, data=images)
    found: dict[str, Any] = {"first": told(lambda: evaluator(model(function))), "seen": list(seen)}
    found["second"] = told(lambda: evaluator(model(function)))
    found["failing"] = told(lambda: evaluator(model(fails_here)))
    found["other"] = told(lambda: evaluator(model(function, f"m{rank}")))
    found["after"] = told(lambda: evaluator(model(function)))
    found["named"] = told(lambda: vtbench.evaluate("jpeg", task, data=images, out=folder / f"{rank}" / "runs"))
    found["reused"] = told(lambda: vtbench.evaluate("jpeg", task, data=images, out=folder / f"{rank}" / "runs"))
    found["kept"] = sorted(path.name for path in (folder / f"{rank}" / "runs").rglob("*") if path.is_file())
    found["generator"] = told(lambda: vtbench.evaluate("tiny-ar", of_generators))
    if rank == 0:  # whoever does it alone says so
        alone: dict[str, Any] = {"data": images, "distributed": False}
        found["alone"] = told(lambda: vtbench.evaluate(model(function), task, **alone))
        found["alone jpeg"] = told(lambda: vtbench.evaluate("jpeg", task, **alone))
        found["alone generator"] = told(lambda: vtbench.evaluate("tiny-ar", of_generators, distributed=False))
    dist.barrier()
    dist.destroy_process_group()
    print(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
