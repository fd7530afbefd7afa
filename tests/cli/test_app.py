"""The root of the command line: what it lists, what it imports, how it ends."""

from __future__ import annotations

import errno
import os
import re
import shlex
import signal
import statistics
import subprocess
import sys
import time
import unicodedata
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Annotated, Any, get_args

import pytest
import sacrebleu
import typer
from typer.testing import CliRunner

from mtcli import __version__
from mtcli.cli import app as root
from mtcli.cli import choices
from mtcli.cli.command import Command, Group
from mtcli.cli.completion import explain_failures
from mtcli.cli.errors import user_errors
from mtcli.cli.help import MAX_WIDTH
from mtcli.cli.notes import note
from mtcli.errors import ConfigError, DivergedError, MtcliError
from tests.docs.test_readme import parse

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


def test_typer_has_no_annotation_of_translate_to_compile():
    """It would compile each twice, which shows in the time that one line takes."""
    root.load_command("translate")
    (info,) = sys.modules[root.COMMANDS["translate"].module].app.registered_commands
    assert len(info.callback.__annotations__) > 30
    compiled = {n: a for n, a in info.callback.__annotations__.items() if isinstance(a, str)}
    assert compiled == {"return": "None"}


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
    assert page.startswith("Measure how fast configs train and translate.\n\n")
    assert "\nUsage: mtcli bench [OPTIONS] CONFIG...\n" in page
    assert "\nArguments:\n  CONFIG...          YAML training configs.  [required]\n" in page
    assert "\n  --steps N          Time N updates.  [default: 20]\n" in page
    assert "\n  -m, --model MODEL  Translate with this model" in page
    assert "\n  --no-profile       Skip profiling." in page
    sections = [line for line in page.splitlines() if line.endswith(":") and line[0] != " "]
    assert sections == ["Arguments:", "Options:", "Variants:", "Measurements:", "Example:"]


def test_the_root_page_fits_a_terminal_of_80_by_45():
    lines = help_page(columns=80).splitlines()
    assert (len(lines) <= 45, max(map(len, lines)) <= 80) == (True, True)


def test_no_help_page_names_a_type_or_breaks_an_option():
    options = options_of_all_commands()
    for name, command in commands().items():
        page = help_page(name, 60)
        assert not re.search(r"<\w+>|\[(TEXT|INTEGER|FLOAT|PATH|BOOLEAN)\]|-\n", page), name
        assert set(re.findall(r"`(--[a-z-]+)", page)) <= options, name
        assert command.epilog, name


def options_of_all_commands() -> set[str]:
    params = [param for command in commands().values() for param in command.params]
    return {option for param in params for option in (*param.opts, *param.secondary_opts)}


def test_every_help_page_ends_with_an_example_and_its_page():
    docs = Path(__file__).parents[2] / "docs"
    for name in ["", *commands()]:
        examples, page = re.fullmatch(
            r".*\nExamples?:\n(.*)\n\nPage: docs/(\S+)", help_page(name, 200), re.DOTALL
        ).groups()
        assert (docs / page).is_file(), name
        lines = examples.replace(" \\\n", " ").splitlines()
        calls = [call for line in lines for call in line.split(" && ")]
        for call in calls:
            words = shlex.split(re.sub(r" [<>] \S+", "", call))
            assert words[0] == "mtcli", name
            parse(tuple(words[1:]))
        assert examples.startswith(f"  mtcli {name}"), name


def test_an_example_that_is_too_wide_is_continued_for_the_shell():
    page = help_page("train", 50)
    assert "\n  mtcli train configs/demo.yaml --budget 30m \\\n    --set optim.lr=1e-3\n" in page


