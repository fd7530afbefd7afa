import json
import math
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from mtcli.bundle.card import ModelScore
from mtcli.bundle.model_folder import read_model, write_model
from mtcli.cli.app import app
from mtcli.system.packings import packing_of
from mtcli.system.text_input import open_text
from mtcli.translating.controls import without_controls
from mtcli.translating.request import PreparedRequest
from mtcli.translating.translator import Translator
from tests.support.closed_streams import with_closed_streams
from tests.support.fakes import FakeEngine, fake_translator
from tests.support.model_folder import write_tiny_model
from tests.support.tokenizers import train_on_words
from tests.support.warm import WarmProcess

INPUT = b"ralo teku minaro.\n\nsef dolu\r\npav erin kostu ralo.\n \t\ncaf\xe9\nlast one"
LONG = " ".join(["ralo teku"] * 30)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run folder with two models, the first of which is the best."""
    folder = tmp_path_factory.mktemp("translate")
    train_on_words(folder / "tokenizer.model")
    run = folder / "run"
    for seed, step in enumerate((10, 20), 1):
        write_tiny_model(run / f"models/step_{step:08d}", folder / "tokenizer.model", seed)
    (run / "best").symlink_to("models/step_00000010")
    return run


@pytest.fixture(scope="module")
def model(run):
    return run / "models/step_00000010"


def review_rows(path):
    return [row.split("\t") for row in path.read_text("utf-8").splitlines()]


def test_a_review_has_the_worst_lines_first(model, tmp_path):
    path = tmp_path / "review.tsv"
    options = ("-m", model, "--engine", "torch", "--review", path, "--worst", "50%")
    result = mtcli_translate(*options, input_bytes=INPUT)
    assert result.exit_code == 0, result.output
    assert result.stdout_bytes == mtcli_translate("-m", model, input_bytes=INPUT).stdout_bytes
    header, *rows = review_rows(path)
    assert header == ["line", "confidence", "reason", "source", "translation"]
    assert len(rows) == 3  # half of the five lines that are not blank
    records = {record["line"]: record for record in jsonl("-m", model, input_bytes=INPUT)}
    per_piece = {
        number: record["log_prob"] / (len(record["pieces"]) + ("truncated" not in record["flags"]))
        for number, record in records.items()
        if record["source"].strip()
    }
    wanted = sorted(per_piece, key=per_piece.get)[:3]
    assert [int(row[0]) for row in rows] == wanted
    assert [float(row[1]) for row in rows] == pytest.approx(
        [math.exp(per_piece[number]) for number in wanted], abs=6e-4
    )
    assert [row[4] for row in rows] == [records[number]["translation"] for number in wanted]
    assert f"{path} has 3 translations to review, least certain first" in result.stderr


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--worst", "5%"], "`--worst` needs `--review`"),
        (["--review", "r.tsv", "--worst", "0"], "`0` is not a valid number of lines for `--worst`"),
        (["--review", "r.tsv", "--resume", "-o", "out"], "`--review` does not go with `--resume`"),
        (["--review", "nowhere/r.tsv"], "the folder nowhere does not exist"),
    ],
)
def test_a_review_that_cannot_be(model, tmp_path, monkeypatch, options, sentence):
    monkeypatch.chdir(tmp_path)
    result = mtcli_translate("-m", model, *options, input_bytes=INPUT)
    assert result.exit_code == 2
    assert sentence in " ".join(result.stderr.split())
    assert list(tmp_path.iterdir()) == []


def test_the_limit_of_doubt_is_the_model_s_own(run, tmp_path):
    """From scores.json; without it, -1."""
    folder = tmp_path / "model"
    shutil.copytree(run / "models/step_00000010", folder)
    options = ("-m", folder, "--engine", "torch")
    before = jsonl(*options, input_bytes=INPUT)
    per_piece = sorted(
        record["log_prob"] / (len(record["pieces"]) + ("truncated" not in record["flags"]))
        for record in before
        if record["source"].strip()
    )
    bundle = read_model(folder)
    limit = ModelScore(
        metric="low_confidence",
        score=(per_piece[1] + per_piece[2]) / 2,
        signature="",
        split="valid",
    )
    weights = bundle.weights()
    tokenizer = {"tokenizer.model": bundle.src_tokenizer_path}
    other = tmp_path / "other"
    write_model(other, weights, bundle.card, tokenizer, bundle.generation, [limit])
    after = jsonl("-m", other, "--engine", "torch", input_bytes=INPUT)
    assert sum("low_confidence" in record["flags"] for record in after) == 2
    limits = [record for record in before if "low_confidence" in record["flags"]]
    assert len(limits) == sum(value < -1 for value in per_piece)


def jsonl(*arguments, input_bytes):
    result = mtcli_translate(*arguments, "--jsonl", "-q", input_bytes=input_bytes)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout_bytes.decode().splitlines()]


def mtcli_translate(*arguments, input_bytes=b""):
    return CliRunner().invoke(app, ["translate", *map(str, arguments)], input=input_bytes)


def test_a_line_for_every_line(model):
    result = mtcli_translate("-m", model, input_bytes=INPUT)
    assert result.exit_code == 0
    lines = result.stdout_bytes.split(b"\n")
    assert len(lines) == 7
    assert lines[1] == b""
    assert lines[2].endswith(b"\r")
    assert lines[4] == b" \t"
    expected = Translator.load(model, device="cpu").translate(
        ["ralo teku minaro.", "pav erin kostu ralo.", "caf\ufffd", "last one"]
    )
    assert [lines[i].decode() for i in (0, 3, 5, 6)] == expected


def test_files(model, tmp_path):
    (tmp_path / "in").write_bytes(INPUT)
    result = mtcli_translate(
        "-m", model, "--input", tmp_path / "in", "--output", tmp_path / "out", "-q"
    )
    assert result.exit_code == 0
    assert result.output == ""
    piped = mtcli_translate("-m", model, "-q", input_bytes=INPUT)
    assert (tmp_path / "out").read_bytes() == piped.stdout_bytes


def test_notes_go_to_standard_error(model):
    result = mtcli_translate("-m", model, input_bytes=INPUT + b"\n" + LONG.encode())
    assert [line for line in result.stderr.splitlines() if " got a translation " not in line] == [
        f"translating with {model}",
        "warning: 1 line had bytes that are not UTF-8, which were replaced by U+FFFD",
        "1 line of more than 20 pieces, longer than any training source, translated in parts",
        "warning: 1 line had characters that the model never saw in training, so that text may be"
        " missing there: c U+0063 (1 line)",
    ]
    quiet = mtcli_translate("-m", model, "--quiet", input_bytes=INPUT + b"\n" + LONG.encode())
    assert quiet.stderr == ""
    assert quiet.stdout_bytes == result.stdout_bytes


def test_options_reach_the_search(model):
    arguments = {
        "--beam-size": 2,
        "--length-penalty": 0.3,
        "--normalization": "gnmt",
        "--max-length": 5,
        "--batch-size": 1,
        "--threads": 1,
        "--device": "cpu",
        "--precision": "fp32",
    }
    flat = [item for pair in arguments.items() for item in pair]
    result = mtcli_translate("-m", model, *flat, input_bytes=b"ralo teku minaro.\nsef\n")
    expected = Translator.load(model, device="cpu").translate(
        ["ralo teku minaro.", "sef"],
        beam_size=2,
        length_penalty=0.3,
        normalization="gnmt",
        max_length=5,
    )
    assert result.stdout_bytes.decode() == "".join(f"{line}\n" for line in expected)


def test_n_best(model):
    result = mtcli_translate("-m", model, "--n-best", 2, "-q", input_bytes=b"sef dolu\n\npav\n")
    rows = [line.split(" ||| ") for line in result.stdout_bytes.decode().splitlines()]
    assert [row[0] for row in rows] == ["0", "0", "1", "2", "2"]
    best = Translator.load(model, device="cpu").translate_n_best(["sef dolu"], 2)[0]
    for row, translation in zip(rows[:2], best, strict=True):
        text = translation.text
        assert row[1:] == [text, f"logprob= {translation.log_prob:.4f}", f"{translation.score:.4f}"]


@pytest.mark.parametrize(
    ("checkpoint", "step", "which"),
    [
        ("best", 10, "the best model"),
        ("last", 20, "the last model"),
        ("step_20", 20, "a model"),
    ],
)
def test_a_run_says_which_model_it_takes(run, checkpoint, step, which):
    result = mtcli_translate("-m", run, "--checkpoint", checkpoint, input_bytes=b"sef\n")
    chosen = run / f"models/step_{step:08d}"
    assert result.stderr.splitlines()[0] == f"translating with {chosen}, {which} of {run}"
    alone = mtcli_translate("-m", chosen, input_bytes=b"sef\n")
    assert result.stdout_bytes == alone.stdout_bytes


def test_a_run_without_a_best_model_says_so(run, tmp_path):
    (tmp_path / "models").symlink_to(run / "models")
    result = mtcli_translate("-m", tmp_path, input_bytes=b"")
    assert "step_00000020, the last model (no validation found a best one yet) of" in result.stderr


def errors(*arguments):
    result = mtcli_translate(*arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr
    assert result.stdout_bytes == b""
    return result.stderr


def test_mistakes_get_one_sentence(run, model, tmp_path):
    missing = tmp_path / "missing.txt"
    assert errors("-m", model, "--input", missing) == f"error: {missing} does not exist\n"
    assert "there is no such run folder or model folder" in errors("-m", tmp_path / "no")
    assert "has no model of step 5; it has step_10, step_20" in errors(
        "-m", run, "--checkpoint", "step_5"
    )
    assert (
        "`--n-best` is 9, but a beam of 3 finds at most 3 hypotheses\nhint: set `--beam-size` to"
        in errors("-m", model, "--n-best", "9")
    )
    assert "`--beam-size` must be a whole number, at least 1, found `0`" in errors(
        "-m", model, "--beam-size", "0"
    )
    assert "`--normalization` must be one of `average`, `gnmt`, `none`, found `wu`" in errors(
        "-m", model, "--normalization", "wu"
    )
    assert "`--device` must be one of `auto`, `cpu`, `cuda`, `mps`, found `tpu`" in errors(
        "-m", model, "--device", "tpu"
    )
    assert "`--precision` must be one of `fp32`, `bf16`, `fp16`, found `fp8`" in errors(
        "-m", model, "--precision", "fp8"
    )
    assert "cannot be read: Is a directory" in errors("-m", model, "--input", tmp_path)


def test_an_output_that_cannot_be(model, tmp_path):
    source = tmp_path / "in"
    source.write_bytes(INPUT)
    assert f"cannot be written: the folder {tmp_path / 'no'} does not exist" in errors(
        "-m", model, "--output", tmp_path / "no/out"
    )
    assert "cannot be written: it is a folder" in errors("-m", model, "--output", tmp_path)
    assert "is both the input and the output\nhint: give the output another name" in errors(
        "-m", model, "--input", source, "--output", source
    )
    assert source.read_bytes() == INPUT


def test_a_mistake_does_not_empty_the_output(model, tmp_path):
    (tmp_path / "out").write_bytes(b"precious")
    errors("-m", model, "--output", tmp_path / "out", "--device", "tpu")
    assert (tmp_path / "out").read_bytes() == b"precious"


def test_standard_streams_that_are_closed(model):
    for closing, sentence in (
        ("<&-", "standard input is closed\nhint: give `--input FILE`"),
        (">&-", "standard output is closed\nhint: give `--output FILE`"),
    ):
        found = with_closed_streams(closing, "translate", "-m", model)
        assert found == (2, f"error: {sentence}\n")


@pytest.mark.parametrize("flags", [[], ["--jsonl"], ["--alignment"], ["--n-best", "1"]])
def test_a_line_without_end_is_one_line_and_is_told(model, flags):
    content = b"ralo teku\n" + b"pav erin. " * 300 + b"\nkostu\n"
    result = mtcli_translate(
        "-m", model, "--max-line-bytes", "1000", "--max-length", "3", *flags, input_bytes=content
    )
    assert result.exit_code == 0, result.stderr
    assert result.stdout_bytes.count(b"\n") == 3
    assert (
        "warning: 1 line of more than 1,000 bytes (`--max-line-bytes`), cut into parts while"
        " reading\n"
    ) in result.stderr


def test_a_full_disk_is_the_users(model):
    result = mtcli_translate("-m", model, "--output", "/dev/full", input_bytes=INPUT)
    assert result.exit_code == 2
    assert result.stderr.endswith(
        "error: translating standard input to /dev/full failed: No space left on device\n"
    )


COMMAND = [sys.executable, "-m", "mtcli", "translate", "--threads", "1", "--device", "cpu"]


def test_a_reader_that_has_seen_enough(model):
    translate = WarmProcess(
        [*COMMAND, "-m", model, "--batch-size", "1", "--beam-size", "1", "-q"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    translate.stdin.write(b"sef dolu\n" * 50)
    translate.stdin.flush()
    assert translate.stdout.readline().endswith(b"\n")
    translate.stdout.close()
    _, stderr = translate.communicate(timeout=60)
    assert stderr == b""
    assert translate.returncode == 0


def test_on_a_terminal_each_line_is_answered_at_once(model):
    ours, theirs = pty.openpty()
    with WarmProcess(
        [*COMMAND, "-m", model], stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as translate:
        os.close(theirs)
        for text in (b"sef dolu\n", b"\n", b"pav\n"):
            os.write(ours, text)
            assert translate.stdout.readline().endswith(b"\n")
        os.write(ours, b"\x04")
        stdout, stderr = translate.communicate(timeout=60)
    os.close(ours)
    assert translate.returncode == 0
    assert stdout == b""
    assert b"type lines to translate; end with Ctrl-D" in stderr


def test_mistakes_are_told_before_torch_is_imported(model, tmp_path):
    code = (
        "import sys; from mtcli.cli.app import app\n"
        "import mtcli.cli.translate\n"
        "assert not {'torch', 'numpy', 'pydantic', 'sentencepiece'} & sys.modules.keys()\n"
        "try: app(sys.argv[1:])\n"
        "finally: assert 'torch' not in sys.modules"
    )
    for arguments in (["--input", tmp_path / "no"], ["--n-best", "9"]):
        result = subprocess.run(
            [sys.executable, "-c", code, "translate", "-m", model, *arguments],
            capture_output=True,
            check=False,
        )
        assert result.returncode == 2
        assert result.stderr.startswith(b"error: ")
        assert b"Traceback" not in result.stderr


def test_help_says_what_holds_by_default():
    wide = {"COLUMNS": "160"}  # where no text is wrapped
    result = CliRunner().invoke(app, ["translate", "--help"], env=wide)
    assert result.exit_code == 0
    assert "[default: the model's]" in result.stdout
    assert "[default: standard input]" in result.stdout


def test_json_lines(model):
    result = mtcli_translate("-m", model, "--jsonl", "--n-best", 2, "-q", input_bytes=INPUT)
    assert result.exit_code == 0
    found = [json.loads(line) for line in result.stdout_bytes.decode().splitlines()]
    assert [entry["line"] for entry in found] == [1, 2, 3, 4, 5, 6, 7]
    assert list(found[0]) == [
        "line", "source", "translation", "score", "log_prob", "pieces", "n_best", "flags",
    ]  # fmt: skip
    assert found[0]["source"] == "ralo teku minaro."
    assert found[5]["source"] == "caf\ufffd"
    assert found[1]["flags"] == found[4]["flags"] == ["empty"]
    (best, second) = Translator.load(model, device="cpu").translate_n_best(
        ["ralo teku minaro."], 2
    )[0]
    assert found[0]["translation"] == best.text
    assert found[0]["log_prob"] == pytest.approx(best.log_prob, abs=1e-4)
    assert found[0]["n_best"][1]["translation"] == second.text
    assert "".join(found[0]["pieces"]).replace("\u2581", " ").strip() == best.text


@pytest.mark.parametrize(
    "mode", [[], ["--jsonl"], ["--n-best", 2]], ids=["text", "jsonl", "n-best"]
)
def test_an_interrupted_output_is_gone_on_with(model, tmp_path, mode):
    source, whole, output = tmp_path / "in", tmp_path / "whole", tmp_path / "out"
    source.write_bytes(INPUT)
    # one by one, for sums in batches of other shapes are rounded otherwise
    common = ["-m", model, "--input", source, "--batch-size", 1, *mode]
    assert mtcli_translate(*common, "--output", whole).exit_code == 0
    expected = whole.read_bytes()
    for cut in (0, 1, len(expected) // 2, len(expected) - 1, len(expected)):
        output.write_bytes(expected[:cut])
        result = mtcli_translate(*common, "--output", output, "--resume")
        assert result.exit_code == 0
        assert output.read_bytes() == expected
    output.unlink()
    result = mtcli_translate(*common, "--output", output, "--resume")
    assert output.read_bytes() == expected
    assert f"resuming {output} after 0 lines" in result.stderr


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
@pytest.mark.parametrize("mode", [[], ["--n-best", 2], ["--jsonl"]])
def test_a_packed_output_is_resumed(model, tmp_path, suffix, mode):
    def content(path):
        with open_text(path) as text:
            return text.read()

    source, whole, output = tmp_path / "in", tmp_path / f"whole{suffix}", tmp_path / f"out{suffix}"
    source.write_bytes(INPUT)
    common = ["-m", model, "--input", source, "--batch-size", 1, *mode]
    assert mtcli_translate(*common, "--output", whole).exit_code == 0
    packed = whole.read_bytes()
    assert packing_of(packed)
    assert content(whole) == mtcli_translate(*common).stdout_bytes
    for cut in (0, 8, len(packed) * 2 // 3, len(packed)):
        output.write_bytes(packed[:cut])
        result = mtcli_translate(*common, "--output", output, "--resume")
        assert result.exit_code == 0
        assert content(output) == content(whole)
    output.write_bytes(b"text from before outputs were packed\n")
    assert f"{output} is not a " in errors(*common, "--output", output, "--resume")


def test_what_cannot_be_gone_on_with_stays_as_it_is(model, tmp_path):
    source, output = tmp_path / "in", tmp_path / "out"
    source.write_bytes(b"sef\n")
    output.write_bytes(b"a\nb\nto")
    common = ["-m", model, "--input", source, "--resume"]
    assert "`--resume` cannot resume standard output\nhint: give `--output FILE`" in errors(*common)
    assert "out answers 2 lines, but the input has 1\n" in errors(*common, "--output", output)
    assert "out:2 is not the JSON object of line 2" in errors(
        *common, "--output", output, "--jsonl"
    )
    assert "out:1 is not an entry of the n-best list of line 0" in errors(
        *common, "--output", output, "--n-best", 1
    )
    assert "`--resume` needs a regular file, and /dev/null is not one" in errors(
        *common, "--output", "/dev/null"
    )
    assert output.read_bytes() == b"a\nb\nto"


def test_sentences_are_translated_one_by_one(model):
    translator = Translator.load(model, device="cpu")
    sentences = ["Ralo teku.", "Sef dolu pav."]
    result = mtcli_translate(
        "-m", model, "--split-sentences", "-q", input_bytes=" ".join(sentences).encode()
    )
    assert result.stdout_bytes.decode() == " ".join(translator.translate(sentences))


def test_doubts_are_noted(model, monkeypatch):
    engine = FakeEngine(answer=lambda ids: ids[:2] * 9, is_complete=False)

    def open_fake(prepared):
        return fake_translator(engine, changes={"retries": prepared.options.retries})

    monkeypatch.setattr(PreparedRequest, "open", open_fake)
    result = mtcli_translate("-m", model, input_bytes=b"sef dolu\n\npav\n")
    assert result.stdout_bytes == b"se" * 9 + b"\n\n" + b"pa" * 9 + b"\n"
    assert result.stderr.splitlines()[1:] == [
        "warning: 2 lines got a translation that was cut off at its longest length",
        "warning: 2 lines got a translation that repeats itself",
    ]
    assert len(engine.calls) == 2
    mtcli_translate("-m", model, "--no-retry", input_bytes=b"sef dolu\n\npav\n")
    assert len(engine.calls) == 3


def started(*arguments, **pipes):
    return WarmProcess(
        [*COMMAND, *arguments], stdin=subprocess.PIPE, stderr=subprocess.PIPE, **pipes
    )


def test_line_buffered_answers_each_line_at_once(model):
    with started("-m", model, "--line-buffered", "-q", stdout=subprocess.PIPE) as translate:
        for text, ending in ((b"sef dolu\n", b"\n"), (b"\n", b"\n"), (b"pav\r\n", b"\r\n")):
            translate.stdin.write(text)
            translate.stdin.flush()
            assert translate.stdout.readline().endswith(ending)
        stdout, stderr = translate.communicate(timeout=60)
    assert (translate.returncode, stdout, stderr) == (0, b"", b"")


def test_ctrl_c_is_quiet_and_resume_goes_on(model, tmp_path):
    output = tmp_path / "out"
    arguments = ["-m", model, "--batch-size", "2", "-q", "--output", output]
    with started(*arguments, "--line-buffered") as translate:
        translate.stdin.write(b"sef dolu\npav\n")
        translate.stdin.flush()
        while not output.exists() or output.read_bytes().count(b"\n") < 2:
            time.sleep(0.05)
            assert translate.poll() is None
        translate.send_signal(signal.SIGINT)
        _, stderr = translate.communicate(timeout=60)
    assert (translate.returncode, stderr) == (130, b"")
    before = output.read_bytes()
    result = mtcli_translate(*arguments, "--resume", input_bytes=b"sef dolu\npav\nkostu\n")
    assert result.exit_code == 0
    assert output.read_bytes().startswith(before)
    assert output.read_bytes().count(b"\n") == 3


def test_samples_depend_on_the_line_and_the_seed_alone(model):
    options = ("-m", model, "--sample", "--temperature", "2", "-q", "--no-retry")
    lines = [b"ralo teku minaro.", b"sef dolu", b"pav erin kostu ralo."]

    def drawn(given, *more):
        result = mtcli_translate(*options, *more, input_bytes=b"\n".join(given) + b"\n")
        assert result.exit_code == 0, result.output
        return result.stdout_bytes.split(b"\n")[:-1]

    together = drawn(lines, "--seed", 7)
    assert drawn(lines[::-1], "--seed", 7) == together[::-1]
    assert [drawn([line], "--seed", 7)[0] for line in lines] == together
    assert drawn(lines, "--seed", 8) != together
    assert drawn(lines, "--seed", 7, "--top-k", 1) == drawn(lines, "--seed", 8, "--top-k", 1)
    three = drawn(lines, "--n-best", 3, "--beam-size", 1)
    assert len(three) == 9


def test_no_n_gram_comes_twice(model):
    result = mtcli_translate(
        "-m", model, "--no-repeat-ngram", 1, "--jsonl", "--max-length", 30, "--no-retry", "-q",
        input_bytes=INPUT,
    )  # fmt: skip
    assert result.exit_code == 0
    pieces = [json.loads(line)["pieces"] for line in result.stdout.split("\n")[:-1]]
    assert any(len(p) > 3 for p in pieces)
    assert all(len(set(p)) == len(p) for p in pieces)


def test_options_of_sampling_need_it(model):
    assert "need `--sample`" in errors("-m", model, "--top-k", 5)
    assert "`--top-p` must be above 0" in errors("-m", model, "--sample", "--top-p", 2)
    assert "`--repetition-penalty` must be" in errors("-m", model, "--repetition-penalty", -1)


EMOJI = "ralo \U0001f606 teku.\nsef \u00df\U0001f606\U0001f606\nsef dolu\n\n".encode()
KINDS = "".join(chr(code) for code in range(0x1F600, 0x1F60F))


def test_what_the_model_never_saw_is_flagged_counted_and_named(model):
    records = jsonl("-m", model, input_bytes=EMOJI)
    assert ["unseen" in record["flags"] for record in records] == [True, True, False, False]
    for mode in ((), ("--jsonl",), ("--n-best", 2), ("--line-buffered",), ("--split-sentences",)):
        result = mtcli_translate("-m", model, *mode, input_bytes=EMOJI)
        assert (
            "warning: 2 lines had characters that the model never saw in training, so that text may"
            " be missing there: \U0001f606 U+1F606 (2 lines), \u00df U+00DF (1 line)\n"
        ) in result.stderr
        assert result.stderr.count("never saw") == 1
    assert "never saw" not in mtcli_translate("-m", model, input_bytes=b"sef dolu.\n").stderr
    assert mtcli_translate("-m", model, "-q", input_bytes=EMOJI).stderr == ""
    many = mtcli_translate("-m", model, input_bytes=f"{KINDS}\n".encode()).stderr
    assert "\U0001f609 U+1F609 (1 line) and 5 others\n" in many
    marks = mtcli_translate("-m", model, input_bytes="se\u0f39f\n".encode()).stderr
    assert "may be missing there: U+0F39 (1 line)\n" in marks


def test_what_training_saw_is_in_the_model(model, tmp_path):
    bundle = read_model(model)
    for name, seen in (("some", "ralotekusfd."), ("all", "ralotekusfd.\u00df\U0001f606")):
        card = replace(bundle.card, src_characters="".join(sorted(seen)))
        files = {"tokenizer.model": bundle.src_tokenizer_path}
        write_model(tmp_path / name, bundle.weights(), card, files, bundle.generation)
    records = jsonl("-m", tmp_path / "some", input_bytes=b"sef\npav\n")
    assert ["unseen" in record["flags"] for record in records] == [False, True]
    assert (
        "v U+0076 (1 line)" in mtcli_translate("-m", tmp_path / "some", input_bytes=b"pav\n").stderr
    )
    assert not any("unseen" in r["flags"] for r in jsonl("-m", tmp_path / "all", input_bytes=EMOJI))
    ensemble = ("-m", tmp_path / "some", "-m", tmp_path / "all", "-m", model)
    assert "unseen" in jsonl(*ensemble, input_bytes=b"\xc3\x9f\n")[0]["flags"]


def test_a_prefix_begins_the_translation_and_lines_without_one_are_as_ever(model):
    lines = b"ralo teku minaro.\tpav\nsef dolu\n\n \nralo teku minaro.\tsef dolu\r\n\tpav\n \t \n\t"
    result = mtcli_translate("-m", model, "--prefix", "-q", input_bytes=lines)
    plain = mtcli_translate("-m", model, "-q", input_bytes=b"sef dolu\n")
    assert result.exit_code == 0, result.output
    found = result.stdout_bytes.split(b"\n")
    assert len(found) == 8
    assert found[0].startswith(b"pav")
    assert found[1] == plain.stdout_bytes.rstrip(b"\n")
    assert found[2:4] == [b"", b" "]
    assert found[4].startswith(b"sef dolu")
    assert found[4].endswith(b"\r")
    assert found[5:] == [b"pav", b" \t ", b"\t"]


@pytest.mark.parametrize("mode", [(), ("--n-best", 2), ("--alignment",), ("--line-buffered",)])
@pytest.mark.parametrize("blank", ["", " ", "\u200b", "\ufeff", "\u3000 "])
def test_the_answer_to_a_blank_source_is_its_prefix(model, blank, mode):
    """Whatever makes it blank: nothing, white space, or what the tokenizer removes."""
    line = f"{blank}\tpav \u00a0caf\u00e9 \r\n".encode()
    (record,) = jsonl("-m", model, "--prefix", *mode, input_bytes=line)
    assert (record["source"], record["translation"]) == (without_controls(blank), "pav \u00a0café")
    assert (record["log_prob"], record["score"], record["flags"]) == (0, 0, [])
    assert "".join(record["pieces"]).startswith("▁pa")
    result = mtcli_translate("-m", model, "--prefix", *mode, "-q", input_bytes=line)
    (text,) = result.stdout_bytes.decode().split("\n")[:-1]
    assert text.removeprefix("0 ||| ").startswith("pav \u00a0café")


def test_the_source_in_json_has_neither_tab_nor_prefix(model):
    lines = b"sef dolu\tpav\nsef\t\tpav\nsef\n\t\n \t \n\tpav\n"
    sources = [record["source"] for record in jsonl("-m", model, "--prefix", input_bytes=lines)]
    assert sources == ["sef dolu", "sef", "sef", "", " ", ""]
    with_tabs = jsonl("-m", model, input_bytes=b"sef\tdolu\n")
    assert with_tabs[0]["source"] == "sef\tdolu"


def test_a_prefix_of_a_text_in_parts_begins_the_first(model):
    result = mtcli_translate(
        "-m", model, "--prefix", "--jsonl", "-q", input_bytes=LONG.encode() + b"\tpav sef\n"
    )
    (record,) = map(json.loads, result.stdout.splitlines())
    assert record["translation"].startswith("pav sef")
    assert record["translation"].count("pav sef") == 1
    assert "split" in record["flags"]


def links_of(field, src, tgt):
    links = [tuple(map(int, link.split("-"))) for link in field.split()]
    assert links == sorted(set(links))
    assert all(s < len(src.split()) and t < len(tgt.split()) for s, t in links)
    return links


@pytest.mark.parametrize("text", ["ralo teku minaro.", LONG])
def test_alignment(model, text):
    lines = f"{text}\n\n{text}\n".encode()
    plain = mtcli_translate("-m", model, "-q", input_bytes=lines).stdout.split("\n")
    aligned = mtcli_translate("-m", model, "--alignment", "-q", input_bytes=lines)
    assert aligned.exit_code == 0, aligned.output
    found = aligned.stdout.split("\n")
    assert found[1] == ""
    assert found[0] == found[2]
    translation, field = found[0].rsplit(" |||", 1)
    assert translation == plain[0]
    links = links_of(field, text, translation)
    assert {t for _, t in links} == set(range(len(translation.split())))  # none is left out
    jsonl = mtcli_translate(
        "-m", model, "--alignment", "--jsonl", "--n-best", 2, "--beam-size", 2, "-q",
        input_bytes=lines,
    )  # fmt: skip
    records = [json.loads(line) for line in jsonl.stdout.splitlines()]
    assert records[1]["alignment"] == ""
    for entry in records[0]["n_best"]:
        links_of(entry["alignment"], text, entry["translation"])
    n_best = mtcli_translate(
        "-m", model, "--alignment", "--n-best", 2, "--beam-size", 2, "-q", input_bytes=lines
    )
    assert all(len(line.split("|||")) == 5 for line in n_best.stdout.splitlines())


def test_an_ensemble_of_a_model_and_itself_is_the_model(run, model):
    alone = mtcli_translate("-m", model, "--jsonl", "-q", input_bytes=INPUT)
    twice = mtcli_translate("-m", model, "-m", model, "--jsonl", "-q", input_bytes=INPUT)
    for one, other in zip(alone.stdout.splitlines(), twice.stdout.splitlines(), strict=True):
        one, other = json.loads(one), json.loads(other)
        assert other.pop("score") == pytest.approx(one.pop("score"), abs=1e-5)
        assert other.pop("log_prob") == pytest.approx(one.pop("log_prob"), abs=1e-5)
        assert other == one
    both = mtcli_translate(
        "-m", model, "-m", run / "models/step_00000020", "--jsonl", input_bytes=INPUT
    )
    assert both.exit_code == 0
    assert both.stderr.count("translating with") == 2
    assert both.stdout != alone.stdout


def test_the_models_of_an_ensemble_need_one_vocabulary(model, tmp_path):
    train_on_words(
        tmp_path / "tokenizer.model", ["other", "words", "quite", "unlike", "those", "above"]
    )
    write_tiny_model(tmp_path / "other", tmp_path / "tokenizer.model", 1)
    result = mtcli_translate("-m", model, "-m", tmp_path / "other", input_bytes=INPUT)
    assert result.exit_code == 2
    assert "do not share a vocabulary" in result.stderr
