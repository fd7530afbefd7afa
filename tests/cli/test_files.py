"""Files that are not what they seem: read right, or refused with the right word.

Each in `train`, in `train --check` and, where it can be an input, in `translate`.
"""

import gzip
import io
import json
import tarfile
import zipfile

import pytest
from typer.testing import CliRunner

from mtcli.cli.app import app
from tests.support.small_run import write_run
from tests.support.spreadsheets import write_xlsx

SRC = [f"ba ce {word}" for word in ("di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe")] * 6
TGT = [text.upper() for text in SRC]
PAIRS = list(zip(SRC, TGT, strict=True))
XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
SMALL = [
    "training.max_steps=1", "schedule.warmup_steps=1", "tokenizer.vocab_size=40",
    "validation.every_steps=1",
]  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    write_run(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lines(rows):
    return ("\n".join(rows) + "\n").encode()


def zipped(*names):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "x" * 40)
    return file.getvalue()


def tarred():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.en"))
    return file.getvalue()


def tmx():
    units = "".join(
        f'<tu><tuv xml:lang="en"><seg>{src}</seg></tuv>\n'
        f'<tuv xml:lang="de"><seg>{tgt}</seg></tuv></tu>\n'
        for src, tgt in PAIRS
    )
    return f'{XML}<tmx version="1.4"><header/><body>{units}</body></tmx>'.encode()


NOT_TEXT = {
    "TMX": (tmx(), "a TMX file"),
    "XLIFF": (f'{XML}<xliff version="1.2"><file/></xliff>'.encode(), "an XLIFF file"),
    "XML": (f"{XML}<resources/>".encode(), "an XML file"),
    "HTML": (b"<!DOCTYPE html>\n<html><body><p>ba</p></body></html>", "an HTML page"),
    "DOCX": (zipped("[Content_Types].xml", "word/document.xml"), "a DOCX document"),
    "XLSX": (zipped("[Content_Types].xml", "xl/workbook.xml"), "an XLSX file"),
    "PDF": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "a PDF file"),
    "zip": (zipped("a.en"), "a zip file"),
    "tar": (tarred(), "a tar archive"),
    "binary": (b"\x7fELF\x02\x01\x01" + bytes(200), "a binary file"),
    "UTF-16": ("\n".join(SRC).encode("utf-16"), "in UTF-16"),
    "UTF-16 without a mark": ("\n".join(SRC).encode("utf-16-le"), "in UTF-16LE"),
}


def train(*settings, check):
    arguments = ["train", "config.yaml", *(f"--set={setting}" for setting in (*SMALL, *settings))]
    result = CliRunner().invoke(app, [*arguments, "--check" if check else "--fresh"])
    assert "Traceback" not in result.output
    return result.exit_code, " ".join((result.stdout + result.stderr).split())


def refused(word, *settings):
    """Both refuse with the word, and nothing is left of a run."""
    for check in (True, False):
        code, output = train(*settings, check=check)
        assert code == 2, output
        assert word in output
        assert "hint: " in output


def is_read(source, num_pairs=len(PAIRS), *words):
    """Both read that many pairs, and the words are among what they print."""
    for check in (True, False):
        code, output = train(f"data.train=[{source}]", check=check)
        assert code == 0, output
        assert f"{num_pairs} training pairs of" in output or f"pairs: {num_pairs} of" in output
        for word in words:
            assert word in output


