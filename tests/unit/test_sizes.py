"""Nothing grows past the size that a reader can take in: house rules of CONTRIBUTING.md."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "mtcli"
MOST_LINES, MOST_PARAMETERS, MOST_IMPORTS_OF_SETUP = 300, 8, 24
MAY_BE_LONGER = {"training/setup.py", "training/step.py", "decoding/beam.py"}
MODULES = {
    path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(PACKAGE.rglob("*.py"))
}


def functions(source: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def num_parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    given = function.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    return sum(argument.arg not in ("self", "cls") for argument in named)


def num_body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the statements, the docstring left out."""
    body = function.body[ast.get_docstring(function) is not None :]
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


def test_no_module_is_too_long():
    too_long = {
        name: num_lines
        for name, source in MODULES.items()
        if (num_lines := source.count("\n")) > MOST_LINES and name not in MAY_BE_LONGER
    }
    assert too_long == {}


def test_no_function_outside_the_command_line_takes_too_much():
    too_many = {
        f"{name}: {function.name}": num_parameters(function)
        for name, source in MODULES.items()
        if not name.startswith("cli/")
        for function in functions(source)
        if num_parameters(function) > MOST_PARAMETERS
    }
    assert too_many == {}


def test_translate_only_parses_calls_and_prints():
    (command,) = [f for f in functions(MODULES["cli/translate.py"]) if f.name == "translate"]
    assert num_body_lines(command) < 60


def test_setup_knows_few_modules():
    tree = ast.parse(MODULES["training/setup.py"])
    imported = {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module]
        )
    }
    assert len(imported) <= MOST_IMPORTS_OF_SETUP, sorted(imported)


@pytest.mark.parametrize(
    ("source", "expected"),
    [("def f(self, a, /, b, *, c): ...", 3), ("def f(*a, **b): ...", 0), ("def f(cls): ...", 0)],
)
def test_parameters_are_counted(source, expected):
    (function,) = functions(source)
    assert num_parameters(function) == expected
