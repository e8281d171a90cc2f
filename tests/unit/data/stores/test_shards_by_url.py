"""Tars and Parquet by URL are the same data as on a disk: over real HTTP, and from fsspec's store in memory."""

from __future__ import annotations

import contextlib
import io
import pickle
import sys
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from vtbench.core.errors import AssetMissingError, SampleError, UsageError
from vtbench.data.ids import check_ids
from vtbench.data.index_tars import main, write_index
from vtbench.data.open import open_data
from vtbench.data.sources.tars import WebDatasetTars
from vtbench.run.options import RunOptions
from vtbench.run.planning.models import source_of
from vtbench.run.session import plan_session
from vtbench.run.worker import Worker
from vtbench.tasks import load_task

LOCAL, REMOTE = "part-*.tar", "part-{000..001}.tar"


def same(one: Any, other: Any) -> None:
    assert list(one.ids) == list(other.ids)
    assert one.fingerprint == other.fingerprint and one.fingerprint_of(4) == other.fingerprint_of(4)
    for index in (5, 0, 3):
        ours, theirs = one[index], other[index]
        assert ours.image.equal(theirs.image) and ours.target == theirs.target and ours.id == theirs.id


def test_tars_of_a_web_server_are_those_of_the_disk(server: Any, folder: Path) -> None:
    local = WebDatasetTars(folder / LOCAL)
    remote = open_data(f"{server.url}/{REMOTE}")
    assert len(server.asked) <= 6  # its size, the whole in one piece, and the end, of each tar
    asked = len(server.asked)
    assert remote.fingerprint == local.fingerprint and len(server.asked) == asked  # all was digested on the way
    same(remote, local)
    same(pickle.loads(pickle.dumps(remote)), local)


def test_tars_of_an_object_store_are_those_of_the_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")  # the memory of this process is no network
    store = fsspec.filesystem("memory")
    for tar in folder.glob("*.tar"):
        store.pipe(f"/bucket/{tar.name}", tar.read_bytes())
    for pattern in (REMOTE, LOCAL):
        same(open_data(f"memory://bucket/{pattern}"), WebDatasetTars(folder / LOCAL))
    with pytest.raises(UsageError, match="no files at memory://bucket/none"):
        open_data("memory://bucket/none-*.tar")
    with pytest.raises(UsageError, match=r"cannot index memory://bucket/none\.tar: there is no such file"):
        open_data("memory://bucket/none.tar")
    store.pipe("/bucket/part-001.tar", (folder / "part-001.tar").read_bytes()[:3000])
    with pytest.raises(UsageError, match=r"cannot index memory://bucket/part-001\.tar"):
        open_data(f"memory://bucket/{REMOTE}")


@pytest.mark.parametrize("name", ["index.parquet", "index.json"])
def test_an_index_spares_going_through_the_tars(server: Any, folder: Path, name: str) -> None:
    main([f"{server.url}/{REMOTE}", str(folder / name)])
    server.asked.clear()
    local = WebDatasetTars(folder / LOCAL)
    remote = WebDatasetTars(f"{server.url}/{REMOTE}", index=name)
    check_ids(remote)
    assert remote.fingerprint == local.fingerprint
    assert {asked[0] for asked in server.asked} == {name}
    same(remote, local)
    same(pickle.loads(pickle.dumps(remote)), local)
    same(WebDatasetTars(folder / LOCAL, index=str(folder / name)), local)
    one = WebDatasetTars(f"{server.url}/part-001.tar", index=name)
    assert list(one.ids) == list(local.ids[3:]) and one[0].image.equal(local[3].image)
    server.asked.clear()
    assert remote[1].target == {"label": 6}
    assert len(server.asked) == 2  # the image and its class, nothing else


def test_an_index_without_digests_and_out_of_order(server: Any, folder: Path) -> None:
    local = WebDatasetTars(folder / LOCAL)
    write_index(local, folder / "index.parquet")
    table = pq.read_table(folder / "index.parquet").drop(["sha256"])
    pq.write_table(table.take(list(range(len(table)))[::-1]), folder / "index.parquet", row_group_size=5)
    same(WebDatasetTars(f"{server.url}/{REMOTE}", index="index.parquet"), local)


