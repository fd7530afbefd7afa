"""Every command that reads text, against every packing and encoding of it."""

import random
import re
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from mtcli.cli.app import app
from mtcli.system.packings import packing_of
from mtcli.system.text_input import open_text
from mtcli.translating.request import PreparedRequest
from tests.support.closed_streams import with_closed_streams
from tests.support.fakes import fake_translator
from tests.support.model_folder import write_tiny_model
from tests.support.packings import ENCODINGS, PACKINGS
from tests.support.small_run import write_run
from tests.support.tokenizers import WORDS, train_on_words

PACKAGE = Path(__file__).parents[2] / "mtcli"
GENERATOR = random.Random(0)


def words(num_words):
    return " ".join(GENERATOR.choice(WORDS) for _ in range(num_words))


SRC = "".join(f"{words(3)}\n" for _ in range(60))
TGT = "".join(f"{words(3)}\n" for _ in range(60))
TSV = "".join(
    f"{src}\t{tgt}\n" for src, tgt in zip(SRC.split("\n")[:-1], TGT.split("\n")[:-1], strict=True)
)
IDS = "".join(f"{GENERATOR.randint(4, 99)} {GENERATOR.randint(4, 99)}\n" for _ in range(60))
LONG = 6
"""How many times as long the text is that is cut off."""


class Way(NamedTuple):
    """A way in which a command reads text."""

    arguments: Callable[[Path, Path], list[str | Path]]
    """Its arguments, given the file of the text and a folder with everything else."""
    text: str
    streams: bool = False
    """Whether it answers line by line."""
    is_piped: bool = False
    """Whether it reads the text from standard input."""


def _compared(folder):
    return "--src", folder / "src", "--ref", folder / "tgt", "--metric", "ter"


