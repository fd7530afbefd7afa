import subprocess
import sys

import pytest
from typer.testing import CliRunner

from mtcli.cli.app import app
from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer
from tests.support.closed_streams import with_closed_streams
from tests.support.tokenizers import sentences, tokenizer

CONFIG = """
src_lang: en
tgt_lang: de
run_dir: runs/x
data:
  train:
    - {{src: {folder}/train.src, tgt: {folder}/train.tgt}}
tokenizer:
  vocab_size: 320
training:
  max_steps: 1
"""


@pytest.fixture
def config(tmp_path):
    texts = sentences()
    (tmp_path / "train.src").write_text("".join(f"{text}\n" for text in texts))
    (tmp_path / "train.tgt").write_text("".join(f"{text.upper()}\n" for text in texts))
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG.format(folder=tmp_path))
    return path


def run(*arguments, input_bytes=b""):
    result = CliRunner().invoke(app, ["tokenizer", *map(str, arguments)], input=input_bytes)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def refusal(*arguments, input_bytes=b""):
    result = run(*arguments, input_bytes=input_bytes)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    return result.stderr.removeprefix("error: ").removesuffix("\n")


# --------------------------------------------------------------------------------------- train


def test_train_one_for_both_sides(config, tmp_path):
    folder = tmp_path / "new" / "folder"
    result = run("train", config, "--output-dir", folder)
    assert result.exit_code == 0, result.stderr
    assert [path.name for path in folder.iterdir()] == ["tokenizer.model"]
    lines = result.stdout.splitlines()
    assert lines[0] == f"{folder}/tokenizer.model: 320 pieces (bpe)"
    assert [line.split(":")[0] for line in lines[1:]] == [
        "source (en), first 400 sentences", "target (de), first 400 sentences",
    ]  # fmt: skip
    assert lines[1].endswith(" 0.00% unknown, 0.00% bytes, 0 changed by encoding and decoding")
    trained = SentencePieceTokenizer(folder / "tokenizer.model")
    assert trained.decode(trained.encode("ba KO")) == "ba KO"


def test_train_one_for_each_side(config, tmp_path):
    settings = [
        "tokenizer.shared=false",
        "model.tied_embeddings=none",
        "tokenizer.algorithm=unigram",
    ]
    overrides = [part for setting in settings for part in ("--set", setting)]
    result = run("train", config, "--output-dir", tmp_path / "t", *overrides)
    assert result.exit_code == 0, result.stderr
    names = ["tokenizer.src.model", "tokenizer.tgt.model"]
    assert sorted(path.name for path in (tmp_path / "t").iterdir()) == names
    src, tgt = (SentencePieceTokenizer(tmp_path / "t" / name) for name in names)
    assert result.stdout.splitlines()[:2] == [
        f"{path}: 320 pieces (unigram)" for path in (src.path, tgt.path)
    ]
    assert src.piece_to_id("b") != 1 == src.piece_to_id("B")
    assert tgt.piece_to_id("B") != 1 == tgt.piece_to_id("b")


def test_train_shows_what_does_not_come_back(config, tmp_path):
    lines = (tmp_path / "train.src").read_text().splitlines()
    lines[0] = "日"
    (tmp_path / "train.src").write_text("\n".join(lines))
    result = run(
        "train", config, "--output-dir", tmp_path / "t", "--set", "tokenizer.byte_fallback=false",
        "--set", "tokenizer.vocab_size=100", "--set", "tokenizer.character_coverage=0.999",
    )  # fmt: skip
    lines = result.stdout.splitlines()
    assert lines[1].endswith("0.00% bytes, 1 changed by encoding and decoding")
    assert lines[2] == "  1: '日' becomes ' \u2047 '"


LOSSY = ["tokenizer.tgt_normalization=nmt_nfkc", "tokenizer.normalization=nmt_nfkc"]


@pytest.mark.parametrize("setting", LOSSY)
def test_train_warns_of_targets_that_can_never_be_written(config, tmp_path, setting):
    lines = (tmp_path / "train.tgt").read_text().splitlines()
    lines[7], lines[9] = "BA，KO，", "BA\xadKO"
    (tmp_path / "train.tgt").write_text("\n".join(lines))
    lossy = run("train", config, "--output-dir", tmp_path / "a", "--set", setting)
    warnings = [line for line in lossy.stdout.splitlines() if line.startswith("warning: ")]
    assert warnings == [
        "warning: 1 of the first 400 target sentences cannot come back as they are written, because"
        " the normalization `nmt_nfkc` changes them; lost: FULLWIDTH COMMA (U+FF0C), 2 times, SOFT"
        " HYPHEN (U+00AD), 1 times; for example 'BA，KO，' becomes 'BA,KO,'; set"
        " `tokenizer.tgt_normalization: nfc` to keep them",
        "warning: 1 of the first 400 target sentences lose invisible characters only",
    ]
    kept = run("train", config, "--output-dir", tmp_path / "b")
    assert "normalization nmt_nfkc," in kept.stdout.splitlines()[1]
    assert "normalization nfc," in kept.stdout.splitlines()[2]
    assert "FULLWIDTH" not in kept.stdout
    text = "BA，KO，\n".encode()
    encoded = run("encode", "-m", tmp_path / "b", "--side", "tgt", input_bytes=text)
    assert (
        run("decode", "-m", tmp_path / "b", input_bytes=encoded.stdout_bytes).output_bytes == text
    )


