"""A small asset on a local server or in an archive, and an environment of its own for every test."""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import threading
from pathlib import Path

import pytest
import torch

from vtbench.assets.manifest import Asset, UrlSource
from vtbench.core.digests import digest_arrays

TENSORS = {
    "conv.weight": torch.arange(24, dtype=torch.float32).reshape(2, 3, 2, 2) / 7,
    "bn.num_batches_tracked": torch.tensor(3),
}
FINGERPRINT = digest_arrays({name: tensor.numpy() for name, tensor in TENSORS.items()})


@pytest.fixture
def tensors() -> dict[str, torch.Tensor]:
    """The weights of the asset ``tiny``."""
    return TENSORS


@pytest.fixture
def fingerprint() -> str:
    """Their fingerprint."""
    return FINGERPRINT


@pytest.fixture
def tiny():
    """``tiny(*sources, fingerprint=…) -> Asset``."""

    def make(*sources, fingerprint: str | None = FINGERPRINT) -> Asset:
        return Asset(name="tiny", summary="s", licence="l", citation="c", fingerprint=fingerprint, sources=sources)

    return make


@pytest.fixture
def url_source():
    """``url_source(url, content) -> UrlSource``, pinned to that content."""

    def make(url: str, data: bytes) -> UrlSource:
        digest = hashlib.sha256(data).hexdigest()
        return UrlSource(url=url, sha256=digest, megabytes=0.01, conversion="state_dict")

    return make


@pytest.fixture(autouse=True)
def _own_environment(tmp_path, monkeypatch):
    """A cache of its own, no file given by the user, no proxy between the test and its server."""
    for name in ("VTBENCH_ASSETS", "VTBENCH_OFFLINE", "VTBENCH_ASSET_TINY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VTBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def published() -> bytes:
    """What somebody published: a PyTorch state dict."""
    stream = io.BytesIO()
    torch.save(TENSORS, stream)
    return stream.getvalue()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    requested: list[str]

    def do_GET(self):
        self.server.requested.append(self.path)
        super().do_GET()

    def log_message(self, *args):
        pass


@pytest.fixture
def server(tmp_path):
    """A web server on this machine; ``server.folder`` is what it serves, ``server.requested`` what was asked for."""
    folder = tmp_path / "www"
    folder.mkdir()
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        running.folder, running.requested = folder, []
        running.url = f"http://127.0.0.1:{running.server_address[1]}"
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def cached(tmp_path) -> Path:
    """Where the canonical file of ``tiny`` belongs."""
    return tmp_path / "cache" / "assets" / "tiny.safetensors"
