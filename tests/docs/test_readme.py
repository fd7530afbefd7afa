"""Every command that the documentation shows is one that the program has."""

import contextlib
import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from mtcli.cli.app import app
from mtcli.config.load import load_config

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
SHELLS = {"bash", "sh", "shell", "console"}
BEFORE_A_COMMAND = {"do", "then", "else", "time", "nohup", "exec", "env", "!", "(", "{"}
OPERATORS = set("();<>|&")
UsageError = typer.BadParameter.__base__  # click's, which Typer carries within itself or not


@dataclass(frozen=True)
class Command:
    """One call of mtcli in a page."""

    page: str
    line: int
    """Counted from 1."""
    args: tuple[str, ...]
    """What follows the program's name."""


def shell_lines(markdown: str) -> list[tuple[int, str]]:
    """Line number and text of every line of a shell block, joined where `\\` continues it."""
    found: list[tuple[int, str]] = []
    language: str | None = None
    is_continued = False
    for number, line in enumerate(markdown.split("\n"), 1):
        text = line.strip()
        if text.startswith("```"):
            language = text[3:].strip() or "text" if language is None else None
        elif language in SHELLS:
            text = text.removeprefix("$ ")
            if is_continued:
                number, before = found.pop()
                text = before + " " + text
            is_continued = text.endswith("\\")
            found.append((number, text.removesuffix("\\")))
    return found


def words_of(line: str) -> list[list[str]]:
    """The simple commands of a shell line, without assignments and redirections."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    commands: list[list[str]] = [[]]
    is_file_name = False
    for word in lexer:
        if set(word) <= set("<>&") and set(word) & set("<>"):
            is_file_name = True
            if commands[-1] and commands[-1][-1] in ("1", "2"):
                commands[-1].pop()
        elif set(word) <= OPERATORS:
            commands.append([])
        elif is_file_name:
            is_file_name = False
        elif commands[-1] or not (re.match(r"\w+=", word) or word in BEFORE_A_COMMAND):
            commands[-1].append(word)
    return commands


def mtcli_commands(page: str, markdown: str) -> list[Command]:
    """What comes after `mtcli` in every call of it: also `python -m mtcli`, or by torchrun."""
    commands = []
    for number, line in shell_lines(markdown):
        if "mtcli" not in line:
            continue
        for words in words_of(line):
            if words[:1] == ["mtcli"]:
                commands.append(Command(page, number, tuple(words[1:])))
            elif ["-m", "mtcli"] in [words[i : i + 2] for i in range(len(words))]:
                commands.append(Command(page, number, tuple(words[words.index("mtcli") + 1 :])))
    return commands


COMMANDS = [
    command
    for path in PAGES
    if path.exists()
    for command in mtcli_commands(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))
]


def parse(args: tuple[str, ...]) -> None:
    """Parse as the program would, and run nothing; raises UsageError."""
    command = typer.main.get_command(app)
    context = command.make_context("mtcli", list(args))
    while hasattr(command, "resolve_command"):
        rest = [*context._protected_args, *context.args]
        name, command, rest = command.resolve_command(context, rest)
        context = command.make_context(name, rest, parent=context)


# ----------------------------------------------------------------------------------- what is found


def test_commands_are_found_in_every_guise():
    markdown = """
    mtcli not-in-a-block
```yaml
mtcli: not-shell
```
```bash
# mtcli in-a-comment
pip install . && mtcli train configs/a.yaml   # and why
OMP_NUM_THREADS=1 mtcli train b.yaml \\
    --set optim.lr=3e-4 --set 'run_dir=runs/a b'
cat in.txt | mtcli translate -m RUN 2> log.txt > out.txt
for seed in 1 2; do mtcli train c.yaml --set seed=$seed; done
torchrun --nproc-per-node 2 -m mtcli train d.yaml
```
1. In a list:
   ```console
   $ mtcli --version
   mtcli 0.1.0
   ```
"""
    assert [(c.line, list(c.args)) for c in mtcli_commands("p", markdown)] == [
        (8, ["train", "configs/a.yaml"]),
        (9, ["train", "b.yaml", "--set", "optim.lr=3e-4", "--set", "run_dir=runs/a b"]),
        (11, ["translate", "-m", "RUN"]),
        (12, ["train", "c.yaml", "--set", "seed=$seed"]),
        (13, ["train", "d.yaml"]),
        (17, ["--version"]),
        (18, ["0.1.0"]),
    ]


@pytest.mark.parametrize(
    "line", ["tranlate", "train a.yaml --sett x=1", "train a.yaml --nproc two", "train a.yaml b"]
)
def test_a_wrong_command_would_be_noticed(line):
    with pytest.raises(UsageError):
        parse(tuple(line.split()))


# -------------------------------------------------------------------------------- what is promised


def test_the_readme_shows_how_to_train_and_translate():
    shown = {command.args[0] for command in COMMANDS if command.page == "README.md"}
    assert shown >= {"train", "translate"}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: f"{c.page}:{c.line}")
def test_a_shown_command_parses(command, monkeypatch):
    monkeypatch.chdir(ROOT)
    with contextlib.suppress(typer.Exit):  # --help and --version are answered at once
        parse(command.args)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: f"{c.page}:{c.line}")
def test_a_shown_config_exists_and_takes_the_shown_overrides(command, monkeypatch):
    monkeypatch.chdir(ROOT)
    overrides = [
        value
        for option, value in zip(command.args, command.args[1:], strict=False)
        if option == "--set" and "$" not in value
    ]
    for arg in command.args:
        if arg.startswith("configs/"):
            load_config(Path(arg), overrides)


@pytest.mark.parametrize(
    "args",
    sorted({c.args for c in COMMANDS if c.args[:1] in {("config",), ("--version",)}}),
    ids=str,
)
def test_a_shown_command_that_is_quick_runs(args, monkeypatch):
    monkeypatch.chdir(ROOT)
    result = CliRunner().invoke(app, list(args))
    assert result.exit_code == 0, result.output
    assert result.output


@pytest.mark.parametrize("name", ["train", "test"])
def test_ci_finds_its_command_in_the_readme(name):
    shown = subprocess.run(
        ["bash", ".ci/run", "show", name], cwd=ROOT, capture_output=True, text=True, timeout=30
    )
    assert shown.returncode == 0, shown.stderr
    assert len(shown.stdout.splitlines()) == 1
    assert ("mtcli train" if name == "train" else "pytest") in shown.stdout
