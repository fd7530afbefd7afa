"""The root of the command line: what it lists, what it imports, how it ends."""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from types import ModuleType

import pytest
import typer
from typer.testing import CliRunner

from mtcli import __version__
from mtcli.cli import app as root
from mtcli.cli.errors import user_errors
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


def plain(text: str) -> str:
    """The text without colours, which Rich adds on GitHub's machines even in a pipe."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


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


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_lists_every_command_with_its_line(flag):
    result = runner.invoke(root.app, [flag], env={"COLUMNS": "120", "TERMINAL_WIDTH": "120"})
    assert result.exit_code == 0
    for name, (_, line) in root.COMMANDS.items():
        assert name in plain(result.stdout)
        assert line in plain(result.stdout)


def test_without_a_command_help_is_shown():
    result = runner.invoke(root.app, [])
    assert result.exit_code == 2
    assert "Usage:" in plain(result.output)
    assert "tokenizer" in plain(result.output)


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
    cli = ["mtcli.cli", "mtcli.cli.app", "mtcli.cli.errors", "mtcli.cli.plain_params"]
    system = ["mtcli.system", "mtcli.system.processes"]
    mine = ["mtcli", *cli, "mtcli.cli.stderr", "mtcli.errors", *system]
    assert done.stdout.endswith(f"IMPORTED {mine} []\n"), done.stdout + done.stderr


def test_help_of_every_command_imports_nothing_heavy():
    there = [n for n, (module, _) in root.COMMANDS.items() if importlib.util.find_spec(module)]
    assert "config" in there
    code = (
        "import sys\n"
        "from mtcli.cli.app import app\n"
        "from typer.testing import CliRunner\n"
        f"for name in {there!r}:\n"
        "    result = CliRunner().invoke(app, [name, '--help'])\n"
        "    assert result.exit_code == 0, (name, result.output)\n"
        # Typer 0.29 converts the arguments of a command with pydantic, whatever we do
        f"    heavy = {HEAVY - {'pydantic'}!r} & set(sys.modules)\n"
        "    assert not heavy, (name, heavy)\n"
    )
    done = run_code(code)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", list(root.COMMANDS))
def test_the_line_in_help_is_the_first_of_the_command(name):
    module, line = root.COMMANDS[name]
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not written yet")
    first = (root.load_command(name).help or "").split("\n\n")[0]
    assert " ".join(first.split()) == line


def test_commands_do_not_offer_to_install_completion():
    params = [param.name for param in root.load_command("config").params]
    assert "install_completion" not in params
    assert "--install-completion" in plain(runner.invoke(root.app, ["--help"]).stdout)


@pytest.mark.slow
def test_help_takes_at_most_2_2_times_what_importing_typer_takes():
    def seconds(*args: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, *args], check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start

    pairs = [
        (seconds("-c", "import typer, rich.console"), seconds("-m", "mtcli", "--help"))
        for _ in range(15)
    ]
    assert statistics.median(helped / imported for imported, helped in pairs) <= 2.2


def test_version():
    done = run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"mtcli {__version__}\n", "")


# ------------------------------------------------------------------------------------ usage errors


@pytest.mark.parametrize(
    ("args", "messages"),
    [
        (["tran"], ["No such command 'tran'", "Did you mean 'train'"]),
        (["conifg"], ["No such command 'conifg'", "Did you mean 'config'"]),
        (["qqq"], ["No such command 'qqq'"]),
        (["config", "shwo"], ["No such command 'shwo'", "Did you mean 'show'"]),
        (["--verison"], ["No such option", "--version"]),
        (["config", "show"], ["Missing argument 'FILE'"]),
    ],
)
def test_a_wrong_call_is_one_message_and_exit_code_2(args, messages):
    result = runner.invoke(root.app, args)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert all(message in plain(result.stderr) for message in messages)
    assert "Traceback" not in result.stderr


def test_completion_lists_commands_without_importing_them():
    done = run(
        env={"_MTCLI_COMPLETE": "complete_bash", "COMP_WORDS": "mtcli tr", "COMP_CWORD": "1"}
    )
    assert done.stdout.split() == ["train", "translate"]


# ------------------------------------------------------------------------------ how a command ends


def test_a_user_error_is_one_message_and_its_exit_code(command):
    def fail() -> None:
        raise DivergedError("the loss became NaN at step 7")

    command(fail)
    result = runner.invoke(root.app, ["demo"])
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr == "error: the loss became NaN at step 7\n"


def test_nested_user_errors_are_printed_once(command):
    def fail() -> None:
        with user_errors():
            raise ConfigError("c.yaml: 1 problem(s)\n  line   1  a  b")

    command(fail)
    result = runner.invoke(root.app, ["demo"])
    assert result.exit_code == 2
    assert result.stderr == "error: c.yaml: 1 problem(s)\n  line   1  a  b\n"


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
    assert done.stderr.endswith("RuntimeError: a pipe broke that is not standard output\n")


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
        raise ConfigError("wrong")
    assert end.value.code == 2
    return capsys.readouterr().err


def test_error_is_red_on_a_terminal(monkeypatch, capsys):
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert printed_on_a_terminal(monkeypatch, capsys) == "\033[31merror:\033[0m wrong\n"


def test_no_color_is_respected(monkeypatch, capsys):
    monkeypatch.setenv("NO_COLOR", "1")
    assert printed_on_a_terminal(monkeypatch, capsys) == "error: wrong\n"


def test_no_colour_in_a_pipe(tmp_path):
    done = run("config", "show", str(tmp_path / "nope.yaml"))
    assert done.returncode == 2
    assert done.stderr == (
        f"error: cannot read the config {tmp_path / 'nope.yaml'}: No such file or directory\n"
    )
