"""Processor time that digests of stored files take, as a share of a whole run of the cheapest model there is."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from machine import use_threads
from reporting import parser, publish, table


class Spent:
    """Time inside some functions; what they call of one another is not counted twice."""

    def __init__(self) -> None:
        self.seconds, self.calls, self._depth = 0.0, 0, 0

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **named: Any) -> Any:
            began, self._depth = time.process_time(), self._depth + 1
            try:
                return function(*arguments, **named)
            finally:
                self._depth -= 1
                if not self._depth:
                    self.seconds, self.calls = self.seconds + time.process_time() - began, self.calls + 1

        return run


def watch() -> Spent:
    """Every place that makes or checks a digest of a stored file. The rows and arrays read there count, too."""
    from vtbench.core.outside import tensor_files
    from vtbench.results.records import samples, strict_json
    from vtbench.run.storing import blocks as store
    from vtbench.run.storing import references

    spent = Spent()
    for owner, name in (
        (tensor_files, "digest_arrays"),
        (samples, "_content"),
        (strict_json, "sealed"),
        (store.BlockStore, "check"),
        (references.ReferenceFeatures, "_check"),
    ):
        setattr(owner, name, spent.timed(getattr(owner, name)))
    return spent


def measure(task: str, tokenizer: str, out: Path, limit: int | None) -> list[str]:
    """A run from nothing, then the same from what is there."""
    from vtbench.run.options import RunOptions
    from vtbench.run.planning.models import source_of
    from vtbench.run.session import plan_session
    from vtbench.tasks import load_task

    spent = watch()
    cells = [f"{task}, {tokenizer}"]
    for _ in range(2):
        spent.seconds = 0.0
        began = time.process_time()
        session = plan_session(
            [lambda: source_of(tokenizer)], [load_task(task)], None, RunOptions(out=out, limit=limit)
        )
        session.run(reraise=True)
        total = time.process_time() - began
        cells += [f"{total:.2f} s", f"{1000 * spent.seconds:.0f} ms", f"{100 * spent.seconds / total:.2f} %"]
    return cells


def main() -> None:
    options = parser(__doc__ or "")
    options.add_argument("--limit", type=int, help="images; all unless given")
    chosen = options.parse_args()
    use_threads(chosen.threads)
    with tempfile.TemporaryDirectory() as folder:
        rows = [measure("photos-mini", "jpeg,quality=30", Path(folder), chosen.limit)]
    head = ["job", "run", "digests", "share", "again", "digests", "share"]
    publish("integrity", [table(head, rows)], chosen.write)


if __name__ == "__main__":
    main()
