"""The progress bars of commands that take seconds."""

import io
import os
import re
import sys
import threading
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from mtcli.cli import bars
from mtcli.cli.app import app
from mtcli.cli.bars import Bar, progress_bar
from tests.support.model_folder import write_tiny_model
from tests.support.small_run import write_run
from tests.support.tokenizers import train_on_words

LINES = "ralo teku minaro.\nsef dolu\npav erin kostu ralo.\n"


@pytest.fixture
def terminal(monkeypatch):
    """Standard error as a terminal of 80 columns, with a clock that moves by a second a look."""
    monkeypatch.setattr(bars, "_can_erase", lambda: True)
    size = os.terminal_size((80, 24))
    monkeypatch.setattr(bars, "shutil", SimpleNamespace(get_terminal_size=lambda: size))
    clock = SimpleNamespace(now=0.0)

    def monotonic():
        clock.now += 1.0
        return clock.now

    monkeypatch.setattr(bars, "time", SimpleNamespace(monotonic=monotonic))


class Utf8(io.StringIO):
    encoding = "utf-8"


def drawn_by(use, monkeypatch, stream=None):
    """Everything that a bar writes; each drawing replaces the one before."""
    stream = stream or Utf8()
    monkeypatch.setattr(sys, "stderr", stream)
    with progress_bar("working", "lines") as bar:
        use(bar)
    monkeypatch.undo()
    return stream.getvalue().split("\r\033[K")[1:]


def test_a_bar_says_what_is_done_of_how_much_and_what_is_left(terminal, monkeypatch):
    def use(bar):
        bar.move(250, 1000)
        bar.move(1234, None)

    first, quarter, unknown, erased = drawn_by(use, monkeypatch)
    assert (first, erased) == ("working", "")
    assert re.fullmatch(r"working  ━{10}─{29}  250 of 1,000 lines  0:\d\d left", quarter)
    assert len(quarter) == 79
    assert re.fullmatch(r"working  1,234 lines  0:\d\d", unknown)


def test_a_terminal_that_is_not_utf_8_gets_ascii(terminal, monkeypatch):
    stream = io.StringIO()
    assert all(text.isascii() for text in drawn_by(lambda bar: bar.move(1, 2), monkeypatch, stream))
    assert "#-" in stream.getvalue()


def test_another_task_of_the_command_has_another_label(terminal, monkeypatch):
    drawn = drawn_by(lambda bar: bar.begin("validating", "sentences")(3, 9), monkeypatch)
    assert drawn[1] == "validating"
    assert drawn[2].startswith("validating  ━")
    assert "3 of 9 sentences" in drawn[2]


def test_a_bar_is_drawn_a_few_times_a_second(monkeypatch):
    monkeypatch.setattr(bars, "_can_erase", lambda: True)
    drawn = drawn_by(lambda bar: [bar.move(n, 10**5) for n in range(10**5)], monkeypatch)
    assert len(drawn) < 20


def test_a_bar_needs_a_terminal_and_starts_no_thread(capsys):
    before = threading.active_count()
    with progress_bar("working", "lines") as bar:
        bar.move(1, 2)
        assert threading.active_count() == before
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("text", "number"), [("a\nb\n", 2), ("a\nb", 2), ("", 0), ("\n\n", 2), (None, None)]
)
def test_lines_of_a_file_are_counted(text, number, tmp_path):
    path = tmp_path / "text"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    bar = Bar("working", "lines", is_shown=True)
    bar.expect_lines(path)
    assert bar._expected == number


# -------------------------------------------------------------------------------- every command


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run folder with two models, a config and texts."""
    folder = tmp_path_factory.mktemp("bars")
    train_on_words(folder / "tokenizer.model")
    for seed, step in enumerate((10, 20), 1):
        path = folder / f"run/models/step_{step:08d}"
        write_tiny_model(path, folder / "tokenizer.model", seed)
    (folder / "text").write_text(LINES, encoding="utf-8")
    (folder / "run/config.yaml").write_bytes(write_run(folder).read_bytes())
    return folder


@pytest.mark.parametrize(
    ("args", "first", "count"),
    [
        ("translate -m run/models/step_00000010 -i text -o out", "translating", "of 3 lines"),
        ("score -m run/models/step_00000010 --src text --tgt text", "scoring", "3 of 3 pairs"),
        ("eval -m run/models/step_00000010 --src text --ref text", "translating", "3 of 3 sent"),
        ("export -m run/models/step_00000010 --threshold 0 --output ct2 --verify-on text",
         "exporting", "3 of 3 lines"),
        ("average -m run --steps 10,20 --output mean", "reading", "2 of 2 models"),
        ("tokenizer train config.yaml --output-dir tokenizer", "training the tokenizer",
         "200 pairs read"),
        ("tokenizer encode -m tokenizer.model", "encoding", "100 lines"),
    ],
)  # fmt: skip
def test_a_command_shows_how_far_it_is(args, first, count, folder, terminal, monkeypatch):
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(app, args.split(), input=LINES * 40)
    assert result.exit_code == 0, result.output
    drawn = result.stderr.split("\r\033[K")
    assert any(text.startswith(first) for text in drawn[1:])
    assert any(count in text for text in drawn), drawn


@pytest.mark.parametrize("args", ["-q -i text -o out", ""], ids=["quiet", "standard input"])
def test_no_bar_where_nobody_wants_one(args, folder, terminal, monkeypatch):
    monkeypatch.chdir(folder)
    model = "run/models/step_00000010"
    result = CliRunner().invoke(app, ["translate", "-m", model, *args.split()], input=LINES)
    assert result.exit_code == 0, result.output
    assert "\r" not in result.stderr
