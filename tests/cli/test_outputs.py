"""Standard streams of every encoding, and terminals of every width."""

import io
import json
import sys

import pytest
from typer.core import TyperGroup

from mtcli.cli.app import COMMANDS, load_command, main
from mtcli.config.load import load_config
from tests.support.small_run import write_run

ENCODINGS = ["utf-8", "ascii", "latin-1", "cp1251", "shift_jis"]
"""What `LANG` or PYTHONIOENCODING may ask for: none but the first can say all of the name below."""
NAME = "größe 你好 😀 №1"


def commands():
    """Every command and subcommand by its words."""
    for name in COMMANDS:
        command = load_command(name)
        yield name, command
        if isinstance(command, TyperGroup):
            for inner, subcommand in command.commands.items():
                yield f"{name} {inner}", subcommand


LEAVES = dict(commands())


class Result:
    """What a command has written."""

    def __init__(self, code, stdout, stderr):
        self.code, self.stdout, self.stderr = code, stdout, stderr


def run(monkeypatch, encoding, *arguments, stdin=b""):
    """The whole program with standard streams of that encoding, as Python opens them."""
    out, err = io.BytesIO(), io.BytesIO()
    streams = {
        "stdin": io.TextIOWrapper(io.BytesIO(stdin), encoding=encoding),
        "stdout": io.TextIOWrapper(out, encoding=encoding),
        "stderr": io.TextIOWrapper(err, encoding=encoding, errors="backslashreplace"),
    }
    with monkeypatch.context() as patch:
        for name, stream in streams.items():
            patch.setattr(sys, name, stream)
        patch.setattr(sys, "argv", ["mtcli", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        streams["stdout"].flush()
        streams["stderr"].flush()
    assert "Traceback" not in err.getvalue().decode(encoding)
    return Result(ended.value.code or 0, out.getvalue(), err.getvalue().decode(encoding))


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_a_help_page_has_every_option_whole(monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    for words, command in LEAVES.items():
        result = run(monkeypatch, "ascii", *words.split(), "--help")
        assert result.code == 0
        page = result.stdout.decode("ascii")
        assert "\\" not in page.replace(" \\\n", "\n"), words  # nothing was escaped
        names = {word.strip(",[]`") for word in page.split()}
        for param in command.params:
            assert {*param.opts, *param.secondary_opts} - {param.name} <= names, words


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run in a folder that no encoding but UTF-8 can name."""
    folder = tmp_path_factory.mktemp("outputs") / NAME
    folder.mkdir()
    write_run(folder, "training.max_steps=4", "validation.every_steps=2", "decoding.max_length=8")
    return folder


@pytest.fixture
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return folder


def test_all_that_a_run_prints(here, monkeypatch):
    model = here / "run/models/step_00000004"
    for arguments in (
        ["train", "config.yaml"],
        ["train", "config.yaml"],  # is finished
        ["average", "--model", "run", "--last", 2, "--output", f"{NAME}.averaged"],
        ["translate", "-m", model],
        ["score", "-m", model],
        ["tokenizer", "encode", "-m", model],
    ):
        stdin = b"ba\tBA\n" if arguments[0] == "score" else b"ba\n"
        result = run(monkeypatch, "ascii", *arguments, stdin=stdin)
        assert result.code == 0, result.stderr
    assert model.exists()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_is_printed_about_files(here, monkeypatch, encoding):
    (here / f"{NAME}.txt").write_text(f"{NAME}\n", encoding="utf-8")
    for arguments in (
        ["demo", f"{NAME} {encoding}"],
        ["tokenizer", "train", "config.yaml", "--output-dir", f"{NAME} {encoding}"],
        ["eval", "--hyp", f"{NAME}.txt", "--ref", f"{NAME}.txt", "--tgt-lang", "zh"],
        ["eval", "--hyp", f"{NAME}.txt", "--ref", f"{NAME}.txt", "--json"],
        ["--version"],
    ):
        result = run(monkeypatch, encoding, *arguments)
        assert result.code == 0, result.stderr
        result.stdout.decode(encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_is_printed_to_be_read_again(here, monkeypatch, tmp_path, encoding):
    overrides = ["--set", f"src_lang={NAME}", "--set", f"data.root={here}"]
    result = run(monkeypatch, encoding, "config", "show", "config.yaml", *overrides)
    assert result.code == 0, result.stderr
    (tmp_path / "shown.yaml").write_bytes(result.stdout)
    shown = load_config(tmp_path / "shown.yaml")
    assert shown == load_config("config.yaml", overrides[1::2])
    assert NAME in str(shown.run_dir)
    for command in ("template", "schema"):
        result = run(monkeypatch, encoding, "config", command)
        assert result.code == 0
        text = result.stdout.decode("utf-8")
        assert text == text.encode("ascii", "backslashreplace").decode() or encoding == "utf-8"
        if command == "schema":
            json.loads(text)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_is_wrong_is_said_in_every_encoding(here, monkeypatch, encoding):
    missing = f"{NAME}.no"
    calls = {
        "demo": [f"{NAME}.file"],
        "config show": [missing],
        "init": ["--src", missing, "--tgt", missing, "--src-lang", "en", "--tgt-lang", "de"],
        "train": [missing],
        "tokenizer train": [missing],
        "tokenizer encode": ["-m", missing],
        "tokenizer decode": ["-m", missing],
        "average": ["--model", missing, "--output", "averaged"],
        "translate": ["-m", missing],
        "export": ["-m", missing],
        "eval": ["--hyp", missing, "--ref", missing],
        "score": ["-m", missing],
        "bench": [missing],
        "runs": [missing],
        "report": [missing],
        "check": ["-m", missing],
        "explain": ["-m", missing, "-i", missing, "--html", "page.html"],
        "import": [missing, "--output", "imported"],
        "compare": [missing, missing, "--src", missing, "--ref", missing],
    }
    assert calls.keys() == LEAVES.keys() - {
        "config template", "config schema", *(name for name in COMMANDS if " " in name),
        "config", "tokenizer",
    }  # fmt: skip
    (here / f"{NAME}.file").touch()
    for words, arguments in calls.items():
        result = run(monkeypatch, encoding, *words.split(), *arguments)
        assert result.code == 2, (words, result.stderr)
        assert result.stderr.startswith("error: ") or "usage" in result.stderr.lower()
        assert result.stdout == b""


def test_a_name_that_is_not_utf_8_is_one_sentence(folder, monkeypatch, tmp_path):
    odd = tmp_path / "caf\udce9"
    odd.mkdir()
    write_run(odd)
    monkeypatch.chdir(odd)
    for command in (["train"], ["config", "show"], ["tokenizer", "train"]):
        result = run(monkeypatch, "utf-8", *command, "config.yaml")
        assert result.code == 2
        assert result.stderr == (
            f"error: the name of `{tmp_path}/caf\\udce9/run` is not UTF-8\n"
            "hint: rename that folder or file, or use another one\n"
        )
