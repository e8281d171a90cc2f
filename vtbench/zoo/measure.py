"""``python -m vtbench.zoo.measure --images DIR --out DIR``: measure the zoo, and write all that follows from it.

Everything is run by the command line, as anybody would, in the folder of the runs, so that records name no other. Runs
that are done are reused. Records then go into the leaderboards, and ``docs/zoo.md`` is written from them.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import typer
from PIL import Image

from vtbench.checkpoints.cards import find_generator_card
from vtbench.core.disk.files import atomic_path
from vtbench.core.disk.packaged import CHECKOUT
from vtbench.core.errors import VtbenchError
from vtbench.tasks.suites import load_suite
from vtbench.zoo.cards import MINI, SUITE, learnt
from vtbench.zoo.images import FitImages, load_images
from vtbench.zoo.references import name_of
from vtbench.zoo.sampling.sweeps import CALIBRATED, CALIBRATION, TASK, models

RUNS = "runs"


@dataclass(frozen=True)
class Counts:
    """How many images each task is measured on; as many of each class.

    Attributes:
        reconstruction: of the test split, also for learnability.
        robustness: of the test split.
        share: of the training split: as many as zoo-generation samples.
        sampling: of the test split: what samples of zoo-sampling are compared with.
    """

    reconstruction: int = 2000
    robustness: int = 500
    share: int = 2000
    sampling: int = 10_000


def commands(
    train: FitImages, test: FitImages, folder: Path, tokenizers: Sequence[str], counts: Counts | None = None
) -> list[list[str]]:
    """Write the images that are measured on below ``folder``, and tell the calls of vtbench to be made there.

    Args:
        train: the images that the zoo was fitted on.
        test: held out.
        folder: of data and runs.
        tokenizers: as after ``--tokenizer``.
        counts: of images.
    """
    counts = counts or Counts()
    own = learnt(tokenizers)
    made = [part for model in tokenizers for part in ("--generator", f"reencoded,by='{model}',name='{model}'")]
    main, few = (_kept(test, "test", count, folder) for count in (counts.reconstruction, counts.robustness))
    share = f"of-images,data='{_kept(train, 'train', counts.share, folder)}',roles=[source]"
    asked = (("reconstruction", main, tokenizers), ("robustness", few, tokenizers), ("learnability", main, own))
    runs = [
        ["--task", f"zoo-{task}", "--data", data, *(part for model in of for part in ("--tokenizer", model))]
        for task, data, of in asked
        if of
    ]
    runs.append(["--task", "zoo-share", "--data", share, *made])
    known = load_suite(SUITE).generators
    generators = [part for model in known for part in ("--generator", model)]
    runs += [["--task", "zoo-generation", *generators]] if generators else []
    runs.append(["--suite", MINI])
    calls = [["run", *arguments, "--out", RUNS] for arguments in runs]
    return [*calls, *_sampling(_kept(test, "test", counts.sampling, folder), set(known))]


def _sampling(reference: str, known: set[str]) -> list[list[str]]:
    """Calls that measure the settings of samplers, of generators whose weights are there; one for each tokenizer."""
    swept: dict[str, list[str]] = {}
    for model in models(known):
        swept.setdefault(find_generator_card(model.partition(",")[0]).tokenizer, []).extend(("--generator", model))
    heads = [["calibrate", CALIBRATED, "--output", CALIBRATION]] if CALIBRATED in known else []
    runs = [["run", "--task", TASK, "--reference", reference, *asked, "--out", RUNS] for asked in swept.values()]
    return [*heads, *runs] if runs else []


def _kept(images: FitImages, split: str, count: int, folder: Path) -> str:
    """Every so many-th image of a split in a Parquet file, losslessly; the file, seen from ``folder``."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    step = max(1, len(images.pixels) // count)
    pixels, labels = images.pixels[::step][:count], images.labels[::step][:count]
    file = Path("data", f"{name_of(images, split)}-{len(pixels)}.parquet")
    (folder / "data").mkdir(parents=True, exist_ok=True)
    table = pa.table({"image": [_png(one) for one in pixels], "label": labels.tolist()})
    with atomic_path(folder / file) as temporary:
        pq.write_table(table, temporary)
    return f"parquet,path={file.as_posix()}"


def _png(pixels: torch.Tensor) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(stream, format="PNG")
    return stream.getvalue()


def call_all(calls: Sequence[Sequence[str]], folder: Path, jobs: int = 1) -> None:
    """Make the calls of vtbench, so many at a time, the last, which are the longest, first; calibrations before all.

    Args:
        calls: as of :func:`commands`.
        folder: that they are made in.
        jobs: processes at a time, which share the cores.

    Raises:
        VtbenchError: a call failed; those that were begun are ended as they end, and no other is begun.
    """
    threads = {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // jobs))} if jobs > 1 else {}
    for arguments in calls:
        if arguments[0] != "run":
            _call(["vtbench", *arguments], folder)
    pool = ThreadPoolExecutor(jobs)
    begun = [
        pool.submit(_call, ["vtbench", *arguments], folder, threads)
        for arguments in reversed(calls)
        if arguments[0] == "run"
    ]
    try:
        for one in as_completed(begun):
            one.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _call(arguments: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> None:
    command, around = [sys.executable, "-m", *arguments], {**os.environ, **(environment or {})}
    done = subprocess.run(command, cwd=folder, env=around, check=False)
    if done.returncode != 0:
        raise VtbenchError(f"{' '.join(arguments[:4])} … ended with {done.returncode}", "see what it printed")


def main(
    images: Annotated[Path, typer.Option(metavar="DIR", help="CIFAR-10: Parquet files, or torchvision's folder.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where data and runs go; what is there is reused.")],
    jobs: Annotated[int, typer.Option(min=1, help="Runs at a time; they share the cores.")] = 1,
) -> None:
    """Measure the zoo on CIFAR-10, put its records into the leaderboards, and write docs/zoo.md."""
    root = CHECKOUT.parent
    try:
        train, test = (load_images(images, split) for split in ("train", "test"))
        call_all(commands(train, test, out, load_suite(SUITE).tokenizers), out, jobs)
        _call(["vtbench", "leaderboard", "add", RUNS, "--root", str(root / "leaderboards")], out)
        _call(["vtbench", "leaderboard", "build"], root)
        for page in ("vtbench.zoo.page", "vtbench.cli.choosing"):
            _call([page, "leaderboards", "docs"], root)
    except VtbenchError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None


if __name__ == "__main__":
    typer.run(main)
