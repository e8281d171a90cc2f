"""What a page is put together from: template, styles, script, and the digest by which its policy knows the script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

from vtbench.core.errors import AssetMissingError
from vtbench.core.extras import install_extra
from vtbench.version import __version__


def static(package: str, name: str) -> str:
    """The text of a file in the folder ``static`` of a package."""
    return files(package).joinpath("static").joinpath(name).read_text(encoding="utf-8")


def rendered(template: str, styles: Iterable[str], scripts: Iterable[str], **shown: Any) -> str:
    """A page that asks the network for nothing, and whose policy forbids any script but its own.

    Args:
        template: jinja; everything is escaped but what the caller marks as trusted.
        styles: one after another.
        scripts: one after another, in one scope.
        **shown: what the template names, beside ``css``, ``script``, ``script_hash`` and ``version``.

    Raises:
        AssetMissingError: jinja2 is not installed.
    """
    try:
        from jinja2 import Environment
    except ImportError as error:
        raise AssetMissingError("the HTML report needs jinja2", install_extra("report")) from error
    script = _one_scope(scripts)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page = Environment(autoescape=True, trim_blocks=False).from_string(template)
    return page.render(
        css=trusted("".join(styles)),
        script=trusted(script),
        script_hash=f"sha256-{digest}",
        version=__version__,
        **shown,
    )


def trusted(text: str) -> Any:
    """Text of our own that is HTML already, such as a drawing that escapes by itself.

    Raises:
        AssetMissingError: markupsafe, which comes with jinja2, is not installed.
    """
    try:
        from markupsafe import Markup
    except ImportError as error:
        raise AssetMissingError("the HTML report needs jinja2", install_extra("report")) from error
    return Markup(text)


def _one_scope(scripts: Iterable[str]) -> str:
    return f'"use strict";\n(() => {{\n{"".join(scripts)}}})();\n'
