"""What a class or function takes, with types, defaults and what its docstring says, read from its source."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from vtbench.core.naming.source import Definition, Module, bases, find_definition

REQUIRED = ""
_SECTION = re.compile(r"^(Args|Arguments|Parameters|Attributes):\s*$", re.MULTILINE)
_MARKS = re.compile(r"(?::\w+:)?`+~?([^`]*)`+")
_ENTRY = re.compile(r"^(\*{0,2}\w+)(?:\s*\([^)]*\))?:\s*(.*)$")


@dataclass(frozen=True)
class Argument:
    """One parameter as the source has it.

    Attributes:
        type: its annotation, empty where there is none.
        default: as written, :data:`REQUIRED` where a value must be given.
        doc: what the docstring says of it.
    """

    name: str
    type: str = ""
    default: str = REQUIRED
    doc: str = ""

    @property
    def told(self) -> str:
        """In one line: ``int, default 75. 1 to 100, libjpeg's scale.``"""
        need = f"default {self.default}" if self.default != REQUIRED else "required"
        return ". ".join(part for part in (", ".join(filter(None, (self.type, need))), self.doc) if part)


@dataclass(frozen=True)
class Signature:
    """A class or function.

    Attributes:
        summary: first sentence of its docstring, empty where it has none.
        arguments: those that can be given by name, in order.
    """

    summary: str
    arguments: tuple[Argument, ...]


def signature_of(target: str) -> Signature | None:
    """Of ``package.module:Class`` or ``./file.py:Class``, without importing it; ``None`` where no source tells."""
    found = find_definition(target)
    if found is None:
        return None
    lineage = list(bases(found))
    docs = [ast.get_docstring(item.node) or "" for item in lineage]
    told: dict[str, str] = {}
    makers = [maker for item in lineage if (maker := _maker(item.node)) is not None]
    for text in reversed([*docs, *(ast.get_docstring(maker) or "" for maker in makers)]):
        told |= documented(text)
    summary = next((sentence for text in docs if (sentence := first_sentence(text))), "")
    return Signature(summary, tuple(_arguments(lineage, told)))


def first_sentence(docstring: str) -> str:
    """The first sentence of the first paragraph, in one line."""
    paragraph = _plain(" ".join(docstring.strip().split("\n\n", 1)[0].split()))
    return re.split(r"(?<=[.!?])\s+(?=[A-Z`'\"])", paragraph, maxsplit=1)[0]


def documented(docstring: str) -> dict[str, str]:
    """What the sections ``Args:`` and ``Attributes:`` say of each name."""
    told: dict[str, str] = {}
    for section in _SECTION.finditer(docstring):
        current, indent = "", None
        for line in docstring[section.end() :].lstrip("\n").split("\n"):
            depth = len(line) - len(line.lstrip())
            if not line.strip():
                continue
            if depth == 0:
                break
            indent = depth if indent is None else indent
            entry = _ENTRY.match(line.strip()) if depth <= indent else None
            if entry is not None:
                current = entry[1].lstrip("*")
                told[current] = entry[2]
            elif current:
                told[current] = f"{told[current]} {line.strip()}".strip()
    return {name: _plain(text) for name, text in told.items()}


def _maker(node: ast.AST) -> ast.FunctionDef | None:
    """The method that takes a class's arguments."""
    methods = {item.name: item for item in getattr(node, "body", ()) if isinstance(item, ast.FunctionDef)}
    return methods.get("__init__") or methods.get("__new__") if isinstance(node, ast.ClassDef) else None


def _arguments(lineage: list[Definition], told: Mapping[str, str]) -> list[Argument]:
    for item in lineage:
        maker = item.node if not isinstance(item.node, ast.ClassDef) else _maker(item.node)
        if maker is not None:
            return _of_function(maker, item.module, told, method=isinstance(item.node, ast.ClassDef))
    fields: dict[str, Argument] = {}
    for item in reversed(lineage):
        fields |= {field.name: field for field in _fields(item, told)}
    return list(fields.values())


def _of_function(
    node: ast.FunctionDef | ast.AsyncFunctionDef, module: Module, told: Mapping[str, str], method: bool
) -> list[Argument]:
    taken = [*node.args.posonlyargs, *node.args.args]
    defaults: list[ast.expr | None] = [None] * (len(taken) - len(node.args.defaults))
    pairs = list(zip(taken, [*defaults, *node.args.defaults], strict=True))[1 if method else 0 :]
    pairs += zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    named = [
        Argument(name.arg, _annotation(name.annotation, module), _default(value, module), told.get(name.arg, ""))
        for name, value in pairs
    ]
    return [*named, *_listed(node.args.kwarg, module)]


def _listed(rest: ast.arg | None, module: Module) -> list[Argument]:
    """The arguments that ``**rest: Unpack[Some]`` stands for: each of a ``TypedDict`` may be left out."""
    written = None if rest is None else rest.annotation
    if not isinstance(written, ast.Subscript) or ast.unparse(written.value).rpartition(".")[2] != "Unpack":
        return []
    found = module.find(ast.unparse(written.slice))
    if found is None:
        return []
    fields = _fields(found, documented(ast.get_docstring(found.node) or ""))
    return [replace(field, default="None") for field in fields]


def _fields(item: Definition, told: Mapping[str, str]) -> list[Argument]:
    """Of a dataclass or a pydantic model."""
    return [
        Argument(
            name.id, _annotation(line.annotation, item.module), _default(line.value, item.module), told.get(name.id, "")
        )
        for line in getattr(item.node, "body", ())
        if isinstance(line, ast.AnnAssign) and isinstance(name := line.target, ast.Name)
        if not name.id.startswith("_") and "ClassVar" not in _shown(line.annotation)
    ]


def _default(value: ast.expr | None, module: Module) -> str:
    """As written; a constant of the module by its value, where that is short."""
    if value is None:
        return REQUIRED
    if isinstance(value, ast.Name):
        written = module.constant(value.id)
        value = written if isinstance(written, (ast.Constant, ast.UnaryOp)) else value
    return _shown(value)


def _shown(expression: ast.expr | None) -> str:
    return "" if expression is None else ast.unparse(expression)


def _annotation(expression: ast.expr | None, module: Module) -> str:
    """As written, without quotes around it; a name that stands for choices or alternatives by what it stands for."""
    if isinstance(expression, ast.Constant) and isinstance(quoted := expression.value, str):
        try:
            expression = ast.parse(quoted, mode="eval").body
        except (SyntaxError, ValueError, RecursionError):  # no Python: a tool of its author's reads it
            return quoted
    return "" if expression is None else ast.unparse(_Spelled(module).visit(copy.deepcopy(expression)))


class _Spelled(ast.NodeTransformer):
    """Puts ``Literal[…]`` and unions in the place of names that a module gives them."""

    def __init__(self, module: Module) -> None:
        self._module = module

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """A name; what it stands for where that are choices or alternatives."""
        written = self._module.alias(node.id)
        if isinstance(written, ast.Subscript) and ast.unparse(written.value).rpartition(".")[2] == "Literal":
            return written
        return written if isinstance(written, ast.BinOp) and isinstance(written.op, ast.BitOr) else node


def _plain(text: str) -> str:
    """Without the marks of reStructuredText."""
    return _MARKS.sub(r"\1", text)
