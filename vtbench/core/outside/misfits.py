"""What of some data does not fit its schema, in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

_MOST = 4


def misfits(error: ValidationError, whole: str) -> str:
    """Field by field: ``results.0.value: Input should be a valid number``; of more than four, how many more.

    Args:
        whole: what is named where no field is to blame: ``"task"``.
    """
    told = (f"{'.'.join(map(str, one['loc'])) or whole}: {one['msg']}" for one in error.errors())
    found = [" ".join(one.split()) for one in told]  # a key may hold a line break
    more = f" (+{len(found) - _MOST} more)" if len(found) > _MOST else ""
    return "; ".join(found[:_MOST]) + more
