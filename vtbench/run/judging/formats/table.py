"""Every format by its name."""

from __future__ import annotations

import difflib

from vtbench.core.errors import UsageError
from vtbench.run.judging.formats import (
    dpg_bench,
    geneval,
    geneval_2,
    hpsv2,
    judgements,
    longtext,
    oneig,
    t2i_compbench,
    unigenbench,
    wise,
)
from vtbench.run.judging.source import Format

FORMATS: dict[str, Format] = {
    one.name: one
    for one in (
        geneval.FORMAT,
        dpg_bench.FORMAT,
        t2i_compbench.FORMAT,
        hpsv2.FORMAT,
        wise.LEGACY,
        wise.VERIFIED,
        geneval_2.FORMAT,
        oneig.FORMAT,
        longtext.FORMAT,
        unigenbench.FORMAT,
        judgements.FORMAT,
    )
}


def find_format(name: str) -> Format:
    """A format by its name.

    Raises:
        UsageError: there is none, with a suggestion.
    """
    if name in FORMATS:
        return FORMATS[name]
    close = difflib.get_close_matches(name, FORMATS, n=1, cutoff=0.5)
    told = f"did you mean {close[0]}?" if close else f"known: {', '.join(FORMATS)}"
    raise UsageError(f"unknown format {name!r}", f"{told} (vtbench list formats)")
