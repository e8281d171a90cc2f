"""A web server that gives ranges, tells entity tags and can fail, and shards of photographs to serve."""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vtbench.data.stores import web

webdataset = pytest.importorskip("webdataset")


class RangeServer(http.server.ThreadingHTTPServer):
    """Serves a folder under ``/data``.

    Attributes:
        asked: ``(path, first byte, last byte)`` of every request.
        failing: requests that are answered with 503 first.
        cut: requests whose answer ends in the middle.
        ranges: whether ranges are given at all.
    """

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder, self.asked = folder, []
        self.failing = self.cut = 0
        self.ranges = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/data"


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: RangeServer

    def do_GET(self) -> None:
        path = self.server.folder / self.path.partition("?")[0].removeprefix("/data/")
        span = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"])
        first, last = int(span[1]), int(span[2])
        self.server.asked.append((path.name, first, last))
        if self.server.failing:
            self.server.failing -= 1
            return self._answer(503, b"")
        if not path.is_file():
            return self._answer(404, b"")
        data = path.read_bytes()
        tag = {"ETag": f'"{hashlib.md5(data).hexdigest()}"'}
        if not self.server.ranges:
            return self._answer(200, data, tag)
        if first >= len(data):
            return self._answer(416, b"")
        part = data[first : last + 1]
        tag["Content-Range"] = f"bytes {first}-{first + len(part) - 1}/{len(data)}"
        cut, self.server.cut = bool(self.server.cut), max(0, self.server.cut - 1)
        self._answer(206, part, tag, len(part) // 2 if cut else len(part))

    def _answer(self, status: int, data: bytes, headers: dict[str, str] | None = None, sent: int | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data[:sent])
        self.close_connection = self.close_connection or sent not in (None, len(data))

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def folder(tmp_path: Path, photo: np.ndarray) -> Path:
    """Two tars of three photographs with classes, written by webdataset itself."""
    path = tmp_path / "served"
    path.mkdir()
    for shard in range(2):
        with webdataset.TarWriter(str(path / f"part-{shard:03d}.tar")) as sink:
            for row in (2, 0, 1):
                png = io.BytesIO()
                Image.fromarray(np.roll(photo, 10 * shard + row, axis=1)).save(png, format="PNG")
                sink.write({"__key__": f"d/{row:04d}", "png": png.getvalue(), "cls": 5 + row})
    return path


@pytest.fixture
def server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RangeServer]:
    """The folder served; attempts are repeated without a pause, and no proxy stands between."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    monkeypatch.delenv("VTBENCH_OFFLINE", raising=False)
    monkeypatch.setattr(web, "PAUSES", (0.0, 0.0, 0.0))
    made = RangeServer(folder)
    thread = threading.Thread(target=functools.partial(made.serve_forever, poll_interval=0.01), daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
