"""A process that has imported everything, and children of it that run a small job and are struck at a chosen moment.

Started as ``python nursery.py FOLDER`` with a JSON plan on stdin; prints what became of each case as a JSON line. A
child costs a fraction of a second, since it inherits what was imported. Linux alone: children are forked.
"""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

TASK = """
name: struck
version: 1
kind: reconstruction
summary: Cheap metrics, features of one small network, pictures.
preprocess: {preset: native@1}
image_metrics: [psnr, mae]
set_metrics: [{name: fd_colours, params: {min_samples: 0}}]
code_metrics: [bits_per_pixel, tokens_per_image]
block_size: 3
table: [psnr, mae]
previews: {fixed: 1, worst: 1}
"""
MODEL = '''
import torch
from vtbench.core.info import TokenizerInfo
from vtbench.tokenizers.fitted.keeping import fitted


class Offset:
    """Adds what was fitted and kept in the cache."""

    def __init__(self):
        self.fit = fitted("offset", 1, {"patch": 64, "seed": 0}, lambda rows: {"mean": rows.mean(0, keepdims=True)})
        self.info = TokenizerInfo(name="offset", kind="continuous", weights=(self.fit.weight,))

    def reconstruct(self, images):
        return images * 0.9 + 0.1 * float(self.fit.arrays["mean"].mean())
'''
CALLS = ("replace", "rename", "link", "unlink", "mkdir", "fsync")
COMMAND = ("run", "--task", "struck.yaml", "--data", "images", "-t", "./offset.py:Offset", "--out", "runs")
OPTIONS = ("--offline", "--workers", "0", "--device", "cpu", "--json")


class Colours:
    """A feature extractor: mean and deviation of each colour, written here as a network would be."""

    features = ("pool",)
    id = "colours-0-float32"

    def to(self, *, device: Any) -> Colours:
        return self

    def __call__(self, images: Any) -> dict[str, Any]:
        import torch

        flat = images.float().flatten(2)
        return {"pool": torch.cat([flat.mean(2), flat.std(2)], dim=1)}


@dataclass(frozen=True)
class Strike:
    """When a child is struck: at a call of the file system, or a time; killed, or told that the disk is full.

    Attributes:
        how: ``kill`` or ``full``; ``none`` leaves it alone.
        call: the number of the call, of those in ``names``; -1 for none.
        after: whether the call is let through before.
        at_s: seconds of processor time after the start, which a busy neighbour does not change.
    """

    how: str = "none"
    call: int = -1
    after: bool = False
    at_s: float = 0.0
    names: tuple[str, ...] = CALLS


@dataclass
class Ended:
    """What became of a child, and its seconds of processor time."""

    code: int
    err: str
    seconds: float
    calls: list[str] = field(default_factory=list)


def prepare(folder: Path) -> None:
    """Images, task and model of the job."""
    import numpy as np
    from PIL import Image

    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(6):
        picture = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
        Image.fromarray(picture).save(folder / "images" / f"{number}.png")
    (folder / "struck.yaml").write_text(TASK)
    (folder / "offset.py").write_text(MODEL)


def run(folder: Path, strike: Strike) -> Ended:
    """The job in a child."""
    told = folder / "stderr"
    child = os.fork()
    if child == 0:
        _be_child(folder, strike, told)
    _, status, used = os.wait4(child, 0)
    calls = folder / "calls"
    seen = calls.read_text().splitlines() if calls.exists() else []
    err = told.read_text() if told.exists() else ""
    return Ended(os.waitstatus_to_exitcode(status), err, used.ru_utime + used.ru_stime, seen)


def _be_child(folder: Path, strike: Strike, told: Path) -> None:
    code = 99
    try:
        os.chdir(folder)
        for number, name in ((1, "stdout"), (2, told.name)):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        os.environ["VTBENCH_CACHE"] = str(folder / "cache")
        sys.argv = ["vtbench", *COMMAND, *OPTIONS]
        _wrap(folder, strike)
        if strike.at_s:  # what the system does by default with this signal: the process ends, as with SIGKILL
            signal.signal(signal.SIGPROF, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_PROF, strike.at_s)
        from vtbench.cli.main import main

        main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:  # noqa: BLE001 - a traceback is what is looked for
        import traceback

        os.write(2, traceback.format_exc().encode())
    finally:
        sys.stderr.flush()
        os._exit(code)


