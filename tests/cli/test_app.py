"""The root of the command line: what it lists, what it imports, how it ends."""

from __future__ import annotations

import os
import re
import signal
import statistics
import subprocess
import sys
import time
from types import ModuleType
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from mtcli import __version__
from mtcli.cli import app as root
from mtcli.cli.command import Command, Group
from mtcli.cli.errors import user_errors
from mtcli.cli.help import MAX_WIDTH
from mtcli.errors import ConfigError, DivergedError

HEAVY = {"torch", "numpy", "pydantic", "datasets", "sentencepiece", "sacrebleu", "ruamel.yaml"}
MTCLI = [sys.executable, "-m", "mtcli"]

runner = CliRunner()


def run(*args: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MTCLI, *args],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(env or {})},
    )


def run_code(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.fixture
def command(monkeypatch):
    """Put a command in the place of `demo`; call it with a function to run."""

    def install(function):
        module = ModuleType("mtcli.cli.demo")
        module.app = typer.Typer()
        module.app.command()(function)
        monkeypatch.setitem(sys.modules, "mtcli.cli.demo", module)

    return install


# ------------------------------------------------------------------------------------------- help


def commands() -> dict[str, Any]:
    """Every command by its full name, `tokenizer train` and the like included."""
    found = {name: root.load_command(name) for name in root.COMMANDS}
    for name, command in list(found.items()):
        for sub_name, subcommand in getattr(command, "commands", {}).items():
            found[f"{name} {sub_name}"] = subcommand
    return found


def help_page(name: str = "", columns: int = 100) -> str:
    """The help page of a command on a terminal so wide; a CliRunner has 80 columns."""
    command = commands()[name] if name else typer.main.get_command(root.app)
    settings = {**root.app.info.context_settings, "terminal_width": min(columns, MAX_WIDTH)}
    context = command.context_class(command, info_name=f"mtcli {name}".strip(), **settings)
    return command.get_help(context)


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_is_shown(flag):
    result = runner.invoke(root.app, [flag])
    assert (result.exit_code, result.stderr) == (0, "")
    assert "\nUsage: mtcli [OPTIONS] COMMAND\n" in result.stdout


def test_help_lists_every_command_in_its_section():
    sections = help_page().split("\n\n")
    for name, entry in root.COMMANDS.items():
        section = next(text for text in sections if text.startswith(f"{entry.section}:\n"))
        line = " ".join(section.split())
        assert f" {name} {entry.line}" in line


def test_without_a_command_help_is_shown():
    result = runner.invoke(root.app, [])
    assert result.exit_code == 2
    assert (result.stdout, "Usage: mtcli [OPTIONS] COMMAND\n" in result.stderr) == ("", True)
    assert "tokenizer" in result.stderr


@pytest.mark.parametrize("name", ["config", "tokenizer"])
def test_without_a_subcommand_help_is_shown(name):
    result = runner.invoke(root.app, [name])
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"Usage: mtcli {name} [OPTIONS] COMMAND\n" in result.stderr


@pytest.mark.parametrize("columns", [50, 80, 300])
def test_no_help_page_abbreviates_and_all_are_ascii(columns):
    for name, command in commands().items():
        page = help_page(name, columns)
        assert page.isascii(), name
        assert max(map(len, page.splitlines())) <= min(MAX_WIDTH, columns), name
        for param in command.params:
            for option in [*param.opts, *param.secondary_opts]:
                if option.startswith("-"):
                    assert re.search(rf"[ ,]{option}[ ,\n]", page), (name, option)


def test_help_names_every_value_default_and_section():
    page = help_page("bench")
    assert page.startswith("Measure how fast configs train and translate, and where the time goes.")
    assert "\nUsage: mtcli bench [OPTIONS] CONFIG...\n" in page
    assert "\nArguments:\n  CONFIG...          YAML training configs.  [required]\n" in page
    assert "\n  --steps N          Time N updates.  [default: 20]\n" in page
    assert "\n  -m, --model MODEL  Translate with this model" in page
    assert "\n  --no-profile       Skip profiling." in page
    sections = [line for line in page.splitlines() if line.endswith(":") and line[0] != " "]
    assert sections == ["Arguments:", "Options:", "Variants:", "Measurements:"]


def test_usage_names_required_options():
    assert "\nUsage: mtcli average [OPTIONS] --model RUN --output MODEL\n" in help_page("average")


def test_every_command_is_ours():
    ours = {name: isinstance(command, Command | Group) for name, command in commands().items()}
    assert all(ours.values()), ours


def test_help_imports_only_typer():
    code = (
        "import sys\n"
        "from mtcli.cli.app import main\n"
        "sys.argv = ['mtcli', '--help']\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as end:\n"
        "    assert end.code == 0, end.code\n"
        "mine = [name for name in sys.modules if name.startswith('mtcli')]\n"
        f"heavy = {HEAVY!r} & set(sys.modules)\n"
        "print('IMPORTED', sorted(mine), sorted(heavy))\n"
    )
    done = run_code(code)
    names = "app", "colour", "command", "errors", "help", "plain_params", "stderr", "usage"
    cli = ["mtcli.cli", *(f"mtcli.cli.{name}" for name in names)]
    system = ["mtcli.system", "mtcli.system.processes", "mtcli.system.threads"]
    mine = ["mtcli", *cli, "mtcli.errors", *system]
    assert done.stdout.endswith(f"IMPORTED {mine} []\n"), done.stdout + done.stderr


def test_help_of_every_command_imports_nothing_heavy():
    code = (
        "import sys\n"
        "from mtcli.cli.app import app\n"
        "from typer.testing import CliRunner\n"
        f"for name in {list(root.COMMANDS)!r}:\n"
        "    result = CliRunner().invoke(app, [name, '--help'])\n"
        "    assert result.exit_code == 0, (name, result.output)\n"
        f"    heavy = {HEAVY!r} & set(sys.modules)\n"
        "    assert not heavy, (name, heavy)\n"
    )
    done = run_code(code)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", list(root.COMMANDS))
def test_the_line_in_help_is_the_first_of_the_command(name):
    first = (root.load_command(name).help or "").split("\n\n")[0]
    assert " ".join(first.split()) == root.COMMANDS[name].line


def test_commands_do_not_offer_to_install_completion():
    params = [param.name for param in root.load_command("config").params]
    assert "install_completion" not in params
    assert "--install-completion" in runner.invoke(root.app, ["--help"]).stdout


@pytest.mark.slow
def test_help_takes_at_most_twice_what_importing_typer_takes():
    def seconds(*args: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, *args], check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start

    pairs = [
        (seconds("-c", "import typer, rich.console"), seconds("-m", "mtcli", "--help"))
        for _ in range(15)
    ]
    assert statistics.median(helped / imported for imported, helped in pairs) <= 2.0


def test_version():
    done = run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"mtcli {__version__}\n", "")


