"""``docs/systems.md``, written from the rows: ``python -m vtbench.systems.page > docs/systems.md``."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from vtbench.checkpoints.tables import table
from vtbench.systems.entries import HOW, Run, System, load_coverage

_INTRODUCTION = """# Systems

Written from `vtbench/systems/coverage.yaml` by `python -m vtbench.systems.page`; do not edit.

What vtbench runs of each system of the literature, with the command. Weights are their authors': `vtbench show NAME`
says where they lie and under which licence, `vtbench fetch NAME` gets them. Nothing here says that a published number
was reproduced.
"""


def systems_page() -> str:
    """The page."""
    coverage = load_coverage()
    ways = Counter(run.how for system in coverage.systems for run in system.runs)
    parts = [
        _INTRODUCTION,
        table(["how", "what is run", "rows"], ([how, told, str(ways[how])] for how, told in HOW.items())) + "\n",
        *_section("The papers", coverage.papers),
        *_section("VTBench's tokenizers", coverage.tokenizers),
        *_section("Beside them", coverage.others),
    ]
    return "\n".join(part.rstrip() + "\n" for part in parts)


def _section(title: str, systems: Sequence[System]) -> Iterator[str]:
    yield f"## {title}\n"
    yield table(["system", "what it is", "run as"], (_row(system) for system in systems)) + "\n"
    for system in systems:
        yield _paragraph(system)


def _row(system: System) -> list[str]:
    ways = ", ".join(dict.fromkeys(run.how for run in system.runs))
    return [f"[{system.name}](#{anchor(system.name)})", system.kind, ways]


def _paragraph(system: System) -> str:
    commands = "\n".join(run.command for run in system.runs)
    told = [text for text in (*_explained(system.runs), system.missing) if text]
    rest = f"\n{' '.join(told)}\n" if told else ""
    return f"### {system.name}\n\n{system.kind}; {_source(system.source)}.\n\n```bash\n{commands}\n```\n{rest}"


def _explained(runs: Iterable[Run]) -> Iterator[str]:
    for run in runs:
        if run.recipe:
            yield f"[Recipe](recipes/{run.recipe}.md)."
        yield run.what


def _source(source: str) -> str:
    if source.startswith("https://"):
        return f"<{source}>"
    if re.fullmatch(r"\d{4}\.\d{5}", source):
        return f"[arXiv {source}](https://arxiv.org/abs/{source})"
    return f"[{source}](https://github.com/{source})"


def anchor(name: str) -> str:
    """Of a heading, as Python-Markdown makes it."""
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", ascii_only).strip().lower())


if __name__ == "__main__":
    print(systems_page(), end="")
