"""Working templates of what one may bring, each with its test: ``vtbench new KIND NAME`` writes them."""

from vtbench.templates.kinds import KINDS, Kind, find_kind
from vtbench.templates.writing import Draft, draft, write

__all__ = ["KINDS", "Draft", "Kind", "draft", "find_kind", "write"]
