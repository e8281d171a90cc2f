"""Tables in Markdown, on stdout and in the benchmark's own section of the README."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from machine import description

README = Path(__file__).parent / "README.md"


def parser(purpose: str) -> argparse.ArgumentParser:
    """Options that every benchmark takes, so that ``make bench ARGS=--write`` works for all of them."""
    made = argparse.ArgumentParser(description=purpose)
    made.add_argument("--write", action="store_true", help="put the result into benchmarks/README.md")
    made.add_argument("--rounds", type=int, default=3, help="interleaved repetitions; medians are reported")
    made.add_argument("--threads", type=int, default=1, help="threads of every contender")
    return made


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table; every column but the first is aligned to the right."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def ratio(values: Sequence[float]) -> str:
    """The median, and the spread where there is one."""
    shown = f"**{median(values):.2f}×**"
    return shown if len(values) == 1 else f"{shown} ({min(values):.2f}–{max(values):.2f})"


def publish(name: str, parts: Sequence[str], write: bool) -> None:
    """Print the result with the command and machine it came from, and write it where the README keeps it."""
    command = " ".join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *(a for a in sys.argv[1:] if a != "--write")])
    text = "\n\n".join([f"`{command}` on {description()}.", *parts])
    print(text)
    if write:
        _replace_section(name, text)


def _replace_section(name: str, text: str) -> None:
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, found, rest = README.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise SystemExit(f"{README} has no section {name}: it needs the lines {begin} and {end}")
    README.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")
