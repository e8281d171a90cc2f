"""All readers against files that are nearly right: ``EXAMPLES TOLD``, and the readers, where only some are meant.

Everything is imported once; each reader is then tried in a child of its own whose memory is bounded. Writes what became
of the inputs, and of those that broke the rule the smallest that hypothesis found. Linux alone: children are forked.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fuzz_cases import groups
from fuzz_process import _bound_memory, _outcome, _overdue, _peak, _prepared
from fuzz_reader import PIXELS, Reader, picture, saved
from hypothesis import HealthCheck, Phase, given, settings
from near.catalog import near

SHOWN_BYTES = 600
PICTURED = ("parquet", "tar")
FILELESS = ("reference",)


def main(examples: int, told: Path, only: Sequence[str]) -> None:
    """Every reader, one child after another."""
    warnings.simplefilter("ignore")
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        readers = {name: reader for group in groups().values() for name, reader in group.items()}
        for number, name in enumerate(only or readers):
            place, answer = Path(scratch, str(number)), Path(scratch, f"{number}.json")
            child = os.fork()
            if child == 0:
                _child(name, readers[name], place, examples, answer)
            _, status = os.waitpid(child, 0)
            died = {"broken": f"{name}: its process ended with {status}", "outcomes": {}, "peak_mb": 0, "slowest_s": 0}
            found[name] = json.loads(answer.read_text(encoding="utf-8")) if answer.exists() else died
    told.write_text(json.dumps(found, indent=1), encoding="utf-8")


def _child(name: str, reader: Reader, place: Path, examples: int, answer: Path) -> None:
    try:
        signal.signal(signal.SIGALRM, _overdue)
        answer.write_text(json.dumps(_tried(name, reader, place, examples)), encoding="utf-8")
    except BaseException:  # noqa: BLE001 - a child must never go on as its parent
        traceback.print_exc()
    finally:
        os._exit(0)


def _tried(name: str, reader: Reader, place: Path, examples: int) -> dict[str, Any]:
    seeds = _prepared(reader, place)
    if name in PICTURED:
        seeds = [saved(lambda stream, one=one: picture(one).save(stream, "PNG")) for one in PIXELS]
    path, base = place / reader.file, _peak()
    named = ("",) if name in FILELESS else (path.name, str(path.parent))
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    broken: list[str] = []

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
        report_multiple_bugs=False,
    )
    @given(near(name, seeds))
    def is_read_or_told(data: bytes) -> None:
        nonlocal slowest
        path.unlink(missing_ok=True)
        path.write_bytes(data)
        started = time.perf_counter()
        outcome, problem = _outcome(reader, path, named)
        slowest = max(slowest, time.perf_counter() - started)
        outcomes[outcome] += 1
        if problem:
            broken[:] = [f"{name}: {problem}\n{len(data)} bytes: {base64.b64encode(data[:SHOWN_BYTES]).decode()}"]
        assert not problem

    _bound_memory()
    try:
        is_read_or_told()
    except AssertionError:
        pass
    except Exception:  # noqa: BLE001 - of the strategy itself
        broken.append(f"{name}: {traceback.format_exc()[-1500:]}")
    return {
        "outcomes": dict(outcomes),
        "slowest_s": round(slowest, 3),
        "broken": "\n".join(broken),
        "peak_mb": (_peak() - base) >> 10,
    }


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
