"""`~` and `$NAME` at the start of a path stand for folders."""

from pathlib import Path

import pytest

from mtcli.errors import ConfigError
from mtcli.system.user_paths import cache_folder, expanded, expanded_argument


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("PLACE", "/scratch")
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.delenv("MISSING", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "~nobody2").touch()
    (tmp_path / "a$MISSING").touch()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("~", "/home/me"),
        ("~/runs/a", "/home/me/runs/a"),
        ("$HOME/a", "/home/me/a"),
        ("${HOME}/a", "/home/me/a"),
        ("/data/$HOME", "/data//home/me"),
        ("runs/job-${PLACE}x", "runs/job-/scratchx"),
        ("~root/x", str(Path("~root/x").expanduser())),
        ("a~b", "a~b"),
        ("a/~", "a/~"),
        ("costs $5", "costs $5"),
        ("a$", "a$"),
        ("~nobody2", "~nobody2"),
        ("a$MISSING", "a$MISSING"),
        (".", "."),
    ],
)
def test_what_a_path_of_a_config_means(typed, meant, tmp_path):
    assert expanded(Path(typed), tmp_path) == Path(meant)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (
            "~nosuchuser/a",
            "`~nosuchuser/a` starts with the home folder of `nosuchuser`, and there is no such user"
            "\nhint: write `~/` for your own home folder, or write the folder itself",
        ),
        (
            "$MISSING/a",
            "`$MISSING/a` names the environment variable `MISSING`, which is not set"
            "\nhint: set `MISSING`, or write the folder itself",
        ),
        ("/a/b-${EMPTY}", "`/a/b-${EMPTY}` names the environment variable `EMPTY`, which is empty"),
    ],
)
def test_what_a_path_cannot_mean(typed, sentence, tmp_path):
    with pytest.raises(ConfigError) as caught:
        expanded(Path(typed), tmp_path)
    assert str(caught.value).startswith(sentence)


def test_nobody_knows_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", lambda uid: {}[uid])
    with pytest.raises(ConfigError) as caught:
        expanded(Path("~/a"), tmp_path)
    assert str(caught.value) == (
        "`~/a` starts with `~`, but this user has no home folder\n"
        "hint: set `HOME`, or write the folder itself"
    )


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("~/a", "/home/me/a"),
        ("$PLACE/a", "/scratch/a"),
        ("~root", str(Path("~root").expanduser())),
        ("~lock.de", "~lock.de"),
        ("a $HOME.txt", "a $HOME.txt"),
        ("$MISSING.txt", "$MISSING.txt"),
        ("-", "-"),
    ],
)
def test_what_a_path_of_the_command_line_means(typed, meant):
    assert expanded_argument(Path(typed)) == Path(meant)


@pytest.mark.parametrize("typed", ["~nosuchuser/a", "$MISSING/a", "${MISSING}"])
def test_what_a_path_of_the_command_line_cannot_mean(typed):
    with pytest.raises(ConfigError):
        expanded_argument(Path(typed))


def test_the_cache_is_where_the_xdg_specification_says(tmp_path, monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder() is None  # there is no /home/me
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache/mtcli"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # is to be ignored
    assert cache_folder() == tmp_path / ".cache/mtcli"
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/me")
    assert cache_folder() == Path("/var/cache/me/mtcli")
