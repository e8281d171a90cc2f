"""Archives and files of arrays: npz member by member, safetensors header by header, behind right lengths and seals."""

from __future__ import annotations

import io
import json
import math
import struct
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from near.plain import VALUES, Draw, altered, flawed

_DESCRIPTIONS = (
    *(
        "|u1",
        "|u1",
        "<f4",
        "<f8",
        ">i2",
        "<i8",
        "|b1",
        "<c16",
        "|O",
        "<U3",
        "|S2",
        "|V8",
        "<M8[s]",
        "<f99",
        "u1",
        "",
        "|u0",
    ),
    *("=f8", "|u1,|u1", [("a", "|u1")], [("a", "<f4", (2,))], None, 3, [], ("<f4",), "O8", "<U0", "|S2147483647"),
)
_ODD_SHAPES = (
    (),
    (0,),
    (-1, 3),
    (2**40, 3),
    (2**63,),
    [4],
    "x",
    (True,),
    (2.5,),
    (1,) * 40,
    None,
    (0, 2**62),
    (4, 9, 7, 3, 1),
)
_MEMBERS = ("arr_0", "mu", "sigma", "mu_s", "sigma_s", "labels", "", "../x", "a/b", "é", "arr_0.npy", "x" * 300)


@st.composite
def npy(draw: Draw, shapes: Sequence[tuple[int, ...]]) -> bytes:
    """One array: its header and values fit, or do not."""
    description = draw(st.sampled_from((*("|u1",) * 20, *_DESCRIPTIONS)))
    shape = draw(st.sampled_from((*shapes * 9, *_ODD_SHAPES)))
    header: dict[str, Any] = {
        "descr": description,
        "fortran_order": draw(st.sampled_from((*(False,) * 6, True, True, 1))),
        "shape": shape,
    }
    if draw(st.sampled_from((False,) * 9 + (True,))):
        header = draw(st.sampled_from(({}, {**header, "more": 1}, {**header, "shape": None}, {"descr": description})))
    text = draw(st.sampled_from((repr(header),) * 9 + (json.dumps(header), "(" * 900, "__import__('os')")))
    encoded = text.encode() + b" " * draw(st.integers(0, 63)) + b"\n"
    version = draw(st.sampled_from(((1, 0),) * 9 + ((2, 0), (3, 0), (9, 9), (0, 0))))
    length = max(0, len(encoded) + draw(st.sampled_from((0,) * 12 + (-1, 1, 60_000))))
    packed = struct.pack("<H" if version == (1, 0) else "<I", length)
    return b"\x93NUMPY" + bytes(version) + packed + encoded + draw(_values(description, shape))