def test_train_is_repeatable(config, tmp_path):
    contents = set()
    for name in ("a", "b"):
        run(
            "train", config, "--output-dir", tmp_path / name, "--set", "tokenizer.max_sentences=500"
        )
        contents.add((tmp_path / name / "tokenizer.model").read_bytes())
    assert len(contents) == 1


def test_train_writes_over_nothing(config, tmp_path):
    (tmp_path / "tokenizer.model").write_bytes(b"precious")
    assert refusal("train", config, "--output-dir", tmp_path) == (
        f"{tmp_path}/tokenizer.model already exists\n"
        "hint: remove it, or choose another `--output-dir`"
    )
    assert (tmp_path / "tokenizer.model").read_bytes() == b"precious"


def test_train_with_a_given_model(config, tmp_path):
    message = refusal("train", config, "--set", f"tokenizer.model={tmp_path}/t.model")
    assert message == (
        f"`tokenizer.model` is {tmp_path}/t.model, so there is no tokenizer to train\n"
        "hint: remove that key from the config, or set it to null"
    )


def test_train_into_a_file(config, tmp_path):
    assert refusal("train", config, "--output-dir", config) == (
        f"{config} cannot be created: File exists"
    )


def test_train_with_too_large_a_vocabulary(config, tmp_path):
    message = refusal(
        "train", config, "--output-dir", tmp_path / "t", "--set", "tokenizer.vocab_size=9000"
    )
    assert (
        f"{tmp_path}/t/tokenizer.model: `tokenizer.vocab_size` is 9000, but the training" in message
    )


def test_train_with_a_bad_config_and_bad_data(config, tmp_path):
    assert "tokenizer.vocab_siz" in refusal("train", config, "--set", "tokenizer.vocab_siz=3")
    (tmp_path / "train.tgt").write_text("one\n")
    message = refusal("train", config, "--output-dir", tmp_path / "t")
    assert "train.src has 400 lines" in message
    assert "train.tgt has 1" in message


# ----------------------------------------------------------------------------- encode and decode

INPUT = b"ba ko!\n\n \t\r\ncaf\xe9\nx\xe2\x80\xa8y\x0bz\r\nlast"


@pytest.fixture
def model():
    return tokenizer().path


@pytest.mark.parametrize("flags", [[], ["--ids"]], ids=["pieces", "ids"])
def test_one_line_out_per_line_in_and_back(model, flags):
    encoded = run("encode", "-m", model, "--side", "tgt", *flags, input_bytes=INPUT)
    assert encoded.exit_code == 0
    assert encoded.stderr == (
        "warning: 1 line had bytes that are not UTF-8, which were replaced by U+FFFD\n"
    )
    lines = encoded.stdout_bytes.split(b"\n")
    assert len(lines) == 7
    assert lines[-1] == b""
    trained = tokenizer()
    parts = trained.encode("ba ko!") if flags else trained.encode_pieces("ba ko!")
    assert lines[0].decode() == " ".join(map(str, parts))
    decoded = run("decode", "-m", model, *flags, input_bytes=encoded.stdout_bytes)
    assert decoded.stderr == ""
    texts = ["ba ko!", "", "", "caf\ufffd", "x\u2028y\x0bz", "last"]
    assert decoded.stdout_bytes.decode().split("\n")[:-1] == [*map(trained.normalize, texts)]


@pytest.mark.parametrize("command", ["encode", "decode"])
def test_a_line_without_end_is_refused_with_its_number(model, command):
    result = run(command, "-m", model, input_bytes=b"ba\n" + b"b" * 1_000_001)
    assert result.exit_code == 2
    assert "error: standard input, line 2 has more than 1,000,000 bytes\n" in result.stderr
    assert result.stdout_bytes.count(b"\n") == 1


