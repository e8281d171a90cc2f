"""Checkpoints of PyTorch by their opcodes: what ``torch.save`` writes, with other values, names, calls, storages."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from typing import Any

from hypothesis import strategies as st

from near.plain import SCALARS, Draw, altered, flawed

_NAMES = (
    *("torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_parameter", "torch FloatStorage", "torch LongStorage"),
    *(
        "collections OrderedDict",
        "torch Size",
        "torch.serialization _get_layout",
        "torch BFloat16Storage",
        "torch device",
    ),
    *(
        "numpy._core.multiarray _reconstruct",
        "numpy ndarray",
        "numpy dtype",
        "numpy._core.multiarray scalar",
        "builtins set",
    ),
    *(
        "os system",
        "builtins eval",
        "builtins getattr",
        "functools partial",
        "no.such thing",
        "torch.nn Linear",
        "argparse Namespace",
    ),
    *(
        "torch._utils _rebuild_sparse_tensor",
        "torch._utils _rebuild_qtensor",
        "torch._utils _rebuild_device_tensor_from_numpy",
    ),
    *("pytorch_lightning.callbacks ModelCheckpoint", "_codecs encode", "torch.storage _load_from_bytes", "torch load"),
)


class Tup(list[Any]):
    """A tuple whose places can be altered."""


class Call(dict[str, Any]):
    """A name that is called."""


class Stored(dict[str, Any]):
    """A persistent id: a storage."""


class Built(dict[str, Any]):
    """An object whose state is set."""


class Name(str):
    """A global name: ``module attribute``."""


def tensor(key: str, kind: str, shape: tuple[int, ...]) -> Call:
    """What ``torch.save`` writes of one tensor."""
    count, steps, step = 1, [], 1
    for side in reversed(shape):
        steps, step = [step, *steps], step * side
        count *= side
    storage = Stored(id=Tup(["storage", Name(f"torch {kind}"), key, "cpu", count]))
    hooks = Call(name=Name("collections OrderedDict"), args=Tup())
    arguments = Tup([storage, 0, Tup(shape), Tup(steps), False, hooks])
    return Call(name=Name("torch._utils _rebuild_tensor_v2"), args=arguments)


def numpy_array(width: int, square: bool) -> Built:
    """What ``torch.save`` writes of one array of numpy."""
    shape = Tup([width, width] if square else [width])
    made = Call(name=Name("numpy._core.multiarray _reconstruct"), args=Tup([Name("numpy ndarray"), Tup([0]), b"b"]))
    kind = Built(
        of=Call(name=Name("numpy dtype"), args=Tup(["f8", False, True])),
        state=Tup([3, "<", None, None, None, -1, -1, 0]),
    )
    return Built(of=made, state=Tup([1, shape, kind, False, bytes(8 * width ** (1 + square))]))


STATE = {
    "state_dict": {"a.weight": tensor("0", "FloatStorage", (3, 4)), "b": tensor("1", "LongStorage", (5,))},
    "epoch": 3,
}
MOMENTS = {"mu": numpy_array(4, False), "sigma": numpy_array(4, True)}
_OTHERS = st.one_of(
    SCALARS,
    st.sampled_from(_NAMES).map(Name),
    st.builds(
        lambda name, args: Call(name=Name(name), args=Tup(args)), st.sampled_from(_NAMES), st.lists(SCALARS, max_size=2)
    ),
    st.sampled_from((Tup([2**40, 4]), Tup([-1]), Tup(), 2**62, -1, b"\xff", Tup([0]))),
    st.lists(SCALARS, max_size=2).map(lambda found: Stored(id=Tup(["storage", *found]))),
)
_LIMIT = 2**31


def emit(value: Any) -> bytes:
    """Opcodes of protocol 2 that make the value; nothing is looked up here."""
    if isinstance(value, Name):
        module, _, name = value.partition(" ")
        return f"c{module}\n{name}\n".encode()
    if isinstance(value, Call):
        return emit(value.get("name")) + emit(value.get("args")) + b"R"
    if isinstance(value, Stored):
        return emit(value.get("id")) + b"Q"
    if isinstance(value, Built):
        return emit(value.get("of")) + emit(value.get("state")) + b"b"
    if isinstance(value, dict):
        return b"}(" + b"".join(emit(key) + emit(item) for key, item in value.items()) + b"u"
    if isinstance(value, Tup):
        return b"(" + b"".join(map(emit, value)) + b"t" if value else b")"
    if isinstance(value, list):
        return b"](" + b"".join(map(emit, value)) + b"e"
    return _emit_scalar(value)


def _emit_scalar(value: Any) -> bytes:
    if value is None:
        return b"N"
    if isinstance(value, bool):
        return b"\x88" if value else b"\x89"
    if isinstance(value, int):
        if -_LIMIT <= value < _LIMIT:
            return b"J" + struct.pack("<i", value)
        packed = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
        return b"\x8a" + bytes([min(len(packed), 255)]) + packed
    if isinstance(value, float):
        return b"G" + struct.pack(">d", value)
    if isinstance(value, bytes):  # as Python 3 writes them for readers of protocol 2
        return emit(Call(name=Name("_codecs encode"), args=Tup([value.decode("latin-1"), "latin1"])))
    text = str(value).encode(errors="surrogatepass")
    return b"X" + struct.pack("<I", len(text)) + text


@st.composite
def pickled(draw: Draw, template: Any) -> bytes:
    """A pickle of altered content; now and then opcodes in another order."""
    return b"\x80\x02" + draw(flawed(emit(draw(altered(template, _OTHERS))) + b".", 1))


@st.composite
def torch_files(draw: Draw, template: Any = STATE) -> bytes:
    """The archive: a pickle, and storages that are there, gone, or of another length."""
    target = io.BytesIO()
    root = draw(st.sampled_from(("archive", "archive", "archive", "a b", "é")))
    packing = draw(st.sampled_from((zipfile.ZIP_STORED,) * 4 + (zipfile.ZIP_DEFLATED,)))
    with zipfile.ZipFile(target, "w", packing) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr(f"{root}/data.pkl", draw(pickled(template)))
        for name, good in (("byteorder", b"little"), ("version", b"3\n"), ("data/0", bytes(48)), ("data/1", bytes(40))):
            content = draw(st.sampled_from((good,) * 24 + (None, b"", good[:-1], good * 3, b"big")))
            if content is not None:
                archive.writestr(f"{root}/{name}", content)
    return draw(flawed(target.getvalue(), 1))


@st.composite
def legacy_files(draw: Draw) -> bytes:
    """The form before 1.6: five pickles and the storages, one after another."""
    magic = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."
    system = b"\x80\x02" + emit({"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}) + b"."
    content = draw(pickled(_with_views(STATE)))
    keys = b"\x80\x02" + emit(draw(altered(["0", "1"], most=1))) + b"."
    storages = [
        struct.pack("<q", draw(st.sampled_from((n, n, n, 0, -1, 2**40)))) + bytes(size)
        for n, size in ((12, 48), (5, 40))
    ]
    return draw(flawed(magic + system + content + keys + b"".join(storages), 1))


def _with_views(content: Any) -> Any:
    """Storages had a sixth entry in those days: what part of another one they are."""
    if isinstance(content, Stored):
        return Stored(id=Tup([*content["id"], None]))
    if isinstance(content, dict):
        return type(content)({key: _with_views(item) for key, item in content.items()})
    if isinstance(content, list):
        return type(content)(_with_views(item) for item in content)
    return content