def test_headings_and_names_are_coloured_on_a_terminal(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    page, plain = help_page("train"), re.compile(r"\033\[\d+m")
    assert "\033[36m--fresh\033[0m " in page
    monkeypatch.setenv("NO_COLOR", "1")
    assert plain.sub("", page) == help_page("train")


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
    names = (
        "app", "colour", "command", "completion", "errors", "escapes", "help", "notes",
        "plain_params", "stderr", "stdout", "usage",
    )  # fmt: skip
    cli = ["mtcli.cli", *(f"mtcli.cli.{name}" for name in names)]
    names = ("cores", "processes", "stop_signals", "threads")
    system = ["mtcli.system", *(f"mtcli.system.{name}" for name in names)]
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


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ("translate -m m --sample --top-k 0", "`--top-k` must be at least 1, found `0`"),
        ("translate -m m --threads 0", "`--threads` must be at least 1, found `0`"),
        ("translate -m m --checkpoint x", "`--checkpoint` must be one of `best`, `last`, `step_N`"),
        ("translate -m m --device x", "`--device` must be one of `auto`, `cpu`, `cuda`, `mps`, fo"),
        ("translate -m m --engine x", "`--engine` must be one of `auto`, `torch`, `ctranslate2`,"),
        ("translate -m m --precision x", "`--precision` must be one of `fp32`, `bf16`, `fp16`, f"),
        ("translate -m m --normalization x", "`--normalization` must be one of `average`, `gnmt`"),
        ("score -m m --device=x", "`--device` must be one of `auto`, `cpu`, `cuda`, `mps`, found"),
        ("export -m m --to x", "`--to` must be one of `ctranslate2`, "),
        ("export -m m --quantize x", "`--quantize` must be one of `float32`, `int8`,"),
    ],
)
def test_an_error_names_options_and_not_python_names(args, message):
    result = runner.invoke(root.app, args.split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"error: {message}")


@pytest.mark.parametrize("number", [0, 5], ids=["of the parser", "of another room"])
@pytest.mark.parametrize(
    ("args", "name"),
    [("-x {}", "-x"), ("-x{}", "-x"), ("--size {}", "--size"), ("--size={}", "--size")],
)
def test_an_error_names_an_option_as_it_was_written(args, name, number, capsys):
    app = typer.Typer()

    @app.command(cls=Command)
    def command(size: Annotated[int, typer.Option("-x", "--size", min=1)] = 1) -> None:
        raise ConfigError(f"`size` is {size}", hint="use a higher `size`")

    call = args.format(number).split()
    with pytest.raises(SystemExit), user_errors():
        typer.main.get_command(app).main(call, prog_name="mtcli", standalone_mode=False)
    assert capsys.readouterr().err == (
        f"error: `{name}` is 5\nhint: use a higher `{name}`\n"
        if number
        else f"error: `{name}` must be a whole number, at least 1, found `0`\n"
        "hint: see `mtcli --help`\n"
    )


# -------------------------------------------------------------------------------------- completion


def completions(words: str) -> list[str]:
    """What bash would offer for the last word."""
    parts = words.split(" ")
    env = {
        "_MTCLI_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(parts) - 1),
    }
    return run(env=env).stdout.split()


def test_completion_lists_commands_without_importing_them():
    assert completions("mtcli tr") == ["train", "translate"]


def test_completion_lists_keys_of_a_config():
    found = completions("mtcli train c.yaml --set schedule.")
    assert {"schedule.kind=", "schedule.warmup_steps=", "schedule.decay_ratio="} <= set(found)
    assert all(key.startswith("schedule.") for key in found)


@pytest.mark.parametrize(
    ("incomplete", "found"),
    [
        ("optim.ki", ["optim.kind="]),
        ("optim.kind=m", ["optim.kind=muon"]),
        ("model.activation=re", ["model.activation=relu"]),
        ("nothing", []),
        ("nothing=", []),
    ],
)
def test_keys_and_their_words(incomplete, found):
    assert choices.complete_key(incomplete) == found


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("mtcli translate --engine t", ["torch"]),
        ("mtcli export -m m --quantize int8", ["int8", "int8_float32"]),
        ("mtcli eval --tokenize ja", ["ja-mecab"]),
        ("mtcli translate --checkpoint l", ["last"]),
    ],
)
def test_words_of_options_are_completed(words, found):
    assert completions(words) == found


