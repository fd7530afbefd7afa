"""`mtcli init`: from a user's files to a config that trains on them."""

import json
import os
import pty
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from mtcli.cli.app import app
from mtcli.config.load import load_config

LANGS = ("--src-lang", "en", "--tgt-lang", "de")
PAIRS = [(f"the dog number {i}", f"der Hund Nummer {i}") for i in range(30)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.en").write_text("".join(f"{src}\n" for src, _ in PAIRS))
    (tmp_path / "my.de").write_text("".join(f"{tgt}\n" for _, tgt in PAIRS))
    return tmp_path


def init(*arguments, **options):
    return CliRunner().invoke(app, ["init", *map(str, arguments)], **options)


def written(folder, *arguments):
    result = init(*arguments)
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    return load_config(folder / "my.yaml"), " ".join(result.stderr.split())


def refusal(*arguments):
    result = init(*arguments)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    return " ".join(result.stderr.split())


def test_two_files_give_a_config_with_the_next_command(folder):
    config, said = written(folder, "--src", "my.en", "--tgt", "my.de", *LANGS)
    (source,) = config.data.train
    assert (source.src, source.tgt) == (folder / "my.en", folder / "my.de")
    assert (config.src_lang, config.tgt_lang) == ("en", "de")
    assert config.run_dir == folder / "runs/my"
    assert "run `mtcli train my.yaml --check`" in said
    text = (folder / "my.yaml").read_text()
    first, *_ = text.splitlines()
    assert first == "# yaml-language-server: $schema=mtcli.schema.json"
    assert "preset: auto" in text
    assert len(text.splitlines()) < 20
    assert max(map(len, text.splitlines())) <= 100
    schema = json.loads((folder / "mtcli.schema.json").read_text())
    assert "data" in schema["properties"]


def test_names_that_yaml_would_misread_are_kept(folder):
    for old, new in (("my.en", "1e5"), ("my.de", "my: text #1.de")):
        (folder / old).rename(folder / new)
    config, _ = written(folder, "--src", "1e5", "--tgt", "my: text #1.de", "--src-lang", "no",
                        "--tgt-lang", "de")  # fmt: skip
    (source,) = config.data.train
    assert (source.src.name, source.tgt.name, config.src_lang) == ("1e5", "my: text #1.de", "no")


@pytest.mark.parametrize(
    ("name", "header", "columns"),
    [
        ("pairs.tsv", "", (0, 1)),
        ("pairs.csv", "english,german", (0, 1)),
        ("pairs.csv", "de,en", ("en", "de")),
        ("pairs.tsv", "id\tde-DE\ten-GB", ("en-GB", "de-DE")),
    ],
)
def test_columns_that_are_named_after_the_languages_are_found(folder, name, header, columns):
    separator = "," if name.endswith("csv") else "\t"
    order = header.split(separator) if header else ["en", "de"]
    rows = [
        separator.join(src if "en" in key else tgt if "de" in key or "ger" in key else "7"
                       for key in order)
        for src, tgt in PAIRS
    ]  # fmt: skip
    (folder / name).write_text("\n".join([header, *rows] if header else rows) + "\n")
    config, _ = written(folder, "--src", name, *LANGS)
    (source,) = config.data.train
    assert source.columns == columns


@pytest.mark.parametrize(
    ("record", "fields"),
    [
        ({"en": "a b", "de": "c d"}, ("en", "de")),
        (
            {"id": "x", "translation": {"de": "c d", "en": "a b"}},
            ("translation.en", "translation.de"),
        ),
        ({"source": "a b", "target": "c d", "note": "x"}, ("source", "target")),
    ],
)  # fmt: skip
def test_keys_of_json_lines_are_found(folder, record, fields):
    (folder / "pairs.jsonl").write_text((json.dumps(record) + "\n") * 30)
    config, _ = written(folder, "--src", "pairs.jsonl", *LANGS)
    (source,) = config.data.train
    assert (source.src_field, source.tgt_field) == fields


def test_keys_of_json_lines_that_say_nothing(folder):
    (folder / "pairs.jsonl").write_text('{"left": "a", "right": "b", "n": 3}\n' * 3)
    said = refusal("--src", "pairs.jsonl", *LANGS)
    assert "no keys of its objects are named after en and de (found `left`, `right`)" in said
    (folder / "pairs.jsonl").write_text("left\n")
    assert "pairs.jsonl does not hold JSON lines" in refusal("--src", "pairs.jsonl", *LANGS)


def test_what_is_missing_is_named_where_nobody_can_be_asked(folder):
    said = refusal("--src", "my.en", "--tgt-lang", "de")
    assert "`mtcli init` needs `--tgt` and `--src-lang`" in said
    assert "mtcli init --src my.en --tgt my.de --src-lang en --tgt-lang de" in said
    assert "needs `--src`, `--src-lang` and `--tgt-lang`" in refusal()
    assert not (folder / "my.yaml").exists()


def test_files_that_cannot_be_used_leave_no_config(folder):
    (folder / "short.de").write_text("eins\n")
    (folder / "pairs.txt").write_text("a\tb\nc\td\n")
    for arguments, sentence in (
        (("--src", "gone.en", "--tgt", "my.de"), "gone.en"),
        (("--src", "my.en", "--tgt", "short.de"), "my.en has 30 lines, but short.de has 1"),
        (("--src", "pairs.txt", "--tgt", "my.de"), "kind: tsv"),
    ):
        said = refusal(*arguments, *LANGS).replace(f"{folder}/", "")
        assert sentence in said
        assert not (folder / "my.yaml").exists()
        assert not (folder / "mtcli.schema.json").exists()


def test_a_config_is_never_written_over(folder):
    written(folder, "--src", "my.en", "--tgt", "my.de", *LANGS)
    before = (folder / "my.yaml").read_bytes()
    said = refusal("--src", "my.en", "--tgt", "my.de", *LANGS)
    assert "my.yaml already exists; nothing was written" in said
    assert (folder / "my.yaml").read_bytes() == before
    assert init("--src", "my.en", "--tgt", "my.de", *LANGS, "-o", "other.yaml").exit_code == 0
    assert load_config(folder / "other.yaml").run_dir == folder / "runs/other"


def test_three_questions_on_a_terminal(folder):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "mtcli", "init"], stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    os.write(ours, b"my.en\nmy.de\nen\nen de\n")
    said = b""
    while process.poll() is None:
        try:
            said += os.read(ours, 4096)
        except OSError:
            break
    assert process.wait(30) == 0, said
    text = said.decode()
    for question in ("File with the source text", "File with the translations", "Languages"):
        assert question in text
    assert "error: write two language tags, such as `en de`" in text
    assert load_config(folder / "my.yaml").tgt_lang == "de"
