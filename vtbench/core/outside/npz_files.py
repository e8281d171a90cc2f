"""What a file that should be an npz is instead, in words that help."""

from __future__ import annotations

import zipfile
from pathlib import Path

from vtbench.core.errors import UsageError
from vtbench.core.outside.parsing import reason

_NPY, _PICKLE = b"\x93NUMPY", b"\x80"
_HEAD_BYTES = 4096
_MARKUP = (b"<!doctype", b"<html", b"<?xml")


def array_names(path: Path) -> frozenset[str]:
    """Names of the arrays in an npz, from its directory alone; none where the file is something else."""
    try:
        with zipfile.ZipFile(path) as archive:
            return frozenset(name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy"))
    except Exception:  # noqa: BLE001 - a damaged directory makes zipfile raise almost anything
        return frozenset()


def not_an_npz(path: Path, error: BaseException, arrays: str, form: str = "") -> UsageError:
    """The error for a file that cannot be read as one.

    Args:
        error: what reading it raised.
        arrays: what is expected in it, as arguments of ``np.savez``: ``arr_0=images``.
        form: what those are.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except OSError as unread:
        return UsageError(f"{path} cannot be read: {reason(unread)}", "check the path and its permissions")
    save = f"save it with names: np.savez('FILE.npz', {arrays})" + (f", {form}" if form else "")
    if head.startswith(_NPY):
        if b"'descr': '|O'" in head or b"'O'" in head.split(b"\n", 1)[0]:
            return UsageError(
                f"{path} is refused: a .npy of Python objects, and reading them runs code",
                f"where you trust it, np.load(FILE, allow_pickle=True).item() gives its arrays; {save}",
            )
        return UsageError(f"{path} is a single array (.npy), not an npz of named arrays", save)
    if "pickle" in str(error).lower() or head.startswith(_PICKLE):
        return UsageError(f"{path} is refused: it holds Python objects, and reading them runs code", save)
    if head.lstrip()[:_HEAD_BYTES].lower().startswith(_MARKUP):
        return UsageError(f"{path} is a web page, not an npz", "download the file itself")
    if zipfile.is_zipfile(path) and not array_names(path):
        return UsageError(f"{path} is an archive without arrays, such as a PyTorch file, not an npz", save)
    return UsageError(f"{path} is truncated or not an npz: {reason(error)}", "copy or download it again")
