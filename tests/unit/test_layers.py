"""What import-linter cannot see: parts of packages, where an import stands, and calls."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "mtcli"
FAST_ROOMS = ("cli", "config")
LAZY_PACKAGES = {"sacrebleu", "datasets"}
SLOW_PACKAGES = {"torch", "numpy", "pydantic", "datasets", "sentencepiece", "sacrebleu"}
PICKLES = {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal", "cloudpickle"}
CODE_RUNNERS = {"eval", "exec", "torch.load", "yaml.load", "numpy.load", "np.load"}


class Module:
    """A source file, by its name inside the package."""

    def __init__(self, name: str, source: str) -> None:
        self.name = name
        self.room = name.split("/")[0].removesuffix(".py")
        self.tree = ast.parse(source)

    def imports(self, *, only_on_import: bool = False) -> Iterator[str]:
        """Dotted names of what is imported, but for what only type checkers import."""
        for node in _nodes(self.tree, enter_functions=not only_on_import):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from (f"{node.module}.{alias.name}" for alias in node.names)

    def calls(self) -> Iterator[str]:
        """Dotted names of what is called."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield ast.unparse(node.func)


def _nodes(node: ast.AST, *, enter_functions: bool) -> Iterator[ast.AST]:
    yield node
    if (
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        and not enter_functions
    ):
        return
    is_for_typing = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    for child in node.orelse if is_for_typing else ast.iter_child_nodes(node):
        yield from _nodes(child, enter_functions=enter_functions)


def package(name: str) -> str:
    return name.split(".")[0]


def modules_without_torch() -> list[str]:
    """Dotted names, of rooms and of single modules, from the contract in pyproject.toml."""
    settings = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (names,) = [c["source_modules"] for c in contracts if c.get("forbidden_modules") == ["torch"]]
    return names


WITHOUT_TORCH = modules_without_torch()

# ------------------------------------------------------------------------------------------ rules


def torch_distributed(module: Module) -> list[str]:
    found = [*module.imports(), *module.calls()]
    return [
        name
        for name in found
        if module.room != "distributed"
        and (
            name.startswith("torch.distributed")
            or name == "torch.nn.parallel.DistributedDataParallel"
        )
    ]


def terminal_packages(module: Module) -> list[str]:
    return [
        name
        for name in module.imports()
        if package(name) in ("typer", "rich") and module.room != "cli"
    ]


ENGINES_OF_TORCH = {"engines/torch.py", "engines/torch_loading.py"}


def torch_on_import(module: Module) -> list[str]:
    dotted = "mtcli." + module.name.removesuffix(".py").replace("/", ".")
    if not any(dotted == name or dotted.startswith(f"{name}.") for name in WITHOUT_TORCH):
        return []
    return [name for name in module.imports(only_on_import=True) if package(name) == "torch"]


def slow_packages_on_import(module: Module) -> list[str]:
    if module.room not in FAST_ROOMS:
        return []
    return [name for name in module.imports(only_on_import=True) if package(name) in SLOW_PACKAGES]


def lazy_packages_on_import(module: Module) -> list[str]:
    """They take seconds, and most commands need neither; sentencepiece is for the tokenizer."""
    lazy = LAZY_PACKAGES | ({"sentencepiece"} if module.room != "tokenizer" else set())
    return [name for name in module.imports(only_on_import=True) if package(name) in lazy]


def code_from_data(module: Module) -> list[str]:
    return [name for name in module.imports() if package(name) in PICKLES] + [
        name for name in module.calls() if name in CODE_RUNNERS
    ]


def prints(module: Module) -> list[str]:
    return [name for name in module.calls() if name == "print" and module.room != "cli"]


Rule = Callable[[Module], list[str]]
RULES: list[Rule] = [
    torch_distributed,
    terminal_packages,
    torch_on_import,
    slow_packages_on_import,
    lazy_packages_on_import,
    code_from_data,
    prints,
]


# ------------------------------------------------------------------------------------------ tests


@pytest.fixture(scope="module")
def modules():
    return [
        Module(path.relative_to(PACKAGE).as_posix(), path.read_text(encoding="utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    ]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_package_keeps_the_rule(rule, modules):
    assert len(modules) > 20
    found = {module.name: rule(module) for module in modules}
    assert {name: breaches for name, breaches in found.items() if breaches} == {}


@pytest.mark.parametrize(
    ("rule", "name", "source"),
    [
        (torch_distributed, "training/a.py", "def f():\n    import torch.distributed as dist"),
        (torch_distributed, "training/a.py", "from torch import distributed"),
        (torch_distributed, "model/a.py", "torch.distributed.barrier()"),
        (torch_distributed, "a.py", "from torch.nn.parallel import DistributedDataParallel"),
        (terminal_packages, "training/a.py", "def f():\n    from rich.live import Live"),
        (torch_on_import, "data/a.py", "import torch"),
        (torch_on_import, "cli/a.py", "class A:\n    from torch import nn"),
        (torch_on_import, "translating/a.py", "try:\n    import torch.nn\nexcept OSError: ..."),
        (slow_packages_on_import, "config/a.py", "from pydantic import TypeAdapter"),
        (torch_on_import, "folders.py", "import torch"),
        (torch_on_import, "distributed/launch.py", "import torch"),
        (lazy_packages_on_import, "training/a.py", "import sacrebleu"),
        (lazy_packages_on_import, "data/a.py", "from sentencepiece import x"),
        (code_from_data, "data/a.py", "def f():\n    import pickle"),
        (code_from_data, "data/a.py", "weights = torch.load(path)"),
        (code_from_data, "cli/a.py", "eval('1')"),
        (prints, "data/a.py", "print('here')"),
    ],
)
def test_the_rule_notices_a_breach(rule, name, source):
    assert rule(Module(name, source))


@pytest.mark.parametrize(
    ("rule", "name", "source"),
    [
        (torch_distributed, "distributed/a.py", "import torch.distributed"),
        (torch_on_import, "cli/a.py", "def f():\n    import torch"),
        (torch_on_import, "cli/a.py", "if TYPE_CHECKING:\n    import torch"),
        (torch_on_import, "engines/torch.py", "import torch"),
        (slow_packages_on_import, "cli/a.py", "def f():\n    import numpy"),
        (lazy_packages_on_import, "tokenizer/a.py", "import sentencepiece"),
        (code_from_data, "model/a.py", "model.eval()"),
        (prints, "cli/a.py", "print('here')"),
    ],
)
def test_the_rule_lets_others_be(rule, name, source):
    assert not rule(Module(name, source))


def test_help_imports_nothing_slow():
    """The rule above looks at mtcli's own lines; this at what they bring along."""
    script = "import sys, mtcli.cli.app; print(*{name.split('.')[0] for name in sys.modules})"
    shown = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert SLOW_PACKAGES & set(shown.stdout.split()) == set()
