import math
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from mtcli.cli.app import app
from mtcli.translating.scoring import PairScorer
from tests.support.closed_streams import with_closed_streams
from tests.support.model_folder import write_tiny_model
from tests.support.tokenizers import train_on_words

PAIRS = [
    ("ralo teku minaro.", "sef dolu"),
    ("", ""),
    ("pav", ""),
    ("", "erin"),
    (" ".join(["ralo teku"] * 30), "sef"),
    ("kostu", "caf\xe9 \u2028 ralo"),
]
TSV = "".join(f"{src}\t{tgt}\n" for src, tgt in PAIRS).encode()


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("score")
    train_on_words(folder / "tokenizer.model")
    (folder / "other.model").write_bytes((folder / "tokenizer.model").read_bytes() + b"\x9a\x06\0")
    write_tiny_model(folder / "a", folder / "tokenizer.model", 1)
    write_tiny_model(folder / "b", folder / "tokenizer.model", 2)
    write_tiny_model(folder / "c", folder / "other.model", 3)
    return folder


def mtcli_score(*arguments, input_bytes=b""):
    return CliRunner().invoke(app, ["score", *map(str, arguments)], input=input_bytes)


def numbers(result):
    assert result.exit_code == 0, result.stderr
    return [[float(x) for x in line.split()] for line in result.stdout_bytes.split(b"\n")[:-1]]


def test_a_number_for_every_pair(folders):
    found = numbers(mtcli_score("-m", folders / "a", "-q", input_bytes=TSV))
    expected = PairScorer.load(folders / "a", device="cpu").score(PAIRS)
    assert [len(line) for line in found] == [1] * 6
    assert [x for (x,) in found] == pytest.approx([s.log_prob for s in expected], abs=1e-6)
    assert found[1] == [0.0]
    assert found[4] == [-math.inf]
    assert all(x < 0 for i in (0, 2, 3, 5) for x in found[i])


def test_files_are_as_standard_input(folders, tmp_path):
    (tmp_path / "pairs.tsv").write_bytes(TSV)
    for column, name in enumerate(("src", "tgt")):
        text = "".join(f"{pair[column]}\n" for pair in PAIRS)
        (tmp_path / name).write_bytes(text.encode())
    piped = mtcli_score("-m", folders / "a", "-q", input_bytes=TSV)
    tsv = mtcli_score("-m", folders / "a", "-q", "--tsv", tmp_path / "pairs.tsv")
    files = mtcli_score(
        "-m", folders / "a", "-q", "--src", tmp_path / "src", "--tgt", tmp_path / "tgt"
    )
    assert piped.exit_code == tsv.exit_code == files.exit_code == 0
    assert piped.stdout_bytes == tsv.stdout_bytes == files.stdout_bytes


def test_per_token(folders):
    whole = numbers(mtcli_score("-m", folders / "a", "-q", input_bytes=TSV))
    each = numbers(mtcli_score("-m", folders / "a", "-q", "--per-token", input_bytes=TSV))
    for (total,), line in zip(whole, each, strict=True):
        assert sum(line) == pytest.approx(total, abs=1e-5) or total == line[0] == -math.inf
    tokenizer = PairScorer.load(folders / "a", device="cpu")._model.tgt_tokenizer
    assert len(each[0]) == len(tokenizer.encode("sef dolu")) + 1
    assert [len(each[i]) for i in (1, 2, 4)] == [1, 1, 1]


def test_options(folders):
    plain = numbers(mtcli_score("-m", folders / "a", "-q", input_bytes=TSV))
    options = ["--batch-size", 1, "--device", "cpu", "--threads", 1]
    same = numbers(mtcli_score("-m", folders / "a", "-q", *options, input_bytes=TSV))
    for (x,), (y,) in zip(plain, same, strict=True):
        assert x == pytest.approx(y, abs=1e-4)
    rough = numbers(mtcli_score("-m", folders / "a", "--precision", "bf16", input_bytes=TSV))
    assert rough != plain
    assert rough[0] == pytest.approx(plain[0], rel=0.05)


