"""One group of readers against damaged files, in a process whose memory is bounded: ``GROUP COUNT SEED``.

Prints one JSON object: what became of the inputs of each reader, and every input that broke the rule: a reader returns,
or raises an expected error of one line, within ten seconds.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

from fuzz_cases import groups
from fuzz_reader import Reader

from vtbench.core.errors import SampleError, VtbenchError

SECONDS = 10
HEADROOM = 3 << 29  # 1.5 GiB of addresses; what is really used is told by the peak
LONGEST = 4000


class OverdueError(BaseException):
    """No reader may hold an input longer; no boundary takes it for a parser's failure."""


def main(group: str, count: int, seed: int) -> dict[str, Any]:
    """``count`` inputs, shared evenly among the readers of a group."""
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, _overdue)
    readers = groups()[group]
    with tempfile.TemporaryDirectory() as scratch:
        places = {name: Path(scratch, str(number)) for number, name in enumerate(readers)}
        seeds = {name: _prepared(reader, places[name]) for name, reader in readers.items()}
        base = _peak()
        _bound_memory()
        each = max(1, count // len(readers))
        told = {name: _tried(name, readers[name], places[name], seeds[name], each, seed) for name in readers}
    return {"readers": told, "peak_mb": (_peak() - base) >> 10}


def _prepared(reader: Reader, place: Path) -> list[bytes]:
    """The seeds, each read once: they are valid, or refused for what they say, and all code is loaded."""
    place.mkdir()
    seeds = list(reader.seeds(place))
    path = place / reader.file
    path.parent.mkdir(parents=True, exist_ok=True)
    for data in seeds:
        path.write_bytes(data)
        _outcome(reader, path)
    return seeds


def _tried(name: str, reader: Reader, place: Path, seeds: list[bytes], count: int, seed: int) -> dict[str, Any]:
    outcomes: Counter[str] = Counter()
    broken, slowest = [], 0.0
    path = place / reader.file
    for number in range(count):
        draw = random.Random(f"{name} {seed} {number}")
        data = reader.damage(draw.choice(seeds), draw)
        path.unlink(missing_ok=True)
        path.write_bytes(data)
        started = time.perf_counter()
        outcome, problem = _outcome(reader, path)
        slowest = max(slowest, time.perf_counter() - started)
        outcomes[outcome] += 1
        if problem:
            broken.append(f"{name}, input {number} of seed {seed}: {problem}")
    return {"outcomes": dict(outcomes), "slowest_s": round(slowest, 3), "broken": broken}


def _outcome(reader: Reader, path: Path, named: tuple[str, ...] = ("",)) -> tuple[str, str]:
    """What became of an input, and why that breaks the rule.

    Args:
        named: one of these every expected error must name, but for the failure of a sample, which names that.
    """
    signal.alarm(SECONDS)
    try:
        reader.read(path)
    except VtbenchError as error:
        signal.alarm(0)
        if not isinstance(error, SampleError) and not any(name in error.what for name in named):
            return type(error).__name__, f"does not name {named[0]}: {error.what[:300]!r}"
        fits = "\n" not in error.what and "\r" not in error.what and len(error.what) <= LONGEST
        return type(
            error
        ).__name__, "" if fits else f"not one line: {error.what[:300]!r} ({len(error.what)} characters)"
    except OverdueError:
        return "overdue", f"took more than {SECONDS} s: {traceback.format_exc()[-600:]}"
    except BaseException:  # noqa: BLE001 - what must not happen is told, and the next input tried
        signal.alarm(0)
        return "traceback", traceback.format_exc()[-1500:]
    signal.alarm(0)
    return "read", ""


def _overdue(*_: object) -> None:
    raise OverdueError


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _bound_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    bound = pages * os.sysconf("SC_PAGE_SIZE") + HEADROOM
    resource.setrlimit(resource.RLIMIT_AS, (bound, bound))


if __name__ == "__main__":
    result = main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    Path(sys.argv[4]).write_text(json.dumps(result, indent=1), encoding="utf-8")