def _wrap(folder: Path, strike: Strike) -> None:
    """Count the calls of the file system below ``folder``, and strike at one."""
    log = os.open(folder / "calls", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    count = iter(range(1 << 30))

    def wrapped(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def through(*given: Any, **named: Any) -> Any:
            of = given[1] if name in ("replace", "rename", "link") else given[0]
            place = f"fd {of}" if isinstance(of, int) else os.fspath(of)
            if not isinstance(of, int) and not str(Path(place).absolute()).startswith(str(folder)):
                return call(*given, **named)
            number = next(count)
            os.write(log, f"{name} {place}\n".encode())
            if strike.how == "full" and 0 <= strike.call <= number and name != "unlink":
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), *([] if place[:3] == "fd " else [place]))
            if strike.how == "kill" and number == strike.call and not strike.after:
                os.kill(os.getpid(), signal.SIGKILL)
            done = call(*given, **named)
            if strike.how == "kill" and number == strike.call:
                os.kill(os.getpid(), signal.SIGKILL)
            return done

        return through

    for name in strike.names:
        setattr(os, name, wrapped(name, getattr(os, name)))


def outcome(folder: Path) -> dict[str, Any]:
    """What lies there: the digest of the results, of the rows, and what should not be there."""
    from vtbench.results.records.record import read_record

    records = sorted(folder.glob("runs/struck/*/*/record.json"))
    rows = sorted(folder.glob("runs/struck/*/*/samples.parquet"))
    return {
        "results": [read_record(path).results_digest() for path in records],
        "rows": [sha256(path.read_bytes()).hexdigest() for path in rows],
        "pictures": sorted(path.name for path in folder.glob("runs/struck/*/*/previews/*")),
        "litter": sorted(str(path.relative_to(folder)) for path in folder.rglob(".*.partial")),
    }


def case(template: Path, folder: Path, strikes: list[Strike]) -> dict[str, Any]:
    """Strikes one after another in one folder, then a run that is left alone."""
    shutil.copytree(template, folder)
    struck = [run(folder, strike) for strike in strikes]
    blocks = len(list(folder.glob("runs/struck/*/*/blocks/*.parquet")))
    last = run(folder, Strike())
    found = outcome(folder) if last.code == 0 else {}
    shutil.rmtree(folder)
    return {"strikes": [asdict(one) for one in strikes], "struck": [asdict(one) for one in struck],
            "blocks": blocks, "last": asdict(last), **found}  # fmt: skip


def answers(place: Path, plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The undisturbed run, then every case of the plan."""
    template = place / "template"
    prepare(template)
    yield (first := case(template, place / "undisturbed", []))
    calls, seconds = first["last"]["calls"], first["last"]["seconds"]
    numbers = [number for number, call in enumerate(calls) if call.split()[0] in plan["names"]][:: plan.get("step", 1)]
    every = [
        Strike(how, number, after)
        for how, afters in plan.get("every", {}).items()
        for number in numbers
        for after in afters
    ]
    chance = random.Random(plan["seed"])
    times = [Strike("kill", at_s=chance.uniform(0.01, seconds)) for _ in range(plan.get("times", 0))]
    for number, strike in enumerate([*every, *times]):
        yield case(template, place / str(number), [strike])


def import_everything() -> None:
    """What a run imports, so that children need not; what takes long in each and is not attacked is made short."""
    import importlib.metadata

    import numpy as np
    import pyarrow.parquet
    import safetensors.numpy
    import scipy.linalg
    import threadpoolctl
    import torch.utils.data

    import vtbench.cli.main
    import vtbench.data.embedded.photographs.photos_mini
    import vtbench.run.session
    from vtbench.core import registry
    from vtbench.features import EXTRACTORS
    from vtbench.tokenizers.fitted import keeping as fitted

    assert all((pyarrow.parquet, safetensors.numpy, scipy.linalg, threadpoolctl, torch.utils.data))
    assert vtbench.cli.main and vtbench.data.embedded.photographs.photos_mini and vtbench.run.session
    EXTRACTORS.builtin["colours"] = "nursery:Colours"
    registry.entry_points = lru_cache(importlib.metadata.entry_points)  # type: ignore[attr-defined]
    rows = np.random.default_rng(1).random((8, 12))
    fitted.training_patches = lambda dataset, patch, seed: rows


if __name__ == "__main__":
    sys.modules["nursery"] = sys.modules["__main__"]
    import_everything()
    for answer in answers(Path(sys.argv[1]), json.loads(sys.stdin.read())):
        print(json.dumps(answer), flush=True)