# ------------------------------------------------------------------------------------ usage errors


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ("tran", "no such command `tran`\nhint: did you mean `train` or `translate`?"),
        ("conifg", "no such command `conifg`\nhint: did you mean `config`?"),
        ("qqq", "no such command `qqq`\nhint: see `mtcli --help`"),
        ("config shwo", "no such command `shwo`\nhint: did you mean `show`?"),
        ("--verison", "`mtcli` has no option `--verison`\nhint: did you mean `--version`?"),
        ("train --sett x=1", "`mtcli train` has no option `--sett`\nhint: did you mean `--set`?"),
        ("train --x", "`mtcli train` has no option `--x`\nhint: see `mtcli train --help`"),
        ("config show", "`mtcli config show` needs `CONFIG`\nhint: see `mtcli config show --help`"),
        ("translate", "`mtcli translate` needs `--model`\nhint: see `mtcli translate --help`"),
        (
            "train a b",
            "`mtcli train` does not take the argument `b`\nhint: see `mtcli train --help`",
        ),
        ("train --set", "option `--set` needs a value\nhint: see `mtcli train --help`"),
        (
            "train --fresh=1",
            "option `--fresh` does not take a value\nhint: see `mtcli train --help`",
        ),
        (
            "bench c --steps 0",
            "`--steps` must be a whole number, at least 1, found `0`\n"
            "hint: see `mtcli bench --help`",
        ),
        (
            "tokenizer encode -m x --side z",
            "`--side` must be one of `src`, `tgt`, found `z`\n"
            "hint: see `mtcli tokenizer encode --help`",
        ),
    ],
)
def test_a_wrong_call_is_a_sentence_a_hint_and_exit_code_2(args, message):
    result = runner.invoke(root.app, args.split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"error: {message}\n"


def test_completion_lists_commands_without_importing_them():
    done = run(
        env={"_MTCLI_COMPLETE": "complete_bash", "COMP_WORDS": "mtcli tr", "COMP_CWORD": "1"}
    )
    assert done.stdout.split() == ["train", "translate"]


# ------------------------------------------------------------------------------ how a command ends


def test_a_user_error_is_one_message_and_its_exit_code(command):
    def fail() -> None:
        raise DivergedError("the loss became NaN at step 7", hint="lower `optim.lr`")

    command(fail)
    result = runner.invoke(root.app, ["demo"])
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr == "error: the loss became NaN at step 7\nhint: lower `optim.lr`\n"


def test_nested_user_errors_are_printed_once(command):
    def fail() -> None:
        with user_errors():
            raise ConfigError("1 problem in c.yaml\n  line   1  a  b")

    command(fail)
    result = runner.invoke(root.app, ["demo"])
    assert result.exit_code == 2
    assert result.stderr == "error: 1 problem in c.yaml\n  line   1  a  b\n"


def test_ctrl_c_ends_quietly(command):
    def fail() -> None:
        raise KeyboardInterrupt

    command(fail)
    result = runner.invoke(root.app, ["demo"])
    assert (result.exit_code, result.output) == (130, "")


def test_a_bug_stays_an_exception(command):
    def fail() -> None:
        raise ZeroDivisionError("oh")

    command(fail)
    result = runner.invoke(root.app, ["demo"])
    assert result.exit_code == 1
    assert isinstance(result.exception, ZeroDivisionError)


_FAKE = """
import sys, types, typer
module = types.ModuleType("mtcli.cli.demo")
module.app = typer.Typer()
sys.modules["mtcli.cli.demo"] = module
sys.argv = ["mtcli", "demo"]
from mtcli.cli.app import main
from mtcli.errors import ConfigError
@module.app.command()
def demo() -> None:
    {body}
main()
"""


def test_a_bug_keeps_its_plain_traceback():
    done = run_code(_FAKE.format(body="secret = 7; raise ZeroDivisionError('oh')"))
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback (most recent call last):\n")
    assert done.stderr.endswith("ZeroDivisionError: oh\n")
    assert "╭" not in done.stderr


def test_a_broken_pipe_that_is_not_standard_output_is_a_bug():
    body = "import os; r, w = os.pipe(); os.close(r); os.write(w, b'x')"
    done = run_code(_FAKE.format(body=body))
    assert done.returncode == 1
    assert "\nBrokenPipeError: [Errno 32] Broken pipe\n" in done.stderr
    assert done.stderr.endswith("RuntimeError: a pipe other than standard output broke\n")


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["when it ends", "while it writes"])
@pytest.mark.parametrize("args", [["config", "schema"], ["--version"]])
def test_a_reader_that_has_gone_ends_it_quietly(args, unbuffered):
    process = subprocess.Popen(
        [*MTCLI, *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
    )
    process.stdout.close()  # long before Python has started
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 141


def test_sigint_ends_it_quietly():
    body = "import os, signal; os.kill(os.getpid(), signal.SIGINT)"
    done = run_code(_FAKE.format(body=body))
    assert (done.returncode, done.stdout, done.stderr) == (128 + signal.SIGINT, "", "")


# ------------------------------------------------------------------------------------------ colour


def printed_on_a_terminal(monkeypatch, capsys) -> str:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with pytest.raises(SystemExit) as end, user_errors():
        raise ConfigError("wrong", hint="mend it")
    assert end.value.code == 2
    return capsys.readouterr().err


def test_error_is_red_on_a_terminal(monkeypatch, capsys):
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert printed_on_a_terminal(monkeypatch, capsys) == (
        "\033[31merror:\033[0m wrong\n\033[36mhint:\033[0m mend it\n"
    )


def test_no_color_is_respected(monkeypatch, capsys):
    monkeypatch.setenv("NO_COLOR", "1")
    assert printed_on_a_terminal(monkeypatch, capsys) == "error: wrong\nhint: mend it\n"


def test_no_colour_in_a_pipe(tmp_path):
    done = run("config", "show", str(tmp_path / "nope.yaml"))
    assert done.returncode == 2
    assert done.stderr == (
        f"error: cannot read the config {tmp_path / 'nope.yaml'}: No such file or directory\n"
    )
