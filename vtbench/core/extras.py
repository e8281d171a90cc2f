"""How the packages of an extra are installed, in words that hold wherever vtbench itself came from."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, requires

_REQUIREMENT = re.compile(r"""^(?P<package>[^;]+?)\s*;\s*extra\s*==\s*["'](?P<extra>[\w-]+)["']\s*$""")
_NAME = re.compile(r"^[A-Za-z0-9._-]+")


def packages_of(extra: str) -> tuple[str, ...]:
    """What an extra adds, as pip takes it (``diffusers>=0.30``), as vtbench's installed metadata states it.

    Empty where vtbench is not installed but only on the path, or has no such extra.
    """
    try:
        stated = requires("vtbench") or []
    except PackageNotFoundError:
        return ()
    found = (_REQUIREMENT.match(line) for line in stated)
    return tuple(match["package"] for match in found if match is not None and match["extra"] == extra)


def install_extra(extra: str, *newer: str) -> str:
    """The command that installs an extra's packages.

    It names the packages, not ``vtbench[extra]``: that is found by pip only where an index has vtbench.

    Args:
        extra: as ``pyproject.toml`` calls it.
        newer: requirements that are stricter than the extra's, such as ``transformers>=4.48``.
    """
    stricter = {_name(requirement): requirement for requirement in newer}
    packages = [stricter.pop(_name(package), package) for package in packages_of(extra)]
    if not packages and not newer:
        return f"pip install -e '.[{extra}]' in a clone of vtbench"
    return "pip install " + " ".join(_quoted(package) for package in (*packages, *stricter.values()))


def _name(requirement: str) -> str:
    match = _NAME.match(requirement)
    return match[0].lower().replace("_", "-") if match is not None else requirement


def _quoted(requirement: str) -> str:
    return f"'{requirement}'" if re.search(r"[<>~!\[ ]", requirement) else requirement