@st.composite
def _values(draw: Draw, description: Any, shape: Any) -> bytes:
    try:
        size = int(math.prod(shape)) * np.dtype(description).itemsize
    except (TypeError, ValueError, SyntaxError):
        size = 100
    size = max(0, min(size, 20_000) + draw(st.sampled_from((0, 0, 0, 0, 1, -1, 4096))))
    return draw(st.sampled_from((bytes(size), b"\xff" * size, bytes(range(256)) * (size // 256) + bytes(size % 256))))


@st.composite
def npz(draw: Draw, names: Sequence[str], shapes: Sequence[tuple[int, ...]]) -> bytes:
    """Some arrays under the names that are looked for, or others, packed in a way that zip knows."""
    target = io.BytesIO()
    methods = (*(zipfile.ZIP_STORED,) * 6, *(zipfile.ZIP_DEFLATED,) * 3, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    with zipfile.ZipFile(target, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name given twice
        for name in draw(st.lists(st.sampled_from((*names * 9, *_MEMBERS)), min_size=0, max_size=3)):
            content = draw(st.one_of(npy(shapes), npy(shapes), npy(shapes), st.binary(max_size=20)))
            archive.writestr(f"{name}.npy", content, compress_type=draw(st.sampled_from(methods)))
    return draw(flawed(target.getvalue(), 1))


@st.composite
def npz_of_moments(draw: Draw, width: int) -> bytes:
    """Statistics of another tool, whole: numbers that are, or are not, a mean and a covariance."""
    kinds = st.sampled_from(("f8",) * 6 + ("f4", ">f8", "c16", "i4", "f2", "O"))
    sides = st.sampled_from((width,) * 9 + (width - 1, 0, 1))
    fills = st.sampled_from((0.0, 1.0, -1.0, np.nan, np.inf, 1e300, 1e-320))
    found: dict[str, Any] = {}
    for name in draw(
        st.lists(st.sampled_from(("mu", "sigma", "mu_s", "sigma_s", "n", "arr_0")), max_size=4, unique=True)
    ):
        square = name.startswith("sigma") != draw(st.sampled_from((False,) * 9 + (True,)))
        shape = (draw(sides), draw(sides)) if square else (draw(sides),)
        array = np.full(shape, draw(fills))
        if square and draw(st.booleans()):
            array = array + np.eye(*shape)
        with np.errstate(all="ignore"):
            found[name] = array.astype(draw(kinds))
    target = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.savez(target, **found)
    return draw(flawed(target.getvalue(), 1))


_DTYPES = ("F32", "F32", "I64", "F16", "BF16", "F8_E4M3", "BOOL", "U8", "F64", "C64", "X9", "", "f32", None, 7)
_BYTES = {"F64": 8, "I64": 8, "C64": 8, "F32": 4, "F16": 2, "BF16": 2}


@st.composite
def safetensors(draw: Draw, names: Sequence[str]) -> bytes:
    """A header whose tensors fit the bytes after it, overlap, leave holes, or claim others."""
    header: dict[str, Any] = {}
    end = 0
    for name in draw(
        st.lists(st.sampled_from((*names, *names, "", "é", "__metadata__", "x" * 200)), max_size=4, unique=True)
    ):
        dtype = draw(st.sampled_from(_DTYPES))
        shape = draw(st.sampled_from(([3, 4], [5], [1], [], [0], [2, 0], [2**62, 4], [-1], [1] * 70, "x", [1.5])))
        sides = [side for side in shape if isinstance(side, int)]
        start = end
        end += min(abs(math.prod(sides)), 400) * _BYTES.get(str(dtype), 1)
        offsets = draw(
            st.sampled_from(([start, end],) * 6 + ([0, end], [end, start], [start, end + 8], [-8, end], [start], None))
        )
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
    if draw(st.booleans()):
        header["__metadata__"] = draw(
            st.sampled_from(({}, {"format": "pt"}, {"sha256": "0"}, {"a": 1}, [], "x", {"a": {"b": "c"}}))
        )
    text = json.dumps(draw(altered(header, VALUES, most=1))).encode() + b" " * draw(st.integers(0, 8))
    length = draw(st.sampled_from((len(text),) * 6 + (0, len(text) + 9, 2**63, 99_999_999)))
    return draw(flawed(struct.pack("<Q", length) + text + bytes(range(256)) * (end // 256) + bytes(end % 256), 1))


_ARRAYS = st.builds(
    lambda kind, shape, fill: np.full(shape, fill).astype(kind),
    st.sampled_from(("f8", "f8", "f4", "i8", "u1", "f2", "?")),
    st.sampled_from(((4,), (4, 4), (9, 4), (), (0,), (0, 4), (1, 1), (2, 2, 2))),
    st.sampled_from((0.0, 1.0, 2.0)),
)


_ODD_NOTES = st.sampled_from(("", "[]", "null", "[" * 3000, "NaN", '{"format": 99}', '{"format": "x"}'))


@st.composite
def sealed_tensors(draw: Draw, whole: Mapping[str, Any], notes: str, note: Any, of: Any) -> bytes:
    """Arrays that are not those expected, or notes of another content, behind a right seal.

    Args:
        whole: arrays of a valid file.
        notes: where in the metadata the notes lie.
        note: notes of a valid file.
        of: what its seal says that it is of.
    """
    from safetensors.numpy import save

    from vtbench.core.digests import canonical_json, digest_arrays
    from vtbench.core.outside.tensor_files import SEAL, tensor_seal

    chosen = draw(st.sampled_from((tuple(whole),) * 6 + (tuple(whole)[1:], (*whole, "more"), ())))
    odd = draw(st.sampled_from((None, *chosen)))
    found = {name: draw(_ARRAYS) if name in (odd, "more") else whole[name] for name in chosen}
    text = draw(
        st.sampled_from((0,) * 9 + (1,)).flatmap(lambda odd: _ODD_NOTES if odd else altered(note).map(json.dumps))
    )
    seal = tensor_seal(digest_arrays(found), of, text)
    told = canonical_json(
        draw(st.sampled_from((0,) * 5 + (1,)).flatmap(lambda odd: altered(seal) if odd else st.just(seal)))
    )
    metadata = {notes: text, SEAL: told}
    for name in draw(st.sampled_from(((),) * 9 + ((notes,), (SEAL,)))):
        del metadata[name]
    return draw(flawed(save(found, metadata=metadata), 1))
