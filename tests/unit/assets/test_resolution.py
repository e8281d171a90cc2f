"""Sources in order, hashes, the cache, the offline rule; over real HTTP."""

from __future__ import annotations

import multiprocessing
import os

import pytest
import torch
from safetensors.torch import load_file, save_file

from vtbench import assets
from vtbench.assets import canonical
from vtbench.assets.resolution import resolve_asset
from vtbench.core.errors import AssetMissingError


def serve(server, data: bytes, file: str = "tiny.pth") -> str:
    (server.folder / file).write_bytes(data)
    return f"{server.url}/{file}"


def assert_canonical(path, cached, tensors):
    assert path == cached
    loaded = load_file(path)
    assert set(loaded) == set(tensors)
    assert all(
        torch.equal(loaded[name], tensors[name]) and loaded[name].shape == tensors[name].shape for name in loaded
    )


def test_a_url_becomes_a_canonical_file_once(server, published, cached, capsys, tiny, url_source, fingerprint, tensors):
    entry = tiny(url_source(serve(server, published), published))
    assert_canonical(resolve_asset(entry), cached, tensors)
    assert canonical.verify(entry, cached) == fingerprint
    resolve_asset(entry)
    assert server.requested == ["/tiny.pth"]
    captured = capsys.readouterr()
    assert captured.out == "" and "fetching tiny" in captured.err
    assert list(cached.parent.glob("downloads/*")) == []


def test_a_wrong_hash_is_refused_and_nothing_is_kept(server, published, cached, tiny, url_source):
    entry = tiny(url_source(serve(server, published + b"!"), published))
    with pytest.raises(AssetMissingError, match="not the expected file"):
        resolve_asset(entry)
    assert not cached.exists()
    assert list(cached.parent.glob("downloads/*")) == []


def test_a_dead_server_leads_to_the_next_source(server, published, cached, tiny, url_source, tensors):
    dead = url_source("http://127.0.0.1:9/tiny.pth", published)
    absent = url_source(f"{server.url}/absent.pth", published)
    good = url_source(serve(server, published), published)
    assert_canonical(resolve_asset(tiny(dead, absent, good)), cached, tensors)


def test_every_failing_source_is_listed_with_its_reason(server, published, tmp_path, monkeypatch, tiny, url_source):
    monkeypatch.setenv("VTBENCH_ASSETS", str(tmp_path / "nowhere"))
    dead = url_source("http://127.0.0.1:9/tiny.pth", published)
    absent = url_source(f"{server.url}/absent.pth", published)
    with pytest.raises(AssetMissingError) as caught:
        resolve_asset(tiny(dead, absent))
    message = str(caught.value)
    for part in ("VTBENCH_ASSET_TINY: not set", "nowhere holds none of tiny.safetensors", "cache: no", "127.0.0.1:9"):
        assert part in message
    assert "404" in message and "refused" in message and "vtbench fetch tiny" in message
    assert caught.value.exit_code == 4


def test_tensors_other_than_the_manifests_are_refused(server, published, cached, tiny, url_source):
    entry = tiny(url_source(serve(server, published), published), fingerprint="0" * 64)
    with pytest.raises(AssetMissingError, match="gives tensors with fingerprint"):
        resolve_asset(entry)
    assert not cached.exists()


def test_offline_asks_nobody(server, published, monkeypatch, tiny, url_source):
    entry = tiny(url_source(serve(server, published), published))
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    with pytest.raises(AssetMissingError, match="the network was not used") as caught:
        resolve_asset(entry)
    assert "vtbench fetch tiny" in str(caught.value)
    assert server.requested == []


def test_a_cached_file_is_enough_offline(server, published, cached, monkeypatch, tiny, url_source, tensors):
    entry = tiny(url_source(serve(server, published), published))
    resolve_asset(entry)
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    assert_canonical(resolve_asset(entry), cached, tensors)


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty", "other weights"])
def test_a_corrupt_cached_file_is_never_used(damage, server, published, cached, monkeypatch, tiny, url_source, tensors):
    entry = tiny(url_source(serve(server, published), published))
    resolve_asset(entry)
    data = bytearray(cached.read_bytes())
    if damage == "truncate":
        cached.write_bytes(data[:-5])
    elif damage == "flip":
        data[-1] ^= 1
        cached.write_bytes(data)
    elif damage == "empty":
        cached.write_bytes(b"")
    else:
        save_file({"conv.weight": torch.zeros(3)}, cached)
    os.utime(cached, ns=(1, 1))
    with monkeypatch.context() as offline:
        offline.setenv("VTBENCH_OFFLINE", "1")
        with pytest.raises(AssetMissingError, match="corrupt"):
            resolve_asset(entry)
    assert_canonical(resolve_asset(entry), cached, tensors)