def test_encode_says_which_lines_are_normalized_differently_as_source(model):
    text = "ba ko\nba，\nﬁ\n".encode()
    as_tgt, tgt, src = (
        run("encode", "-m", model, *flags, input_bytes=text)
        for flags in ([], ["--side", "tgt"], ["--side", "src"])
    )
    assert as_tgt.stderr == (
        "warning: 2 lines would be normalized differently as source text, such as 'ba，'\n"
        "hint: use `--side src` to encode source text\n"
    )
    assert tgt.stderr == src.stderr == ""
    assert as_tgt.stdout_bytes == tgt.stdout_bytes != src.stdout_bytes
    back = [run("decode", "-m", model, input_bytes=x.stdout_bytes).stdout for x in (tgt, src)]
    assert back == ["ba ko\nba，\nﬁ\n", "ba ko\nba,\nfi\n"]


def test_decode_reads_crlf_and_any_spaces(model):
    line = " ".join(tokenizer().encode_pieces("ba ko")).encode()
    result = run("decode", "-m", model, input_bytes=b" " + line.replace(b" ", b"  ") + b" \r\n")
    assert result.stdout == "ba ko\n"


def test_a_byte_piece_cannot_break_a_line(model):
    result = run("decode", "-m", model, input_bytes=b"<0x62> <0x0A> <0x62>\n")
    assert result.stdout_bytes == b"b b\n"


def test_two_invalid_lines(model):
    result = run("encode", "-m", model, "--side", "src", input_bytes=b"ok\n\xff\n\xff\xfe\n")
    assert result.stderr == (
        "warning: 2 lines had bytes that are not UTF-8, which were replaced by U+FFFD\n"
    )


def test_what_is_no_id(model):
    for word in ("340", "-1", "x", "1.0", "\u0663"):
        message = refusal("decode", "--ids", "-m", model, input_bytes=f"5\n4 {word}\n".encode())
        assert message == (
            f"standard input, line 2: `{word}` is not a valid id for {model}\n"
            "hint: use ids from 0 to 339, or drop `--ids` to decode pieces"
        )


def test_what_is_no_piece(model):
    assert refusal("decode", "-m", model, input_bytes=b"zzz\n") == (
        f"standard input, line 1: `zzz` is not a piece of {model}\nhint: add `--ids` to decode ids"
    )
    assert run("decode", "-m", model, input_bytes=b"<unk> </s>\n").stdout == " \u2047 \n"


def test_a_folder_holds_one_tokenizer_or_one_for_each_side(model, tmp_path):
    content = model.read_bytes()
    (tmp_path / "tokenizer.model").write_bytes(content)
    assert run("encode", "-m", tmp_path, input_bytes=b"ba\n").exit_code == 0
    (tmp_path / "tokenizer.model").unlink()
    (tmp_path / "tokenizer.src.model").write_bytes(tokenizer("unigram").path.read_bytes())
    (tmp_path / "tokenizer.tgt.model").write_bytes(content)
    assert refusal("encode", "-m", tmp_path) == (
        f"{tmp_path} has one tokenizer for each side\n"
        "hint: choose one with `--side src` or `--side tgt`"
    )
    for side, algorithm in (("src", "unigram"), ("tgt", "bpe")):
        result = run("encode", "--ids", "--side", side, "-m", tmp_path, input_bytes=b"bako\n")
        assert result.stdout == " ".join(map(str, tokenizer(algorithm).encode("bako"))) + "\n"


def test_a_run_folder_means_its_best_model(model, tmp_path):
    folder = tmp_path / "models" / "step_00000010"
    folder.mkdir(parents=True)
    (folder / "tokenizer.model").write_bytes(model.read_bytes())
    assert run("encode", "-m", tmp_path, input_bytes=b"ba\n").exit_code == 0


def test_missing_models(tmp_path):
    assert refusal("encode", "-m", tmp_path / "x") == (
        f"cannot read the tokenizer {tmp_path}/x: No such file or directory"
    )
    assert "is neither a model folder" in refusal("encode", "-m", tmp_path)


def test_a_real_pipe_line_by_line(model):
    """An answer comes before the next line is sent."""
    command = [sys.executable, "-m", "mtcli", "tokenizer", "encode", "--ids", "-m", str(model)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        for text in ("ba ko", "x\u2028y"):
            process.stdin.write(f"{text}\n".encode())
            process.stdin.flush()
            answer = process.stdout.readline().decode()
            assert answer == " ".join(map(str, tokenizer().encode(text))) + "\n"
        process.stdin.close()
        assert process.wait() == 0


def test_standard_streams_that_are_closed(model):
    for closing, sentence in (
        ("<&-", "standard input is closed\nhint: pipe text into the command"),
        (">&-", "standard output is closed\nhint: send it to a file or a pipe"),
    ):
        found = with_closed_streams(closing, "tokenizer", "encode", "-m", model)
        assert found == (2, f"error: {sentence}\n")
