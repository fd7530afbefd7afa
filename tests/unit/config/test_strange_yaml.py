"""YAML that a stranger has made: every kind of bomb ends in one sentence, and soon."""

from __future__ import annotations

import os
import threading
import time

import pytest

from mtcli.config import document, load
from mtcli.config.document import DEEPEST_YAML, LARGEST_YAML, MOST_VALUES, parse_yaml
from mtcli.config.load import load_config
from mtcli.config.problems import MOST_PROBLEMS, nearest
from mtcli.errors import ConfigError

EXPANDED = f"aliases repeat more than {MOST_VALUES} values or 2 MiB of text"


def laughs(width, depth):
    """Every line repeats the one before `width` times."""
    lines = ["a0: &a0 [x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * width)}]" for i in range(1, depth + 1)]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (laughs(10, 9), EXPANDED),
        ("a: &a " + "x" * 10_000 + "\nb: [" + "*a, " * 1_000 + "]\n", EXPANDED),
        ("a: &a {" + "x" * 1_000 + ": 1}\nb: [" + "*a, " * 3_000 + "]\n", EXPANDED),
        (laughs(1, 100), f"aliases nest more than {DEEPEST_YAML} deep"),
        ("[" * (DEEPEST_YAML + 1), f"nested more than {DEEPEST_YAML} deep"),
        ("[" * 100_000, f"nested more than {DEEPEST_YAML} deep"),
        ("- " * 100_000, f"nested more than {DEEPEST_YAML} deep"),
        ("a: " * 100_000, "mapping values are not allowed here"),
        ("x" * (LARGEST_YAML + 1), "more than 2 MiB of text"),
    ],
)
def test_bombs_are_refused(text, sentence):
    with pytest.raises(ConfigError) as caught:
        parse_yaml(text)
    assert str(caught.value).partition(": ")[2].startswith(sentence)


def test_a_graph_of_too_many_values_is_refused(monkeypatch):
    """While it is made: with the real bound, making it takes seconds."""
    monkeypatch.setattr(document, "MOST_VALUES", 100)
    assert len(parse_yaml(f"[{'1, ' * 99}]").value) == 99
    with pytest.raises(ConfigError, match=r"^line 3: more than 100 values$"):
        parse_yaml(f"a:\n- 1\n- [{'1, ' * 201}]")


def test_an_anchor_that_is_set_twice_is_no_warning():
    assert parse_yaml("[&a 1, &a 2, *a]").value == [1, 2, 2]


def test_a_device_is_not_read_to_its_end():
    with pytest.raises(ConfigError) as caught:
        load_config("/dev/zero")
    assert str(caught.value) == (
        "/dev/zero is not a config: it has more than 2 MiB\nhint: give the YAML file of the run"
    )


def test_a_pipe_is_read(tmp_path, smallest):
    """`mtcli train <(my_generator)`."""
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=[smallest])
    writer.start()
    assert load_config(tmp_path / "pipe", working_dir=tmp_path).src_lang == "de"
    writer.join()


def test_a_pipe_without_a_writer_is_refused_and_a_slow_writer_waited_for(
    tmp_path, smallest, monkeypatch
):
    monkeypatch.setattr("mtcli.system.pipes.WRITER_S", 0.05)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ConfigError) as caught:
        load_config(pipe)
    assert str(caught.value).startswith(f"no process writes into the pipe {pipe}\nhint: give the")

    is_open = threading.Event()

    def write_slowly():
        with os.fdopen(os.open(pipe, os.O_RDWR), "w") as file:  # waits for no reader
            is_open.set()
            time.sleep(0.5)
            file.write(smallest)

    writer = threading.Thread(target=write_slowly)
    writer.start()
    is_open.wait()
    assert load_config(pipe, working_dir=tmp_path).src_lang == "de"
    writer.join()


def test_many_unknown_keys_are_counted_and_the_first_described(tmp_path, smallest, monkeypatch):
    suggestions = []

    def counting(name, known):
        suggestions.append(name)
        return nearest(name, known)

    monkeypatch.setattr(load, "nearest", counting)
    monkeypatch.setattr("mtcli.config.diagnosis.nearest", counting)
    path = tmp_path / "my.yaml"
    text = smallest + "".join(f"optin{i}: 1\n" for i in range(20_000))
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    heading, *lines = str(caught.value).split("\n")
    assert heading == f"20000 problems in {path}"
    first = smallest.count("\n") + 1
    assert len(lines) == MOST_PROBLEMS + 1
    assert lines[0].split() == [
        "line", str(first), "optin0", "unknown", "key;", "did", "you", "mean", "`optim`?",
    ]  # fmt: skip
    assert lines[-1].endswith(f"{20_000 - MOST_PROBLEMS} more problems from here on")
    assert len(suggestions) <= 3 * MOST_PROBLEMS


def test_many_problems_of_other_kinds_are_counted(tmp_path, smallest):
    path = tmp_path / "my.yaml"
    path.write_text(smallest + "seed: 1\n" * 1_000, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    heading, *lines = str(caught.value).split("\n")
    assert heading == f"999 problems in {path}"
    assert len(lines) == MOST_PROBLEMS + 2
    assert lines[-1] == f"  and {999 - MOST_PROBLEMS - 1} more"


def test_long_names_and_values_are_shown_by_their_beginning(tmp_path, smallest):
    path = tmp_path / "my.yaml"
    long = "x" * 100_000
    text = f"{long}: 1\n{long}.{long}: 1\nseed: {long}\nrun_dir: [{long}]\n"
    path.write_text(smallest + text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert len(str(caught.value)) < 5_000