def test_the_words_of_options_are_those_of_the_other_rooms():
    from mtcli.config.schema.decoding import Normalization
    from mtcli.device.choice import DEVICES
    from mtcli.device.precision import _DTYPES
    from mtcli.engines.choice import ENGINES
    from mtcli.interchange.ctranslate2.export import QUANTIZATIONS

    assert set(choices.DEVICES) == set(DEVICES)
    assert set(choices.ENGINES) == set(ENGINES)
    assert set(choices.NORMALIZATIONS) == set(get_args(Normalization))
    assert set(choices.PRECISIONS) == {"fp32", *_DTYPES}
    assert set(choices.TOKENIZATIONS) <= set(sacrebleu.BLEU.TOKENIZERS)
    assert set(choices.QUANTIZATIONS) == set(QUANTIZATIONS)


def install_completion(home: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return run("--install-completion", env={"HOME": str(home), **env})


def test_completion_that_cannot_be_installed_is_an_error_with_another_way(tmp_path):
    home = tmp_path / "file"
    home.write_text("", encoding="utf-8")
    done = install_completion(home)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: `--install-completion` ")
    assert done.stderr.count("\n") == 2
    assert "\nhint: run " in done.stderr


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        (PermissionError(13, "Permission denied", "/h/.bashrc"),
         "failed: cannot write /h/.bashrc: Permission denied"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
         "failed: the startup file of the shell is not UTF-8"),
        (RuntimeError("Could not determine home directory."),
         "failed: this user has no home folder\nhint: set `HOME`"),
        (subprocess.CalledProcessError(1, "pwsh"), "failed: Command 'pwsh' returned non-zero"),
        (typer.Exit(1), "needs one of the shells `bash`, `zsh`, `fish`, `powershell`, and found"),
    ],
)  # fmt: skip
def test_no_failure_of_completion_is_a_traceback(failure, sentence):
    def fail(ctx, param, value):
        print("Shell None is not supported.")
        raise failure

    param = SimpleNamespace(name="show_completion", opts=["--show-completion"], callback=fail)
    explain_failures([param])
    explain_failures([param])
    with pytest.raises(MtcliError, match=re.escape(f"`--show-completion` {sentence}")) as raised:
        param.callback(None, param, True)
    assert raised.value.hint.startswith(("run ", "set "))


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


@pytest.mark.parametrize("code", [errno.EROFS, errno.EISDIR, errno.ENOTDIR, errno.ELOOP])
def test_a_path_that_is_not_what_it_must_be_is_named(capsys, code):
    with pytest.raises(SystemExit) as end, user_errors():
        raise OSError(code, os.strerror(code), "run/metrics.jsonl")
    assert end.value.code == 2
    assert capsys.readouterr().err == f"error: cannot open run/metrics.jsonl: {os.strerror(code)}\n"


# ------------------------------------------------------------------------------------------ colour


def printed_on_a_terminal(monkeypatch, capsys, sentence="wrong", hint="mend it") -> str:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with pytest.raises(SystemExit) as end, user_errors():
        raise ConfigError(sentence, hint=hint)
    assert end.value.code == 2
    return capsys.readouterr().err


def test_what_a_message_quotes_sends_no_control_characters(capsys):
    sent = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) in ("Cc", "Cs")]
    kept = "\t\n\N{ZERO WIDTH JOINER}\N{ARABIC LETTER ALEF}"
    quoted = "".join(sent) + kept
    with pytest.raises(SystemExit), user_errors():
        raise ConfigError(f"file {quoted}", hint=f"see {quoted}")
    note(f"note {quoted}")
    told = capsys.readouterr().err
    assert not {*sent} & {*told} - {*kept}
    assert told.count(r"\x1b") == told.count(r"\x9b") == told.count(r"\ud800") == 3
    assert told.count(kept) == 3


def test_error_is_red_on_a_terminal(monkeypatch, capsys):
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert printed_on_a_terminal(monkeypatch, capsys) == (
        "\033[31merror:\033[0m wrong\n\033[36mhint:\033[0m mend it\n"
    )


def test_no_word_of_an_error_is_broken_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    sentence = "1 problem in my.yaml\n  --set a.b=1  a.b   unknown key; did you mean `c`?"
    assert printed_on_a_terminal(monkeypatch, capsys, sentence, "use " + "--one-option " * 4) == (
        "error: 1 problem in my.yaml\n"
        "  --set a.b=1  a.b   unknown key; did\n"
        "    you mean `c`?\n"
        "hint: use --one-option --one-option\n"
        "  --one-option --one-option\n"
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
