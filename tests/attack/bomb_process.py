"""Files of a megabyte or less that would unfold to gigabytes: ``make FOLDER``, then ``read FOLDER TOLD``."""

from __future__ import annotations

import io
import json
import signal
import struct
import sys
import time
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fuzz_process import _outcome, _overdue, _peak
from fuzz_reader import ROOT, Reader, can, saved

SIDE = 9400  # 88 megapixels: of a PNG, as many as are decoded of any file
LARGEST = 13_377


def bombs() -> Iterator[tuple[str, Reader]]:
    """Each with one seed: the bomb."""
    yield from _pictures()
    yield from _archives()
    yield from _tables()
    yield from _texts()


def _one(file: str, make: Callable[[], bytes], read: Callable[[Path], object]) -> Reader:
    return Reader(file, lambda _: [make()], read)


def _pictures() -> Iterator[tuple[str, Reader]]:
    from PIL import Image

    from vtbench.data.decode import decode_image

    def picture(form: str, mode: str, side: int, **options: Any) -> Callable[[], bytes]:
        return lambda: saved(lambda stream: Image.new(mode, (side, side)).save(stream, form, **options))

    Image.MAX_IMAGE_PIXELS = None
    for mode in ("L", "P", "RGB", "RGBA", "I;16"):
        for side in (SIDE, LARGEST):
            yield f"PNG {mode} {side}", _one("i", picture("PNG", mode, side), decode_image)
    progressive = picture("JPEG", "RGB", 8900, progressive=True, subsampling=0)
    yield "JPEG progressive", _one("i", progressive, decode_image)
    yield "TIFF", _one("i", picture("TIFF", "RGBA", 5900, compression="tiff_lzw"), decode_image)
    yield "GIF", _one("i", picture("GIF", "P", SIDE), decode_image)
    for form, options in (("WEBP", {"lossless": True, "quality": 0, "method": 0}), ("JPEG2000", {})):
        if can(picture(form, "RGBA", 8, **options)):
            yield form, _one("i", picture(form, "RGBA", 5900, **options), decode_image)
    for side in (5900, LARGEST):
        yield f"PNG of 16 bits {side}", _one("i.png", lambda side=side: _deep(side), decode_image)


def _deep(side: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    packing = zlib.compressobj(9)
    packed = b"".join([*(packing.compress(bytes(1 + 8 * side)) for _ in range(side)), packing.flush()])
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 16, 6, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def _archives() -> Iterator[tuple[str, Reader]]:
    import numpy as np
    import torch

    from vtbench.assets.checkpoint import load_checkpoint
    from vtbench.data.sources.npz import ArrayImages

    def npz(side: int) -> bytes:
        return saved(lambda stream: np.savez_compressed(stream, arr_0=np.zeros((1, side, side, 3), np.uint8)))

    def packed() -> bytes:
        plain, target = saved(lambda stream: torch.save({"w": torch.zeros(100_000_000)}, stream)), io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(plain)) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
            for member in source.infolist():
                out.writestr(member.filename, source.read(member))
        return target.getvalue()

    repeated = torch.zeros(1).expand(1_000_000, 1_000_000)
    for side in (9000, 16_000):
        yield f"npz of {side}", _one("a.npz", lambda side=side: npz(side), ArrayImages)
    yield "packed checkpoint", _one("w.pt", packed, load_checkpoint)
    yield "one number repeated", _one("w.pt", lambda: saved(lambda s: torch.save({"w": repeated}, s)), load_checkpoint)


def _tables() -> Iterator[tuple[str, Reader]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from vtbench.data.sources.parquet import ParquetShards
    from vtbench.results.comparing.sources import load_measurements

    def dictionary() -> bytes:
        column = pa.DictionaryArray.from_arrays(pa.array([0] * 50_000, pa.int32()), pa.array([bytes(400_000)]))
        return saved(lambda stream: pq.write_table(pa.table({"image": column}), stream, store_schema=False))

    def zeros() -> bytes:
        column = pa.array([bytes(1 << 30)], pa.binary())
        return saved(lambda stream: pq.write_table(pa.table({"image": column}), stream, compression="zstd"))

    def wide() -> bytes:
        return ",".join(map(str, range(60_000))).encode() + b"\n" + b"x\n" * 200_000

    yield "parquet dictionary", _one("p.parquet", dictionary, lambda path: ParquetShards(path).content_digest(49_000))
    yield "parquet zeros", _one("p.parquet", zeros, lambda path: ParquetShards(path).content_digest(0))
    yield "wide CSV", _one("r.csv", wide, load_measurements)


def _texts() -> Iterator[tuple[str, Reader]]:
    from vtbench.core.foreign.program_output import read_objects
    from vtbench.data.sources.program_images import reported_errors
    from vtbench.results.records.record import read_record
    from vtbench.tasks import load_task

    def said(path: Path) -> object:
        with path.open("rb") as stream:
            return reported_errors(read_objects(stream).objects)

    aliases = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
    )
    shipped = next((ROOT / "tasks").glob("*/*.yaml")).read_bytes()
    yield "YAML aliases", _one("t.yaml", aliases.encode, lambda path: load_task(str(path)))
    yield "YAML brackets", _one("t.yaml", lambda: shipped + b"x: " + b"[" * 500_000, lambda path: load_task(str(path)))
    yield "JSON brackets", _one("record.json", lambda: b"[" * 900_000, read_record)
    yield "JSON lists", _one("record.json", lambda: b"[" + b"[]," * 300_000 + b"[]]", read_record)
    yield "program", _one("out", lambda: b"{\n" * 450_000, said)


def make(folder: Path) -> None:
    """Write every bomb; that itself takes memory, so it is another process than reads them."""
    for number, (_, reader) in enumerate(bombs()):
        path = folder / str(number) / reader.file
        path.parent.mkdir()
        path.write_bytes(next(iter(reader.seeds(path.parent))))


def read(folder: Path) -> dict[str, Any]:
    """Outcomes by bomb, and the peak above what was used before the first was read."""
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, _overdue)
    readers = list(bombs())
    base, told = _peak(), {}
    for number, (name, reader) in enumerate(readers):
        path = folder / str(number) / reader.file
        started = time.perf_counter()
        outcome, problem = _outcome(reader, path)
        told[name] = {
            "bytes": path.stat().st_size,
            "outcome": outcome,
            "broken": problem,
            "s": round(time.perf_counter() - started, 1),
            "peak_mb": (_peak() - base) >> 10,
        }
    return told


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]))
    else:
        Path(sys.argv[3]).write_text(json.dumps(read(Path(sys.argv[2]))), encoding="utf-8")