def rows_of(folder: Path) -> list[dict[str, object]]:
    write_index(WebDatasetTars(folder / LOCAL), folder / "index.parquet")
    return pq.read_table(folder / "index.parquet").to_pylist()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"offset": -1}, "negative"),
        ({"offset": None}, "empty cells"),
        ({"offset": 0.5}, "cannot be read as an index"),
        ({"sha256": b"short"}, r"cannot be read as an index"),
        ({"shard": "other.tar"}, None),
        ({"extension": "cls"}, "two cls members"),
    ],
)
def test_an_index_that_cannot_be_is_refused(folder: Path, change: dict[str, object], told: str | None) -> None:
    rows = rows_of(folder)
    rows[0] |= change  # the image of the first sample
    pq.write_table(pa.Table.from_pylist(rows), folder / "index.parquet")
    if told is None:  # a row of another tar is no concern of ours
        assert len(WebDatasetTars(folder / LOCAL, index=str(folder / "index.parquet"))) == 5
        return
    with pytest.raises(UsageError, match=told):
        WebDatasetTars(folder / LOCAL, index=str(folder / "index.parquet"))


def test_an_index_of_other_tars_and_of_nothing(folder: Path) -> None:
    rows = rows_of(folder)
    pq.write_table(pa.Table.from_pylist(rows[:3]), folder / "index.parquet")
    with pytest.raises(UsageError, match=r"knows no tar part-001\.tar"):
        WebDatasetTars(folder / LOCAL, index=str(folder / "index.parquet"))
    for name, data in {"a.json": b'{"members": [{"id": "x"}]}', "b.parquet": b"PAR1", "c.json": b"[]"}.items():
        (folder / name).write_bytes(data)
        with pytest.raises(UsageError, match=r"cannot be read as an index of tars"):
            WebDatasetTars(folder / LOCAL, index=str(folder / name))
    rows.append({**rows[0], "extension": "mask.png"})
    pq.write_table(pa.Table.from_pylist(rows), folder / "index.parquet")
    with pytest.raises(UsageError, match=r"part-000/d/0000 has several images[\s\S]*image_key="):
        WebDatasetTars(folder / LOCAL, index=str(folder / "index.parquet"))
    chosen = WebDatasetTars(folder / LOCAL, image_key="mask.png", index=str(folder / "index.parquet"))
    assert list(chosen.ids) == ["part-000/d/0000"]


