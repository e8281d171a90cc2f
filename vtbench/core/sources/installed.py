"""Whose a source file is: the standard library's, an installed package's, vtbench's own, or somebody's own code."""

from __future__ import annotations

import sys
import sysconfig
from functools import lru_cache
from pathlib import Path
from typing import Literal

_INSTALLED = ("site-packages", "dist-packages")
_VTBENCH = str(Path(__file__).resolve().parents[2])
Owner = Literal["standard", "installed", "vtbench", "foreign"]


def is_installed(file: str) -> bool:
    """Whether a file lies where packages are installed."""
    return any(f"/{folder}/" in file.replace("\\", "/") for folder in _INSTALLED)


def site_folders() -> list[str]:
    """The folders of the import path that packages are installed in."""
    return [folder for folder in sys.path if Path(folder).name in _INSTALLED]


@lru_cache(maxsize=65536)
def owner(file: str) -> Owner:
    """Whose file it is. A package installed as editable, or found by ``PYTHONPATH``, is foreign: it can be edited."""
    if is_installed(file):
        return "installed"
    if _below(file, _VTBENCH):
        return "vtbench"
    return "standard" if any(_below(file, folder) for folder in _standard_folders()) else "foreign"


@lru_cache(maxsize=1)
def _standard_folders() -> tuple[str, ...]:
    found = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    return tuple(found | {str(Path(folder).resolve()) for folder in found})


def _below(file: str, folder: str) -> bool:
    return file.startswith(f"{folder}/")