def test_without_a_fingerprint_the_published_file_vouches(
    server, published, cached, tiny, url_source, fingerprint, tensors
):
    entry = tiny(url_source(serve(server, published), published), fingerprint=None)
    assert_canonical(resolve_asset(entry), cached, tensors)
    assert canonical.verify(entry, cached) == fingerprint
    data = bytearray(cached.read_bytes())
    data[-1] ^= 1
    cached.write_bytes(data)
    os.utime(cached, ns=(1, 1))
    assert_canonical(resolve_asset(entry), cached, tensors)
    assert len(server.requested) == 2


def test_without_a_fingerprint_an_unknown_file_is_refused(
    server, published, tmp_path, monkeypatch, tiny, url_source, tensors
):
    entry = tiny(url_source(f"{server.url}/tiny.pth", published), fingerprint=None)
    stranger = tmp_path / "mine.safetensors"
    save_file(tensors, stranger)
    monkeypatch.setenv("VTBENCH_ASSET_TINY", str(stranger))
    with pytest.raises(AssetMissingError, match=r"does not say which published file.*tiny\.pth"):
        resolve_asset(entry)


def test_an_explicit_file_comes_first_canonical_or_published(
    server, published, cached, tmp_path, monkeypatch, tiny, url_source, tensors
):
    entry = tiny(url_source(f"{server.url}/tiny.pth", published))
    mine = tmp_path / "mine.safetensors"
    save_file(tensors, mine)
    monkeypatch.setenv("VTBENCH_ASSET_TINY", str(mine))
    assert resolve_asset(entry) == mine
    (tmp_path / "tiny.pth").write_bytes(published)
    monkeypatch.setenv("VTBENCH_ASSET_TINY", str(tmp_path / "tiny.pth"))
    assert_canonical(resolve_asset(entry), cached, tensors)
    assert server.requested == []


@pytest.mark.parametrize("file", ["absent.safetensors", "unknown-name.pth", "tiny.pth", "other.safetensors"])
def test_a_bad_explicit_file_is_an_error_not_a_detour(file, server, published, tmp_path, monkeypatch, tiny, url_source):
    entry = tiny(url_source(serve(server, published), published))
    if file != "absent.safetensors":
        (tmp_path / file).write_bytes(published + b"!")
    monkeypatch.setenv("VTBENCH_ASSET_TINY", str(tmp_path / file))
    with pytest.raises(AssetMissingError, match=file):
        resolve_asset(entry)
    assert server.requested == []


def test_folders_are_searched_in_order_and_bad_files_skipped(
    server, published, cached, tmp_path, monkeypatch, tiny, url_source, tensors
):
    entry = tiny(url_source(f"{server.url}/tiny.pth", published))
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir(), second.mkdir()
    (first / "tiny.safetensors").write_bytes(b"not a safetensors file")
    save_file(tensors, second / "tiny.safetensors")
    monkeypatch.setenv("VTBENCH_ASSETS", os.pathsep.join([str(first), str(second)]))
    assert resolve_asset(entry) == second / "tiny.safetensors"
    (second / "tiny.safetensors").rename(second / "elsewhere")
    (second / "tiny.pth").write_bytes(published)
    assert_canonical(resolve_asset(entry), cached, tensors)
    assert server.requested == []


def _resolve(entry):
    return str(resolve_asset(entry))


def test_concurrent_fetches_share_one_download(server, published, cached, tiny, url_source):
    entry = tiny(url_source(serve(server, published), published))
    with multiprocessing.get_context("fork").Pool(4) as pool:
        paths = set(pool.map(_resolve, [entry] * 8))
    assert paths == {str(cached)}
    assert server.requested == ["/tiny.pth"]


def test_fetch_tells_all_that_failed(monkeypatch, tmp_path):
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    monkeypatch.setenv("VTBENCH_CACHE", str(tmp_path))
    with pytest.raises(AssetMissingError) as caught:
        assets.fetch(["inception_tf", "lpips_vgg"])
    assert "'inception_tf' is not available" in str(caught.value)
    assert "'lpips_vgg' is not available" in str(caught.value)