@pytest.mark.parametrize("name", ["index.parquet", "index.json"])
def test_a_damaged_index_is_one_line_or_costs_its_samples(folder: Path, name: str) -> None:
    write_index(WebDatasetTars(folder / LOCAL), folder / name)
    whole, random = (folder / name).read_bytes(), np.random.default_rng(3)
    refused = 0
    for _ in range(40):
        data = np.frombuffer(whole, np.uint8).copy()
        data[random.integers(0, len(data), 3)] = random.integers(0, 256, 3)
        (folder / name).write_bytes(data.tobytes()[: random.integers(len(data) // 2, 2 * len(data))])
        try:
            dataset = WebDatasetTars(folder / LOCAL, index=str(folder / name))
            dataset.content_digest(0)
        except UsageError:
            refused += 1
            continue
        for index in range(len(dataset)):
            with contextlib.suppress(SampleError):
                assert dataset[index].image.shape == (3, 60, 90)
    assert refused > 10


def test_every_byte_that_is_another_is_an_error(server: Any, folder: Path) -> None:
    url, tar = f"{server.url}/{REMOTE}", folder / "part-000.tar"
    write_index(WebDatasetTars(folder / LOCAL), folder / "index.parquet")
    walked, indexed = WebDatasetTars(url), WebDatasetTars(url, index="index.parquet")
    span, data = indexed.samples.image(0), bytearray(tar.read_bytes())
    data[span.offset + span.size - 20] ^= 1  # a checksum at the end of the image
    tar.write_bytes(data)
    with pytest.raises(SampleError, match=r"part-000/d/0000 in http://[\d.:]+/data/part-000.tar: .* were indexed"):
        indexed[0]
    with pytest.raises(SampleError, match="replaced by another file"):  # the entity tag is another
        walked[0]
    assert indexed[1].image.shape == (3, 60, 90)
    tar.write_bytes(data[: span.offset + 10])
    with pytest.raises(SampleError, match="asked for, 10 came"):
        indexed[0]
    tar.unlink()
    with pytest.raises(SampleError, match=r"404 \(no such file\)"):
        indexed[0]


def test_a_server_that_stumbles_is_asked_again_and_not_for_ever(server: Any, folder: Path) -> None:
    remote = WebDatasetTars(f"{server.url}/{REMOTE}")
    local = WebDatasetTars(folder / LOCAL)
    server.failing, server.cut = 1, 2
    assert remote[0].image.equal(local[0].image)
    server.failing, asked = 100, len(server.asked)
    with pytest.raises(SampleError, match="the server answered 503"):
        remote[1]
    assert len(server.asked) == asked + 4
    server.failing, server.ranges = 0, False
    with pytest.raises(UsageError, match="whole files only"):
        WebDatasetTars(f"{server.url}/{REMOTE}")


def test_secrets_of_urls_are_in_no_message(server: Any, folder: Path) -> None:
    signed = f"{server.url}/{REMOTE}?X-Amz-Signature=0123abcd"
    same(open_data(signed), WebDatasetTars(folder / LOCAL))
    with pytest.raises(UsageError) as caught:
        open_data(f"{server.url}/gone.tar?X-Amz-Signature=0123abcd")
    assert "0123abcd" not in str(caught.value) and "gone.tar?X-Amz-Signature=***" in str(caught.value)
    server.shutdown()
    server.server_close()
    with pytest.raises(UsageError, match="cannot be reached") as caught:
        open_data(signed.replace("http://", "http://me:pass@"))
    assert "0123abcd" not in str(caught.value) and "pass" not in str(caught.value)


@pytest.mark.parametrize("url", ["https://host.invalid/{0..9}.tar", "s3://b/*.tar", "hf://datasets/o/n/x.parquet"])
def test_offline_asks_nobody(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    with pytest.raises(AssetMissingError, match=r"lies on the network, and --offline"):
        open_data(url)


def test_what_cannot_be_read_by_url_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VTBENCH_OFFLINE", raising=False)
    with pytest.raises(UsageError, match=r"neither a \.tar nor a \.parquet"):
        open_data("https://host.invalid/images.zip")
    with pytest.raises(UsageError, match="cannot be searched"):
        open_data("https://host.invalid/*.tar")
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(AssetMissingError, match="pip install s3fs"):
        open_data("s3://bucket/x.tar")


def test_parquet_by_url_is_that_of_the_disk(server: Any, folder: Path, photo: np.ndarray) -> None:
    store = fsspec.filesystem("memory")
    for shard in range(2):
        pictures = []
        for row in range(3):
            png = io.BytesIO()
            Image.fromarray(np.roll(photo, 3 * shard + row, axis=0)).save(png, format="PNG")
            pictures.append(png.getvalue())
        pq.write_table(pa.table({"image": pictures}), folder / f"rows-{shard}.parquet", row_group_size=2)
        store.pipe(f"/bucket/rows-{shard}.parquet", (folder / f"rows-{shard}.parquet").read_bytes())
    local = open_data(str(folder))
    same(open_data(f"{server.url}/rows-{{0..1}}.parquet"), local)
    remote = open_data("memory://bucket/rows-*.parquet")
    same(remote, local)
    same(pickle.loads(pickle.dumps(remote)), local)
    with pytest.raises(UsageError, match=r"cannot read http://.*/rows-2\.parquet as Parquet: .* 404"):
        open_data(f"{server.url}/rows-2.parquet")
    (folder / "rows-0.parquet").unlink()
    remote = open_data(f"{server.url}/rows-1.parquet")
    (folder / "rows-1.parquet").write_bytes((folder / "rows-1.parquet").read_bytes() + b"x")
    with pytest.raises(SampleError, match=r"00000000: row 0 .*rows-1\.parquet cannot be read: .*replaced"):
        remote[0]


def test_a_run_by_url_is_that_of_the_disk(server: Any, folder: Path, tmp_path: Path) -> None:
    write_index(WebDatasetTars(folder / LOCAL), folder / "index.parquet")
    text = "name: few\nversion: 1\nkind: reconstruction\nsummary: Few photographs.\nblock_size: 2\n"
    (tmp_path / "few.yaml").write_text(text + "preprocess: {preset: native@1}\nimage_metrics: [psnr, mae]\n")
    by_url = f"webdataset,path='{server.url}/{REMOTE}',index=index.parquet"
    records, plans = [], []
    for out, data in (("disk", str(folder / LOCAL)), ("url", by_url)):
        session = plan_session(
            [lambda: source_of("jpeg,quality=30")],
            [load_task(str(tmp_path / "few.yaml"))],
            data,
            RunOptions(out=tmp_path / out, workers=2),
        )
        records += [outcome.record for outcome in session.run(reraise=True)]
        plans += session.jobs
    assert records[0].results_digest() == records[1].results_digest()
    assert plans[0].key == plans[1].key  # a run that began on one goes on with the other
    assert plans[1].data.in_shards and plans[1].data.share(Worker(1, 2)) == plans[1].data.blocks[1:]
