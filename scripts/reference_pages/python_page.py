"""python.md: the public API, from the signatures and docstrings of what `mtcli` exports.

The sources are read, not imported: importing them would import torch.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from reference_pages.text import bullet, page, paragraph

import mtcli

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = {"Args": "Arguments", "Raises": "Raises", "Returns": "Returns"}

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def python_page() -> str:
    """Every name that `mtcli` exports."""
    return page("Python API", _blocks())


def _blocks() -> Iterator[str]:
    names = [name for name in mtcli.__all__ if not name.startswith("_")]
    yield paragraph(
        "What `mtcli` exports. Other modules may move between releases. [Use mtcli from Python]"
        "(../guides/python.md) shows how to use it."
    )
    functions = [name for name in names if isinstance(_node(name), _Function)]
    errors = [name for name in names if name not in mtcli._PLACES]
    classes = [name for name in names if name not in (*functions, *errors)]
    for name in (*functions, *classes):
        yield f"## {name}"
        yield from _describe(name, _node(name))
    yield "## Errors"
    yield paragraph("All are kinds of `MtcliError`, with `sentence`, `hint` and `exit_code`.")
    for name in errors:
        yield bullet(f"`{name}`: {_first_sentence(_node(name))}")


def _node(name: str) -> ast.FunctionDef | ast.ClassDef:
    """The definition of an exported name."""
    module = mtcli._PLACES.get(name, "mtcli.errors").replace(".", "/")
    tree = ast.parse((ROOT / f"{module}.py").read_text(encoding="utf-8"))
    (node,) = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name
    ]
    return node


def _describe(name: str, node: ast.FunctionDef | ast.ClassDef) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef):
        yield _signature(name, node)
        yield from _prose(node)
        return
    yield paragraph((ast.get_docstring(node) or "").split("\n\nArgs:")[0])
    for field, annotation, doc in _fields(node):
        yield bullet(f"`{field}: {annotation}`{': ' + doc if doc else ''}")
    for method in node.body:
        if isinstance(method, ast.FunctionDef) and _is_public(method):
            yield f"### {name}.{method.name}"
            yield _signature(f"{name}.{method.name}", method)
            yield from _prose(method)


def _is_public(method: ast.FunctionDef) -> bool:
    """Whether a user calls it: not a property, not for the rooms of mtcli alone."""
    decorators = {ast.unparse(decorator) for decorator in method.decorator_list}
    return (
        not method.name.startswith("_")
        and "property" not in decorators
        and ast.get_docstring(method) is not None
        and method.name in {"load", "translate", "translate_n_best", "translate_documents", "score"}
    )


def _signature(name: str, node: ast.FunctionDef) -> str:
    parameters = ast.unparse(node.args).removeprefix("self, ").removeprefix("cls, ")
    parameters = re.sub(r"(?<=\S)=(?=\S)", " = ", parameters)
    one_line = f"{name}({parameters}) -> {ast.unparse(node.returns or ast.Constant(None))}"
    if len(one_line) > 96:
        items = re.split(r", (?![^\[\(]*[\]\)])", parameters)
        lines = "".join(f"    {item},\n" for item in items)
        one_line = f"{name}(\n{lines}) -> {ast.unparse(node.returns or ast.Constant(None))}"
    return f"```text\n{one_line}\n```"


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, str, str]]:
    for entry, following in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(entry, ast.AnnAssign) and isinstance(entry.target, ast.Name):
            is_doc = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
            doc = " ".join(str(following.value.value).split()) if is_doc else ""  # type: ignore
            yield entry.target.id, ast.unparse(entry.annotation), doc


def _first_sentence(node: ast.AST) -> str:
    text = ast.get_docstring(node) or ""  # type: ignore[arg-type]
    return " ".join(text.split("\n\n")[0].split())


def _prose(node: ast.FunctionDef) -> Iterator[str]:
    """A Google docstring: paragraphs, and sections as lists."""
    for block in re.split(r"\n\s*\n", inspect.cleandoc(ast.get_docstring(node) or "")):
        head, _, rest = block.partition("\n")
        title = SECTIONS.get(head.rstrip(":")) if head.endswith(":") else None
        if title is None:
            yield paragraph(block)
        elif title == "Returns":
            yield paragraph(f"Returns: {rest}")
        else:
            yield f"**{title}**"
            for item in re.split(r"\n(?=\S)", textwrap.dedent(rest)):
                name, _, text = item.partition(":")
                yield bullet(f"`{name}`: {' '.join(text.split())}")
