"""Tables and archives of samples: Parquet of other columns and cells, rows of samples behind a right seal, tars."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from near.plain import Draw, altered, flawed

_METADATA = st.sampled_from(
    (None, None, {b"huggingface": b"{}"}, {b"huggingface": b"[["}, {b"pandas": b"\xff"}, {b"": b""})
)


@st.composite
def parquet(draw: Draw, pictures: Sequence[bytes]) -> bytes:
    """A table whose image column is one, or something else under that name."""
    cell = st.one_of(st.sampled_from(pictures), st.sampled_from(pictures), st.binary(max_size=10), st.none())
    cells = draw(st.lists(cell, max_size=4))
    columns: list[tuple[str, Any]] = []
    for name in draw(
        st.lists(
            st.sampled_from(("image", "image", "image", "img", "bytes", "label", "text", "n", "", "é")), max_size=3
        )
    ):
        columns.append((name, draw(_column(cells))))
    table = pa.table([column for _, column in columns], names=[name for name, _ in columns])
    table = table.replace_schema_metadata(draw(_METADATA))
    stream = io.BytesIO()
    options = {
        "compression": draw(st.sampled_from(("none", "snappy", "zstd", "gzip"))),
        "row_group_size": draw(st.sampled_from((None, 1, 2))),
        "use_dictionary": draw(st.booleans()),
        "data_page_version": draw(st.sampled_from(("1.0", "2.0"))),
        "store_schema": draw(st.booleans()),
    }
    try:
        pq.write_table(table, stream, **options)
    except (pa.ArrowException, ValueError):  # a kind that Parquet does not have
        return draw(flawed(b"PAR1PAR1", 2))
    return draw(flawed(stream.getvalue(), 1))


@st.composite
def _column(draw: Draw, cells: list[bytes | None]) -> Any:
    kind = draw(
        st.sampled_from(
            (
                "struct",
                "struct",
                "struct",
                "binary",
                "large",
                "text",
                "number",
                "list",
                "other",
                "null",
                "fixed",
                "nested",
            )
        )
    )
    count = len(cells)
    if kind in ("binary", "large"):
        return pa.array(cells, pa.binary() if kind == "binary" else pa.large_binary())
    if kind == "text":
        return pa.array([None if one is None else one.hex()[:20] for one in cells])
    if kind == "number":
        return pa.array(range(count), draw(st.sampled_from((pa.int64(), pa.float32(), pa.uint8()))))
    if kind == "list":
        return pa.array([None if one is None else list(one[:5]) for one in cells], pa.list_(pa.uint8()))
    if kind == "null":
        return pa.nulls(count)
    if kind == "fixed":
        return pa.array([(one or b"")[:3].ljust(3) for one in cells], pa.binary(3))
    if kind == "nested":
        return pa.array(
            [{"bytes": {"bytes": one}} for one in cells], pa.struct([("bytes", pa.struct([("bytes", pa.binary())]))])
        )
    fields = {
        "struct": [("bytes", pa.binary()), ("path", pa.string())],
        "other": [("path", pa.string()), ("data", pa.binary())],
    }[kind]
    paths = st.sampled_from((None, "a.png", "/etc/passwd", "../x", "", "é" * 300))
    rows = [
        draw(st.sampled_from(({fields[0][0]: one, "path": None}, {fields[0][0]: one, "path": "x.png"}, None)))
        for one in cells
    ]
    if kind == "other":
        rows = [{"path": draw(paths), "data": one} for one in cells]
    return pa.array(rows, pa.struct(fields))


_INDEX_COLUMNS = {
    "id": (("a", "a", "b", "c"), ("a", "a", "a", "a"), ("b", "a", "", "é"), (1, 2, 3, 4)),
    "shard": (("t.tar",) * 4, ("t.tar", "u.tar", "t.tar", "../t.tar"), ("", "", "", ""), (0, 0, 0, 0)),
    "extension": (("png", "cls", "png", "json"), ("png",) * 4, ("txt",) * 4, ("PNG", "", "x" * 300, "é")),
    "offset": ((512, 1536, 2560, 512), (-1, 0, 1, 2), (2**62, 2**63 - 1, 512, 512), (0.5, 1.5, 2.5, 3.5)),
    "size": ((1, 1, 1, 1), (0, 0, 0, 0), (2**40, 2**62, 2**63 - 1, 300), (-5, 1, 1, 1), ("1", "2", "3", "4")),
    "sha256": ((b"\x01" * 32,) * 4, ("01" * 32,) * 4, ("zz" * 32,) * 4, (b"", b"1", b"22", b"333"), ("0",) * 4),
}
"""Cells of an index of tars: those that it should hold, then others."""


@st.composite
def tar_indices(draw: Draw) -> bytes:
    """An index of tars whose members lie elsewhere, in other tars, or beyond every file; columns of other kinds."""
    count = draw(st.sampled_from((4, 4, 1, 0)))
    columns: dict[str, Any] = {}
    for name, cells in _INDEX_COLUMNS.items():
        values: list[Any] = list(draw(st.sampled_from((*cells[:1] * 12, *cells)))[:count])
        if values and draw(st.integers(0, 39)) == 0:
            values[draw(st.integers(0, count - 1))] = None
        made = pa.array(values)
        if pa.types.is_integer(made.type):
            made = draw(st.sampled_from((made, made, made.cast(pa.float64(), safe=False))))
        elif pa.types.is_string(made.type):
            made = draw(st.sampled_from((made, made, made.dictionary_encode(), made.cast(pa.large_string()))))
        columns[name] = made
    for name in draw(st.sampled_from(((), (), (), ("sha256",), ("id",), ("offset",), ("shard", "extension")))):
        del columns[name]
    stream = io.BytesIO()
    options = {"use_dictionary": draw(st.booleans()), "row_group_size": draw(st.sampled_from((None, 1, 2)))}
    pq.write_table(pa.table(columns), stream, compression=draw(st.sampled_from(("none", "zstd"))), **options)
    return draw(flawed(stream.getvalue(), 1))


_ROW_TYPES = (
    pa.string(),
    pa.string(),
    pa.int64(),
    pa.int32(),
    pa.float64(),
    pa.float32(),
    pa.binary(),
    pa.bool_(),
    pa.list_(pa.int8()),
)


@st.composite
def sample_rows(draw: Draw) -> bytes:
    """Rows of samples with columns of other kinds, nulls, names given twice, behind the seal of what they are."""
    from vtbench.results.records.samples import FIXED_FIELDS

    count = draw(st.sampled_from((3, 3, 0, 1)))
    fields = [(field.name, field.type) for field in FIXED_FIELDS]
    fields += [("psnr", pa.float64()), ("stratum_k", pa.string())]
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(fields) - 1))
        name, kind = fields[place]
        change = draw(st.sampled_from(("kind", "gone", "twice", "name")))
        if change == "kind":
            fields[place] = (name, draw(st.sampled_from(_ROW_TYPES)))
        elif change == "gone":
            del fields[place]
        elif change == "twice":
            fields.append((name, kind))
        else:
            fields[place] = (draw(st.sampled_from(("", "id", "index", "psnr", "stratum_", "stratum_k", "é"))), kind)
    columns = [draw(_row_column(name, kind, count)) for name, kind in fields]
    table = pa.table(columns, names=[name for name, _ in fields])
    stream = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(draw(_row_metadata(table))), stream)
    return draw(flawed(stream.getvalue(), 1))


@st.composite
def _row_column(draw: Draw, name: str, kind: Any, count: int) -> Any:
    if pa.types.is_string(kind):
        usual = {"status": ("scored", "failed", "x"), "id": ("a", "b", "c")}.get(name, ("", "x"))
        values: list[Any] = list(usual * 3)[:count]
    elif pa.types.is_binary(kind):
        values = [b"\xff"] * count
    elif pa.types.is_list(kind):
        values = [[1]] * count
    elif pa.types.is_boolean(kind):
        values = [True] * count
    else:
        values = list(draw(st.sampled_from(((0, 1, 2), (2, 1, 0), (0, 0, 0), (-1, 5, 7)))))[:count]
    for _ in range(draw(st.sampled_from((0, 0, 0, 1)))):
        values = [None, *values[1:]] if values else values
    return pa.array(values, kind)


@st.composite
def _row_metadata(draw: Draw, table: Any) -> Any:
    """The seal of these rows where they have a digest, or one that is altered, or none."""
    from vtbench.core.digests import canonical_json
    from vtbench.core.outside.seals import sealed
    from vtbench.results.records import samples

    try:
        content = samples._content(table)
    except Exception:  # noqa: BLE001 - rows that have no digest have no seal
        return None
    seal = sealed({"of": {"job": "j"}, "content": content})
    told = draw(
        st.one_of(
            st.just(seal), st.just(seal), altered(seal), altered({"of": {}, "content": content}).map(_sealed), st.none()
        )
    )
    return None if told is None else {samples._SEAL: canonical_json(told)}


def _sealed(content: Any) -> Any:
    from vtbench.core.outside.seals import sealed

    return sealed(content) if isinstance(content, dict) else content


@st.composite
def tars(draw: Draw, pictures: Sequence[bytes]) -> bytes:
    """Members of shards: samples, strangers, links, devices, names given twice and lengths that lie."""
    stream = io.BytesIO()
    form = draw(st.sampled_from((tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT)))
    names = (
        "a.png",
        "a.png",
        "a.cls",
        "a.json",
        "a.txt",
        "b.png",
        "b.jpg",
        "c/d.png",
        "../x.png",
        "/x.png",
        ".png",
        "a",
        "é.png",
        "a.b.png",
        "x" * 90,
    )
    bodies = st.one_of(
        st.sampled_from(pictures),
        st.sampled_from(
            (b"", b"3", b"-1", b"9" * 5000, b'{"x": [1]}', b"[" * 3000, b"\xff", b"NaN", b'{"a": NaN}', b"1.5")
        ),
    )
    with tarfile.open(fileobj=stream, mode="w", format=form) as archive:
        for _ in range(draw(st.integers(0, 5))):
            member, body = tarfile.TarInfo(draw(st.sampled_from(names))), draw(bodies)
            member.type = draw(
                st.sampled_from(
                    (tarfile.REGTYPE,) * 6 + (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE)
                )
            )
            member.linkname = draw(st.sampled_from(("a.png", "/etc/passwd", "")))
            member.size = len(body) if member.type == tarfile.REGTYPE else 0
            if form == tarfile.PAX_FORMAT and draw(st.sampled_from((False, False, True))):
                member.pax_headers = draw(
                    st.sampled_from(
                        ({"path": "z.png"}, {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}, {"mtime": "x"})
                    )
                )
            archive.addfile(member, io.BytesIO(body) if member.size else None)
    return draw(flawed(stream.getvalue(), 1))