def test_an_ensemble(folders):
    alone = [
        numbers(mtcli_score("-m", folders / name, "-q", "--per-token", input_bytes=TSV))
        for name in "ab"
    ]
    both = numbers(
        mtcli_score("-m", folders / "a", "-m", folders / "b", "-q", "--per-token", input_bytes=TSV)
    )
    for got, one, other in zip(both, *alone, strict=True):
        want = [
            max(x, y) + math.log((1 + math.exp(-abs(x - y))) / 2) if x > -math.inf else x
            for x, y in zip(one, other, strict=True)
        ]
        assert got == pytest.approx(want, abs=1e-4)


def test_notes_go_to_standard_error(folders):
    result = mtcli_score("-m", folders / "a", input_bytes=TSV + b"caf\xe9\tpav\n")
    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        "warning: 1 pair had bytes that are not UTF-8, which were replaced by U+FFFD",
        "warning: 1 pair got -inf because a side has more than 39 pieces, the most that the model"
        " takes",
    ]


def errors(*arguments, input_bytes=b""):
    result = mtcli_score(*arguments, input_bytes=input_bytes)
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr
    return result.stderr


def test_mistakes_get_one_sentence(folders, tmp_path):
    model, missing = folders / "a", tmp_path / "missing.txt"
    (tmp_path / "src").write_bytes(b"ralo\nteku\n")
    (tmp_path / "tgt").write_bytes(b"sef\n")
    assert errors("-m", model, "--tsv", missing) == f"error: {missing} does not exist\n"
    assert "`--src` and `--tgt` need each other" in errors("-m", model, "--src", missing)
    assert "`--tsv` holds both sides of the pairs" in errors(
        "-m", model, "--src", missing, "--tgt", missing, "--tsv", missing
    )
    assert "cannot be read: Is a directory" in errors("-m", model, "--tsv", tmp_path)
    assert f"{tmp_path / 'src'} has 2 lines, but {tmp_path / 'tgt'} has 1" in errors(
        "-m", model, "--src", tmp_path / "src", "--tgt", tmp_path / "tgt"
    )
    assert "standard input, line 2 has 1 column" in errors(
        "-m", model, input_bytes=b"ralo\tteku\nsef\n"
    )
    assert "cannot form an ensemble" in errors("-m", model, "-m", folders / "c")
    assert "there is no such run folder or model folder" in errors("-m", tmp_path / "no")
    assert "`--device` must be one of `auto`, `cpu`, `cuda`, `mps`, found `tpu`" in errors(
        "-m", model, "--device", "tpu"
    )


def test_mistakes_are_told_before_torch_is_imported(folders, tmp_path):
    code = (
        "import sys; from mtcli.cli.app import app\n"
        "import mtcli.cli.score\n"
        "assert not {'torch', 'numpy', 'pydantic', 'sentencepiece'} & sys.modules.keys()\n"
        "try: app(sys.argv[1:])\n"
        "finally: assert 'torch' not in sys.modules"
    )
    for arguments in (["--tsv", tmp_path / "no"], ["-m", folders / "c"]):
        result = subprocess.run(
            [sys.executable, "-c", code, "score", "-m", folders / "a", *arguments],
            capture_output=True,
            check=False,
        )
        assert result.returncode == 2
        assert result.stderr.startswith(b"error: ")
        assert b"Traceback" not in result.stderr


def test_standard_streams_that_are_closed(folders):
    for closing, sentence in (
        (
            "<&-",
            "standard input is closed\nhint: give `--tsv FILE`, or `--src FILE` and `--tgt FILE`",
        ),
        (">&-", "standard output is closed\nhint: send it to a file or a pipe"),
    ):
        found = with_closed_streams(closing, "score", "-m", folders / "a")
        assert found == (2, f"error: {sentence}\n")