@pytest.mark.parametrize("name", NOT_TEXT)
def test_what_is_not_text_is_refused_by_name_in_training(folder, name):
    content, word = NOT_TEXT[name]
    (folder / "train.en").write_bytes(content)
    refused(word)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A tiny run."""
    folder = tmp_path_factory.mktemp("model")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = CliRunner().invoke(app, ["train", str(write_run(folder, *SMALL))])
    assert result.exit_code == 0, result.output
    return folder / "run"


@pytest.mark.parametrize("name", NOT_TEXT)
def test_what_is_not_text_is_refused_by_name_in_translating(model, folder, name):
    content, word = NOT_TEXT[name]
    (folder / "input").write_bytes(content)
    arguments = ["translate", "-m", str(model), "--engine", "torch", "--device", "cpu"]
    by_name = CliRunner().invoke(app, [*arguments, "--input", "input"])
    by_pipe = CliRunner().invoke(app, arguments, input=content)
    for result in (by_name, by_pipe):
        assert result.exit_code == 2, result.output
        assert word in result.stderr
        assert "hint: " in result.stderr
        assert result.stdout == ""


@pytest.mark.parametrize(
    "content",
    [gzip.compress(lines(SRC[:3])), "\ufeffba\nce\nfo\n".encode()],
    ids=["gzip", "mark"],  # packed bytes hold the time, which differs between processes of pytest
)
def test_packed_text_under_another_name_and_a_mark_are_read(model, folder, content):
    (folder / "input.txt").write_bytes(content)
    arguments = ["translate", "-m", str(model), "--engine", "torch", "--device", "cpu"]
    result = CliRunner().invoke(app, [*arguments, "--input", "input.txt"])
    assert result.exit_code == 0, result.output
    assert result.stdout.count("\n") == 3


def test_an_empty_file_is_refused_in_training_and_translates_to_nothing(model, folder):
    (folder / "empty").touch()
    code, output = train("data.train=[{kind: tsv, path: empty}]", check=True)
    assert code == 2
    assert "the corpus is empty" in output
    arguments = ["translate", "-m", str(model), "--engine", "torch", "--device", "cpu"]
    result = CliRunner().invoke(app, [*arguments, "--input", "empty"])
    assert (result.exit_code, result.stdout) == (0, "")


def test_gzip_under_another_name_is_read(folder):
    for name, texts in (("a.en", SRC), ("a.de", TGT)):
        (folder / name).write_bytes(gzip.compress(lines(texts)))
    is_read("{src: a.en, tgt: a.de}")


def test_other_encodings_are_read_where_they_are_named(folder):
    for name, texts in (("a.en", SRC), ("a.de", TGT)):
        (folder / name).write_bytes(("\r\n".join(texts) + "\r\n").encode("utf-16"))
    refused("in UTF-16", "data.train=[{src: a.en, tgt: a.de}]")
    is_read("{src: a.en, tgt: a.de, encoding: utf-16}")
    for name, texts in (("a.en", SRC), ("a.de", TGT)):
        (folder / name).write_bytes(
            lines([f"{text} é" for text in texts]).decode().encode("cp1252")
        )
    refused("which is not UTF-8", "data.train=[{src: a.en, tgt: a.de}]")
    is_read("{src: a.en, tgt: a.de, encoding: windows-1252}")


def test_the_same_file_on_both_sides_is_refused(folder):
    refused("is both the source and the target", "data.train=[{src: train.en, tgt: train.en}]")
    (folder / "copy.en").write_bytes((folder / "train.en").read_bytes())
    refused("hold the same text", "data.train=[{src: train.en, tgt: copy.en}]")
    refused(
        "column `0` is both",
        "data.train=[{kind: tsv, path: train.en, src_column: 0, tgt_column: 0}]",
    )
    code, _ = train("data.train=[{src: train.en, tgt: train.en}]", "tgt_lang=en", check=True)
    assert code == 0


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (lines(map("\t".join, PAIRS)), "with tabs between them"),
        (lines(json.dumps({"a": src}) for src in SRC), "holds JSON lines"),
        ("\r".join(SRC).encode(), "carriage returns (CR) and no line feed"),
    ],
)
def test_tables_and_json_are_no_sentences(folder, content, word):
    (folder / "train.en").write_bytes(content)
    refused(word)


def write_table(folder, name, rows):
    (folder / name).write_bytes(lines(rows))


def test_a_header_row_is_not_a_pair(folder):
    write_table(folder, "a.tsv", ["source\ttarget", *map("\t".join, PAIRS)])
    is_read("{path: a.tsv}", len(PAIRS), "is read as a header")


def test_quoted_fields(folder):
    write_table(folder, "a.tsv", [f'"{src}"\t"{tgt}"' for src, tgt in PAIRS])
    is_read("{path: a.tsv}", len(PAIRS), "fields are in quotes, which are removed")


def test_semicolons(folder):
    write_table(folder, "a.csv", ["en;de", *map(";".join, PAIRS)])
    is_read("{path: a.csv, src_column: en, tgt_column: de}", len(PAIRS), "by a semicolon")
    write_table(folder, "a.tsv", map(";".join, PAIRS))
    refused('set `delimiter: ";"`', "data.train=[{path: a.tsv}]")


def test_ragged_rows(folder):
    rows = [*map("\t".join, PAIRS), "a\tb\tc", "", "d"]
    write_table(folder, "a.tsv", rows)
    refused(
        "has 2 bad lines: line 61 has 3 columns, but line 1 has 2", "data.train=[{path: a.tsv}]"
    )
    is_read(
        "{path: a.tsv, bad_lines: drop}", len(PAIRS), "dropped 2 bad lines; line 61", "2 bad_line"
    )


def test_one_column(folder):
    write_table(folder, "a.tsv", SRC)
    refused("`tgt_column` is 1, but it has 1 column", "data.train=[{path: a.tsv}]")


def test_json_with_other_keys(folder):
    write_table(folder, "a.jsonl", (json.dumps({"en": src, "de": tgt}) for src, tgt in PAIRS))
    source = "{path: a.jsonl, src_field: src, tgt_field: tgt}"
    refused("`src_field` is `src`, but the keys are en, de", f"data.train=[{source}]")
    is_read("{path: a.jsonl, src_field: en, tgt_field: de}")


def test_tmx_and_xlsx_are_read(folder):
    (folder / "a.tmx").write_bytes(tmx())
    is_read("{path: a.tmx}")
    pytest.importorskip("python_calamine")
    write_xlsx(folder / "a.xlsx", {"Sheet1": PAIRS})
    is_read("{path: a.xlsx}")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (lines(["ba\tBA"] * 3), "holds 2 columns with tabs between them"),
        (lines(['{"a": "ba"}'] * 3), "holds JSON lines"),
    ],
)
def test_translating_whole_lines_of_a_table_is_warned_of(model, folder, content, what):
    (folder / "input").write_bytes(content)
    arguments = ["translate", "-m", str(model), "--engine", "torch", "--device", "cpu"]
    result = CliRunner().invoke(app, [*arguments, "--input", "input"])
    assert result.exit_code == 0, result.output
    assert result.stdout.count("\n") == 3
    assert f"warning: input {what}; each line is translated as a whole" in result.stderr