WAYS = {
    "translate": Way(lambda _, d: ["translate", "-qm", d / "model"], SRC, True, True),
    "translate --input": Way(
        lambda file, d: ["translate", "-qm", d / "model", "--input", file], SRC, True
    ),
    "translate --line-buffered": Way(
        lambda _, d: ["translate", "-qm", d / "model", "--line-buffered"], SRC, True, True
    ),
    "score": Way(lambda _, d: ["score", "-qm", d / "model"], TSV, True, True),
    "score --tsv": Way(lambda file, d: ["score", "-qm", d / "model", "--tsv", file], TSV, True),
    "score --src": Way(
        lambda file, d: ["score", "-qm", d / "model", "--src", file, "--tgt", d / "tgt"], SRC, True
    ),
    "score --tgt": Way(
        lambda file, d: ["score", "-qm", d / "model", "--src", d / "src", "--tgt", file], TGT, True
    ),
    "tokenizer encode": Way(
        lambda _, d: ["tokenizer", "encode", "-m", d / "model"], SRC, True, True
    ),
    "tokenizer decode": Way(
        lambda _, d: ["tokenizer", "decode", "--ids", "-m", d / "model"], IDS, True, True
    ),
    "eval --hyp": Way(lambda file, d: ["eval", "--hyp", file, "--ref", d / "tgt"], SRC),
    "eval --hyp -": Way(
        lambda _, d: ["eval", "--hyp", "-", "--ref", d / "tgt"], SRC, is_piped=True
    ),
    "eval --ref -": Way(
        lambda _, d: ["eval", "--hyp", d / "src", "--ref", "-"], TGT, is_piped=True
    ),
    "eval --src -": Way(
        lambda _, d: ["eval", "-m", d / "model", "--src", "-", "--ref", d / "tgt"],
        SRC,
        is_piped=True,
    ),
    "eval --ref": Way(lambda file, d: ["eval", "--hyp", d / "src", "--ref", file], TGT),
    "eval --src": Way(
        lambda file, d: ["eval", "-m", d / "model", "--src", file, "--ref", d / "tgt"], SRC
    ),
    "compare FILE": Way(
        lambda file, d: ["compare", d / "tgt", file, *_compared(d)], SRC
    ),
    "compare -": Way(
        lambda _, d: ["compare", d / "tgt", "-", *_compared(d)],
        SRC,
        is_piped=True,
    ),
    "compare --train": Way(
        lambda file, d: [
            "compare", d / "tgt", d / "src", *_compared(d), "--train", file
        ],
        SRC,
    ),
    "tokenizer train": Way(
        lambda file, d: [
            "tokenizer", "train", d / "config.yaml", "--output-dir", d / "trained",
            "--set", f"data.train=[{{src: {file}, tgt: {d / 'tgt'}}}]",
            "--set", "tokenizer.vocab_size=40",
        ],
        SRC,
    ),
    "tokenizer train of tsv": Way(
        lambda file, d: [
            "tokenizer", "train", d / "config.yaml", "--output-dir", d / "trained",
            "--set", f"data.train=[{{kind: tsv, path: {file}, src_column: 0, tgt_column: 1}}]",
            "--set", "tokenizer.vocab_size=40",
        ],
        TSV,
    ),
    **{
        f"tokenizer train of {kind}": Way(
            lambda file, d, kind=kind: [
                "tokenizer", "train", d / "config.yaml", "--output-dir", d / "trained",
                "--set", f"data.train=[{{kind: {kind}, path: {file},"
                " src_field: src, tgt_field: tgt}]",
                "--set", "tokenizer.vocab_size=40",
            ],
            text,
        )
        for kind, text in (
            ("csv", "src,tgt\n" + TSV.replace("\t", ",")),
            ("jsonl", re.sub("(.*)\t(.*)", r'{"src": "\1", "tgt": "\2"}', TSV)),
        )
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    train_on_words(folder / "tokenizer.model")
    write_tiny_model(folder / "model", folder / "tokenizer.model")
    write_run(folder)
    return folder


@pytest.fixture(autouse=True)
def fast(monkeypatch):
    """Translations that take no time; what is read matters here."""
    monkeypatch.setattr(PreparedRequest, "open", lambda _: fake_translator())


def run(way, folder, content, num_times=1):
    """What a command does with text of these bytes; its other files are so many times as long."""
    file = folder / "text"
    file.write_bytes(content)
    (folder / "src").write_text(SRC * num_times)
    (folder / "tgt").write_text(TGT * num_times)
    rmtree(folder / "trained", ignore_errors=True)
    result = CliRunner().invoke(
        app, list(map(str, way.arguments(file, folder))), input=content if way.is_piped else b""
    )
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    name = "standard input" if way.is_piped else str(file)
    return result, name


@pytest.fixture(scope="module")
def answers():
    """What the commands answer to plain text."""
    return {}


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("name", WAYS)
def test_packed_text_is_unpacked(folder, answers, name, packing):
    way = WAYS[name]
    if name not in answers:
        plain, _ = run(way, folder, way.text.encode())
        assert plain.exit_code == 0, plain.stderr
        answers[name] = plain.stdout_bytes
    result, _ = run(way, folder, PACKINGS[packing](way.text.encode()))
    assert result.exit_code == 0, result.stderr
    assert result.stdout_bytes == answers[name]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", WAYS)
def test_other_encodings_are_refused_by_name(folder, name, encoding):
    way = WAYS[name]
    content = way.text.encode(ENCODINGS[encoding])
    packings = [*PACKINGS.values()]
    pack = packings[[*ENCODINGS].index(encoding) % len(packings)]
    for data in (content, pack(content)):
        result, where = run(way, folder, data)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert result.stderr.splitlines()[-2] == f"error: {where} is in {encoding}, not UTF-8"
        hint = result.stderr.splitlines()[-1]
        assert hint.startswith(f"hint: convert it with `iconv -f {encoding} -t UTF-8`")


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("name", WAYS)
def test_packed_text_that_is_cut_off(folder, name, packing):
    """Exit code 2, after every complete line was answered."""
    way = WAYS[name]
    # a member for each half, because bzip2 unpacks nothing of half a block
    content = way.text.encode() * LONG
    half = content[: len(content) // 2]
    packed = PACKINGS[packing](half) + PACKINGS[packing](content[len(half) :])[:40]
    result, where = run(way, folder, packed, LONG)
    assert result.exit_code == 2
    match = re.search(
        rf"error: {re.escape(where)}: damaged {packing} data after line (\d+) \(it is cut off\)\n"
        "hint: get the file again, or pack it again\n$",
        result.stderr,
    )
    assert match, result.stderr
    assert int(match[1]) >= half.count(b"\n") > 150
    num_answers = int(match[1]) if way.streams else 0
    assert result.stdout_bytes.count(b"\n") == num_answers


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
def test_an_output_of_eval_is_packed_as_its_name_says(folder, suffix):
    output = folder / f"translations{suffix}"
    way = WAYS["eval --src"]
    way = way._replace(
        arguments=lambda file, d: [*WAYS["eval --src"].arguments(file, d), "--output", output]
    )
    result, _ = run(way, folder, SRC.encode())
    assert result.exit_code == 0, result.stderr
    with open_text(output) as text:
        assert packing_of(output.read_bytes())
        assert text.read() == SRC.encode()


def test_a_closed_standard_input_is_no_traceback():
    for arguments in (["init"], ["translate", "-m", "x"], ["score", "-m", "x"]):
        code, stderr = with_closed_streams("<&-", *arguments)
        assert (code, "Traceback" in stderr) == (2, False)


def test_no_other_module_reads_standard_input():
    """A command that reads it otherwise would have to be taught all of the above again."""
    readers = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if re.search(r"\bstdin\b(?!=)", path.read_text(encoding="utf-8"))
    }
    assert readers == {"cli/streams.py"}
