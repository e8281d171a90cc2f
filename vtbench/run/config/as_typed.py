"""YAML in which a model's arguments are kept as they were typed.

Only the parameter that takes an argument knows whether ``1234567`` is a number or a revision. So the values below
``args`` come out as the command line has them, and everything else is read as YAML 1.2, as editors do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from vtbench.core.naming.values import CLOSING, OPENING, QUOTES, YAML12_RESOLVERS, show_value
from vtbench.core.outside.parsing import UniqueKeys

MODELS = ("tokenizers", "generators")
_TEXT = "tag:yaml.org,2002:str"
_SEPARATORS = frozenset(OPENING + CLOSING + QUOTES + ",")


class AsTyped(UniqueKeys):
    """Builds plain data, of which every value below ``args`` of a model is the text that stands behind ``key=``."""

    yaml_implicit_resolvers = YAML12_RESOLVERS

    def get_single_node(self) -> yaml.Node | None:
        """The document's root, arguments made texts before anything is built of it."""
        root: yaml.Node | None = super().get_single_node()
        # An anchor may put one mapping under several models: each is rewritten once.
        for arguments in {id(node): node for node in _arguments(root)}.values():
            arguments.value = [
                (key, yaml.ScalarNode(_TEXT, _typed(value), value.start_mark, value.end_mark, style='"'))
                for key, value in arguments.value
            ]
        return root


def _arguments(root: yaml.Node | None) -> Iterator[yaml.MappingNode]:
    for models in (value for name in MODELS for value in _under(root, name)):
        for model in models.value if isinstance(models, yaml.SequenceNode) else ():
            yield from (node for node in _under(model, "args") if isinstance(node, yaml.MappingNode))


def _under(node: Any, name: str) -> Iterator[yaml.Node]:
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        if isinstance(key, yaml.ScalarNode) and key.value == name:
            yield value


def _typed(node: yaml.Node) -> str:
    """A value as it is typed behind ``key=``, where text that could be taken for something else is quoted.

    Raises:
        yaml.constructor.ConstructorError: a tag.
    """
    if isinstance(node, yaml.SequenceNode) and node.tag.endswith(":seq"):
        return f"[{', '.join(_typed(item) for item in node.value)}]"
    if isinstance(node, yaml.MappingNode) and node.tag.endswith(":map"):
        return f"{{{', '.join(f'{_typed(key)}: {_typed(value)}' for key, value in node.value)}}}"
    if not isinstance(node, yaml.ScalarNode) or (node.style is None and node.tag not in _PLAIN):
        raise yaml.constructor.ConstructorError(None, None, f"a tag, {node.tag}", node.start_mark)
    as_it_is = node.tag != _TEXT and node.style is None and not _SEPARATORS & set(node.value)
    return node.value if as_it_is else show_value(node.value)


_PLAIN = (_TEXT, *(f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "bool", "null")))
