"""Progress on stderr: a bar with rate and remaining time on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from vtbench.core.outgoing import terminal_line, terminal_text
from vtbench.core.secrets import masked

_PLAIN_EVERY_S = 15.0
_listener: ContextVar[Callable[[str], None] | None] = ContextVar("listener", default=None)


class JobProgress:
    """Counts the samples of one job."""

    def __init__(self, label: str, total: int, progress: Progress | None) -> None:
        self._label, self._total, self._done = label, total, 0
        self._progress = progress
        shown = escape(terminal_line(masked(label)))
        self._task = progress.add_task(shown, total=total) if progress is not None else None
        self._started = self._told = time.monotonic()

    def resume_from(self, done: int) -> None:
        """Samples that an earlier run, or another worker, already measured."""
        self._advance(done)
        self._started = time.monotonic()

    def advance(self, count: int) -> None:
        """``count`` more samples are measured."""
        self._advance(count)
        now = time.monotonic()
        if self._progress is None and now - self._told >= _PLAIN_EVERY_S:
            self._told = now
            say(f"{self._label}: {self._done}/{self._total} samples")

    def _advance(self, count: int) -> None:
        self._done += count
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, advance=count)


class _Rate(TextColumn):
    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f} images/s" if speed else "", style="progress.data.speed")


@contextmanager
def job_progress(label: str, total: int, quiet: bool = False) -> Iterator[JobProgress]:
    """A progress display for one job, on stderr."""
    console = Console(stderr=True)
    if quiet or _listener.get() is not None or not console.is_terminal:
        yield JobProgress(label, total, None)
        return
    columns = (
        TextColumn("[progress.description]{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        yield JobProgress(label, total, progress)


def say(line: str) -> None:
    """One line to the log, with neither credentials nor control characters."""
    text = terminal_text(masked(line))
    listener = _listener.get()
    if listener is not None:
        listener(text)
    else:
        print(text, file=sys.stderr, flush=True)


@contextmanager
def told_to(listener: Callable[[str], None]) -> Iterator[None]:
    """In the body nothing is printed: lines go to ``listener``, and there are no bars."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
