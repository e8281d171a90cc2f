"""Reading pages of text: how readers are asked, beside the other ways to ask them, and whether they read the same."""

from __future__ import annotations

import io
import os
import shutil
import time
from collections.abc import Callable
from typing import Any

from machine import use_threads
from reporting import parser, publish, ratio, table

QUALITY = 10
Lines = list[tuple[str, ...]]


def pages(count: int) -> list[Any]:
    """Pages of ``english-mini`` from all over the set, as they are and as JPEG leaves them."""
    from PIL import Image

    from vtbench.data.embedded.english_mini import EnglishMini
    from vtbench.data.pixels import from_pillow, to_pillow

    data = EnglishMini()
    originals = [data[index * len(data) // count].image for index in range(count)]
    compressed = []
    for page in originals:
        stream = io.BytesIO()
        to_pillow(page).save(stream, "JPEG", quality=QUALITY)
        compressed.append(from_pillow(Image.open(stream).convert("RGB")))
    return [*originals, *compressed]


def rapidocr(shown: list[Any]) -> dict[str, Callable[[], Lines]]:
    """As vtbench asks it; without memory kept between layers; with twice as many lines at once."""
    from vtbench.readers.rapidocr import RapidOcr

    def read(reader: RapidOcr) -> Callable[[], Lines]:
        return lambda: [result.lines for result in reader.read(shown)]

    usual, forgetful, wide = RapidOcr(), RapidOcr(), RapidOcr()
    _without_arena(forgetful)
    wide._engine._load_rec_model().rec_batch_num *= 2
    return {
        "RapidOCR": read(usual),
        "RapidOCR, memory asked for at every layer": read(forgetful),
        "RapidOCR, twelve lines at once": read(wide),
    }


def _without_arena(reader: Any) -> None:
    """Its two networks in sessions as the engine itself would open them."""
    import onnxruntime

    stages = (reader._engine._load_det_model(), reader._engine._load_rec_model())
    for stage, path in zip(stages, reader._models.values(), strict=True):
        options = onnxruntime.SessionOptions()
        options.enable_cpu_mem_arena = False
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        stage.session.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def tesseract(shown: list[Any]) -> dict[str, Callable[[], Lines]]:
    """Sixteen pages a run of the program, and one; nothing where it is not installed."""
    from vtbench.readers.tesseract import Tesseract

    if shutil.which("tesseract") is None:
        return {}
    reader = Tesseract()

    def read(at_once: int) -> Callable[[], Lines]:
        parts = [shown[start : start + at_once] for start in range(0, len(shown), at_once)]
        return lambda: [result.lines for part in parts for result in reader.read(part)]

    return {"Tesseract, sixteen pages a run": read(reader.at_once), "Tesseract, one page a run": read(1)}


def compare(ways: dict[str, Callable[[], Lines]], rounds: int) -> list[list[str]]:
    """Rows of the first way and of the others against it, in turn; the first round warms up."""
    spent: dict[str, list[float]] = {name: [] for name in ways}
    lines: dict[str, Lines] = {}
    for _ in range(rounds + 1):
        for name, read in ways.items():
            began = _processor()
            lines[name] = read()
            spent[name].append(_processor() - began)
    first, *_ = ways
    rows = []
    for name in ways:
        ratios = [there / here for there, here in zip(spent[name][1:], spent[first][1:], strict=True)]
        same = sum(one == other for one, other in zip(lines[name], lines[first], strict=True))
        rows.append([name, ratio(ratios), f"{same} of {len(lines[name])}"])
    return rows


def _processor() -> float:
    """Seconds of this process and of the programs that it ran."""
    spent = os.times()
    return time.process_time() + spent.children_user + spent.children_system


def main() -> None:
    options = parser(__doc__ or "")
    options.add_argument("--pages", type=int, default=16, help="originals; each is read as JPEG too")
    chosen = options.parse_args()
    use_threads(chosen.threads)
    shown = pages(chosen.pages)
    rows = [row for ways in (rapidocr(shown), tesseract(shown)) if ways for row in compare(ways, chosen.rounds)]
    note = f"{len(shown)} pages of 256×256; processor time, programs included; relative to the first of each engine."
    publish("readers", [note, table(["", "time", "pages read alike"], rows)], chosen.write)


if __name__ == "__main__":
    main()
