import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mtcli.cli.app import app
from mtcli.cli.scored_texts import read_texts
from mtcli.errors import DataError
from mtcli.evaluation.metrics import bleu, evaluate
from tests.support import warm
from tests.support.model_folder import write_tiny_model
from tests.support.tokenizers import train_on_words

HYPOTHESES = ["The miller counts his sacks.", "Rain falls, she says.", "Ba ko\u2028ba\x85ko."]
REFERENCES = ["The miller counted his sacks.", "rain falls, he says.", "Ba ko\u2028ba\x85ko."]


def run(*arguments):
    result = CliRunner().invoke(app, ["eval", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def refusal(*arguments):
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert result.stdout == ""
    return result.stderr.removeprefix("error: ").removesuffix("\n")


def write(path, texts):
    path.write_bytes("".join(f"{text}\n" for text in texts).encode())
    return path


@pytest.fixture
def hyp(tmp_path):
    return write(tmp_path / "hyp.txt", HYPOTHESES)


@pytest.fixture
def ref(tmp_path):
    return write(tmp_path / "ref.txt", REFERENCES)


def test_text(hyp, ref):
    result = run("--hyp", hyp, "--ref", ref)
    assert result.exit_code == 0
    expected = evaluate(HYPOTHESES, REFERENCES, tgt_lang="en", with_interval=True)
    assert result.stdout.splitlines() == [
        f"{score.metric} {score.score:.2f} [{score.low:.2f}, {score.high:.2f}]  {score.signature}"
        for score in expected
    ]
    assert [score.metric for score in expected] == ["BLEU", "chrF"]
    assert result.stderr == ""


def test_text_without_intervals(hyp, ref):
    score = bleu(HYPOTHESES, REFERENCES, tgt_lang="en")
    result = run("--hyp", hyp, "--ref", ref, "--no-interval", "--metric", "bleu")
    assert result.stdout == f"BLEU {score.score:.2f}  {score.signature}\n"


def test_metrics_come_in_the_order_that_was_asked_for_and_once(hyp, ref):
    names = ["TER", "chrf++", "bleu", "ter"]
    result = run("--hyp", hyp, "--ref", ref, *(w for name in names for w in ("--metric", name)))
    assert [line.split(" ")[0] for line in result.stdout.splitlines()] == ["TER", "chrF++", "BLEU"]


def test_an_unknown_metric(hyp, ref):
    names = "`bleu`, `chrf`, `chrf++`, `ter`, `accuracy`, `exact_match`, `rouge-1`, `rouge-2`"
    assert refusal("--hyp", hyp, "--ref", ref, "--metric", "blue") == (
        f"`blue` is not a metric\nhint: did you mean `bleu`? use one of: {names}, `rouge-l`,"
        " `comet` or `command:...`"
    )
    assert refusal("--hyp", hyp, "--ref", ref, "--metric", "x") == (
        f"`x` is not a metric\nhint: use one of: {names}, `rouge-l`, `comet` or `command:...`"
    )


def test_metrics_of_short_outputs(tmp_path):
    hyp = write(tmp_path / "hyp", ["Sport", "news ", "no idea", "politics."])
    ref = write(tmp_path / "ref", ["sport", "news", "weather", "politics"])
    names = "accuracy", "exact-match", "rougeL"
    result = run("--hyp", hyp, "--ref", ref, *(w for name in names for w in ("--metric", name)))
    assert result.stderr == ""
    assert [line.split(" ")[:2] for line in result.stdout.splitlines()] == [
        ["accuracy", "25.00"], ["exact_match", "75.00"], ["ROUGE-L", "75.00"],
    ]  # fmt: skip
    lower = run("--hyp", hyp, "--ref", ref, "--metric", "accuracy", "--lowercase", "--no-interval")
    assert lower.stdout.startswith("accuracy 50.00  nrefs:1|case:lc|space:strip|version:mtcli-")


def test_warnings_about_words_need_bleu(tmp_path):
    ref = write(tmp_path / "ref", ["狗在跑。", "我们去公园。"])
    assert run("--hyp", ref, "--ref", ref, "--metric", "chrf").stderr == ""
    assert run("--hyp", ref, "--ref", ref, "--metric", "chrf", "--tgt-lang", "th").stderr == ""


def test_json_and_sacrebleu_s_command_line(hyp, ref):
    scores = json.loads(run("--hyp", hyp, "--ref", ref, "--json").stdout)
    command = [
        sys.executable, "-W", "ignore", "-m", "sacrebleu", ref, "-i", hyp, "-m", "bleu", "chrf",
        "--width", "6", "--confidence",
    ]  # fmt: skip
    theirs = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert [score["metric"] for score in scores] == ["BLEU", "chrF"]
    assert [round(score["score"], 6) for score in scores] == [score["score"] for score in theirs]
    assert [score["signature"] for score in scores] == [score["signature"] for score in theirs]
    for our, their in zip(scores, theirs, strict=True):
        assert set(our) == {"metric", "score", "signature", "low", "high"}
        low = their["confidence_mean"] - their["confidence_var"]
        assert our["low"] == pytest.approx(max(low, 0), abs=2e-6)


def test_options(hyp, ref):
    def signatures(*options):
        scores = json.loads(run("--hyp", hyp, "--ref", ref, "--json", *options).stdout)
        return [score["signature"] for score in scores]

    assert "|case:lc|" in signatures("--lowercase")[0]
    assert "|case:lc|" in signatures("--lowercase")[1]
    assert "|tok:intl|" in signatures("--tokenize", "intl")[0]
    assert "|tok:zh|" in signatures("--tgt-lang", "zh-Hant")[0]
    assert "|tok:13a|" in signatures("--tgt-lang", "zh", "--tokenize", "13a")[0]


def test_carriage_returns_and_a_missing_last_newline_change_nothing(hyp, ref, tmp_path):
    plain = run("--hyp", hyp, "--ref", ref).stdout
    windows = tmp_path / "windows.txt"
    windows.write_bytes(hyp.read_bytes().replace(b"\n", b"\r\n").removesuffix(b"\r\n"))
    assert run("--hyp", windows, "--ref", ref).stdout == plain


def test_line_counts_that_differ(hyp, tmp_path):
    short = write(tmp_path / "short.txt", REFERENCES[:2])
    assert refusal("--hyp", hyp, "--ref", short) == (
        f"{hyp} has 3 lines, but {short} has 2\n"
        "hint: line N of one file must belong to line N of the other"
    )


def test_an_empty_reference(hyp, tmp_path):
    empty = write(tmp_path / "empty.txt", [])
    assert refusal("--hyp", hyp, "--ref", empty) == (
        f"{empty} is empty: there is nothing to score against"
    )


def test_files_that_cannot_be_read(hyp, ref, tmp_path):
    assert refusal("--hyp", hyp, "--ref", tmp_path / "x") == f"{tmp_path}/x does not exist"
    ref.write_bytes(b"ok\n\xff\n")
    message = refusal("--hyp", hyp, "--ref", ref)
    assert f"{ref}, line 2: byte 1 is 0xff, which is not UTF-8" in message


@pytest.mark.parametrize("option", ["--hyp", "--model", "--src"])
def test_what_is_given_twice_is_refused(hyp, ref, option):
    again = ["--hyp", hyp, "--ref", ref, option, ref, option, ref]
    assert refusal(*again).startswith(f"`{option}` takes one value here, found `")


def test_several_references_and_sacrebleu_s_command_line(hyp, ref, tmp_path):
    other = write(tmp_path / "other.txt", ["His sacks, the miller counts.", "", "Ba ko."])
    options = ["--hyp", hyp, "--ref", ref, "--ref", other]
    scores = json.loads(run(*options, "--json", "--no-interval").stdout)
    command = [
        sys.executable, "-W", "ignore", "-m", "sacrebleu", ref, other, "-i", hyp,
        "-m", "bleu", "chrf", "--width", "6",
    ]  # fmt: skip
    theirs = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert [set(score) for score in scores] == [{"metric", "score", "signature"}] * 2
    assert [round(score["score"], 6) for score in scores] == [score["score"] for score in theirs]
    assert [score["signature"] for score in scores] == [score["signature"] for score in theirs]
    assert run(*options).stdout.startswith("BLEU ")
    assert "  nrefs:2|bs:1000|seed:12345|case:mixed|" in run(*options).stdout


@pytest.mark.parametrize("number", [1, 2])
def test_every_reference_must_have_as_many_lines(hyp, ref, tmp_path, number):
    short = write(tmp_path / "short.txt", REFERENCES[:2])
    refs = [ref, ref]
    refs.insert(number, short)
    assert refusal("--hyp", hyp, *(option for path in refs for option in ("--ref", path))) == (
        f"{hyp} has 3 lines, but {short} has 2\n"
        "hint: line N of one file must belong to line N of the other"
    )


# ------------------------------------------------------------------------------- standard input


def piped(data, *arguments, returncode=0):
    """The outputs of the command with these bytes on standard input."""
    command = [sys.executable, "-m", "mtcli", "eval", *map(str, arguments)]
    result = warm.run(command, input=data, capture_output=True)
    assert result.returncode == returncode, result.stderr
    return result.stdout.decode(), result.stderr.decode()


@pytest.mark.parametrize("option", ["--hyp", "--ref"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_standard_input_is_read_like_a_file(hyp, ref, option, pack):
    """Unlike in sacreBLEU's command, where a lone CR ends a line and a tab a system."""
    files = {"--hyp": hyp, "--ref": ref}
    data = files[option].read_bytes().replace(b"she", b"sh\te").replace(b"sacks", b"sa\rcks")
    files[option].write_bytes(data)
    options = [word for pair in files.items() for word in pair]
    expected = run(*options).stdout
    options[options.index(files[option])] = "-"
    assert piped(pack(data), *options) == (expected, "")


def test_standard_input_that_cannot_be_scored(hyp, ref):
    hint = "hint: line N of one file must belong to line N of the other"
    for data in (b"", b"a\n"):
        _, error = piped(data, "--hyp", "-", "--ref", ref, returncode=2)
        number = data.count(b"\n")
        assert error == f"error: standard input has {number} lines, but {ref} has 3\n{hint}\n"
    _, error = piped(b"ok\n\xff\n", "--hyp", "-", "--ref", ref, returncode=2)
    assert "standard input, line 2: byte 1 is 0xff, which is not UTF-8" in error
    _, error = piped("a\n".encode("utf-16"), "--hyp", "-", "--ref", ref, returncode=2)
    assert "standard input is in UTF-16, not UTF-8" in error
    _, error = piped(b"", "--hyp", hyp, "--ref", "-", returncode=2)
    assert error == "error: standard input is empty: there is nothing to score against\n"


def test_standard_input_is_one_text(hyp, ref):
    hint = "hint: give one of them a file"
    for options, named in (
        (["--hyp", "-", "--ref", "-"], "`--hyp` and `--ref`"),
        (["--hyp", hyp, "--ref", "-", "--ref", "-"], "`--ref` and `--ref`"),
        (["-m", hyp, "--src", "-", "--ref", ref, "--ref", "-"], "`--src` and `--ref`"),
    ):
        assert refusal(*options) == f"{named} cannot both be `-`, standard input\n{hint}"


def test_closed_standard_input(ref, monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(DataError, match=r"^standard input is closed\nhint: give `--hyp FILE`$"):
        read_texts(Path("-"), "--hyp")


# ------------------------------------------------------------------------------------- scoring


def test_scores_that_cannot_be_written(hyp, ref):
    command = [sys.executable, "-m", "mtcli", "eval", "--hyp", hyp, "--ref", ref]
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert result.returncode == 2
    assert result.stderr == b"error: cannot write the output: No space left on device\n"


def test_what_to_score_must_be_clear(hyp, ref, tmp_path):
    hint = "use `--hyp` to score a file, or `--model` and `--src` to translate and score"
    message = f"there is nothing to score\nhint: {hint}"
    assert refusal("--ref", ref) == message
    assert refusal("--ref", ref, "-m", tmp_path) == message
    assert refusal("--ref", ref, "--src", hyp) == message
    assert refusal("--hyp", hyp) == (
        "there is nothing to score against\nhint: add `--ref FILE` or `--test-set NAME`"
    )
    for option in ("--model", "--output"):
        assert refusal("--hyp", hyp, "--ref", ref, option, tmp_path / "x") == (
            f"`{option}` cannot be combined with `--hyp`\nhint: {hint}"
        )


def test_an_unknown_tokenisation(hyp, ref):
    message = refusal("--hyp", hyp, "--ref", ref, "--tokenize", "13b")
    assert message.startswith("sacreBLEU has no tokenization `13b`\nhint: use one of: 13a, char, ")


def test_a_country_instead_of_a_language(hyp, ref):
    assert refusal("--hyp", hyp, "--ref", ref, "--tgt-lang", "jp") == (
        "`--tgt-lang jp` is a country code, not a language\nhint: use `ja`"
    )


def test_how_words_are_counted_is_said(hyp, ref, monkeypatch):
    thai = run("--hyp", hyp, "--ref", ref, "--tgt-lang", "tha_Thai")
    assert "|tok:char|" in thai.stdout
    assert thai.stderr == (
        "note: BLEU counts characters (tokenization `char`): `tha_Thai` is written without spaces"
        " between words; `--tokenize` chooses another tokenization\n"
    )
    monkeypatch.setattr("mtcli.evaluation.tokenization.find_spec", lambda _: None)
    korean = run("--hyp", hyp, "--ref", ref, "--tgt-lang", "ko")
    assert "|tok:13a|" in korean.stdout
    assert korean.stderr == (
        "warning: BLEU of `ko` counts words between spaces (tokenization `13a`): the library of"
        " `ko-mecab` is not installed; `pip install 'sacrebleu[ko]'` brings it; `--tokenize`"
        " chooses another tokenization\n"
    )
    named = run("--hyp", hyp, "--ref", ref, "--tgt-lang", "th", "--tokenize", "intl")
    assert named.stderr == ""


def test_a_reference_without_spaces(tmp_path):
    ref = tmp_path / "ref.txt"
    ref.write_text("狗在跑。\n我们去公园。\n", encoding="utf-8")
    blind = run("--hyp", ref, "--ref", ref)
    assert blind.stderr == (
        f"warning: {ref} has no spaces between words: 2 of 2 lines, for example line 1, `狗在跑。`;"
        " BLEU would take whole sentences for words\n"
        "hint: use `--tgt-lang` with its language, `zh` or `ja`\n"
    )
    told = run("--hyp", ref, "--ref", ref, "--tgt-lang", "zh")
    assert told.stderr == ""
    assert told.stdout.startswith("BLEU 100.00")
    ref.write_text("ꦏꦸꦕꦶꦁ\n", encoding="utf-8")
    assert "\nhint: use `--tokenize char`\n" in run("--hyp", ref, "--ref", ref).stderr


def test_tokenised_text(hyp, tmp_path):
    ref = write(tmp_path / "ref.tok", ["the miller , he counts .", "rain falls .", "ba ko ."])
    warning = (
        "warning: {} looks tokenised: 3 of 3 lines, for example line 1, `the miller , he counts .`;"
        " BLEU and mtcli tokenise text themselves, so only scores on plain text are comparable\n"
        "hint: use `--tokenize none` to score it as it is\n"
    )
    for options in ([], ["--tgt-lang", "de"], ["--tgt-lang", "zh"]):
        assert run("--hyp", hyp, "--ref", ref, *options).stderr == warning.format(ref)
    assert run("--hyp", hyp, "--ref", ref, "--tokenize", "none").stderr == ""
    assert run("--hyp", ref, "--ref", hyp).stderr == warning.format(ref)
    both = run("--hyp", ref, "--ref", hyp, "--ref", ref).stderr
    assert both == 2 * warning.format(ref)


def test_escaped_text(hyp, tmp_path):
    ref = write(tmp_path / "ref.html", ["The miller", "Rain &lt;falls&gt;", "It&#39;s ba ko here"])
    assert run("--hyp", hyp, "--ref", ref).stderr == (
        f"warning: {ref} looks tokenised: 1 of 3 lines, for example line 2, `Rain &lt;falls&gt;`;"
        " BLEU and mtcli tokenise text themselves, so only scores on plain text are comparable\n"
        "hint: use `--tokenize none` to score it as it is\n"
        f"warning: {ref} has escaped characters: 2 of 3 lines, for example line 2,"
        " `Rain &lt;falls&gt;`; `&lt;` is text, not `<`\n"
        "hint: unescape it, for example with Python's `html.unescape`\n"
    )


def test_blank_lines(hyp, ref, tmp_path):
    blank = write(tmp_path / "blank", [REFERENCES[0], "", " "])
    hint = "hint: complete it, or remove these lines from all files\n"
    end = "these match nothing, so scores are too low\n" + hint
    assert run("--hyp", hyp, "--ref", ref, "--ref", blank).stderr == (
        f"warning: {blank} has blank lines: 2 of 3 lines, for example line 2, beside"
        f" `{HYPOTHESES[1]}`; {end}"
    )
    assert run("--hyp", blank, "--ref", ref).stderr == (
        f"warning: {blank} has blank lines: 2 of 3 lines, for example line 2, beside"
        f" `{REFERENCES[1]}`; {end}"
    )
    assert run("--hyp", blank, "--ref", blank).stderr == ""


def test_bleu_of_one_word_lines(tmp_path):
    ref = write(tmp_path / "labels", ["sport", "news", "no idea"])
    result = run("--hyp", ref, "--ref", ref)
    assert result.stdout.startswith("BLEU 0.00 ")
    assert result.stderr == (
        f"warning: BLEU is 0.00 whatever the translations are: no line of {ref} has four words as"
        " BLEU counts them, for example line 1, `sport`\n"
        "hint: use `--metric accuracy`, `exact_match` or `rouge-l`, or read chrF\n"
    )
    assert run("--hyp", ref, "--ref", ref, "--tokenize", "char").stderr == ""


# ------------------------------------------------------------------------------------ with a model

SOURCES = ["ralo teku minaro.", "", "sef dolu", "pav erin kostu ralo."]


@pytest.fixture(scope="module")
def trained_run(tmp_path_factory):
    """A run folder with two models, the first of which is the best."""
    folder = tmp_path_factory.mktemp("eval")
    train_on_words(folder / "tokenizer.model")
    run = folder / "run"
    for seed, step in enumerate((10, 20), 1):
        write_tiny_model(run / f"models/step_{step:08d}", folder / "tokenizer.model", seed)
    (run / "best").symlink_to("models/step_00000010")
    return run


@pytest.fixture
def src(tmp_path):
    return write(tmp_path / "src.txt", SOURCES)


@pytest.fixture
def model_ref(tmp_path):
    return write(tmp_path / "model_ref.txt", ["ralo teku.", "", "sef", "pav erin kostu."])


def test_a_model_s_score_is_the_score_of_its_translations(trained_run, src, model_ref, tmp_path):
    out = tmp_path / "out.txt"
    result = run(
        "-m", trained_run, "--src", src, "--ref", model_ref, "--output", out, "--device", "cpu"
    )
    assert result.exit_code == 0, result.stderr
    assert result.stderr == f"translating with {trained_run}/models/step_00000010\n"
    assert out.read_bytes().count(b"\n") == 4
    assert run("--hyp", out, "--ref", model_ref).stdout == result.stdout

    from mtcli.translating.translator import Translator

    translations = Translator.load(trained_run, device="cpu").translate(SOURCES)
    assert out.read_text().split("\n")[:-1] == translations


def test_blank_references_of_a_model_s_translations(trained_run, src, tmp_path):
    blank = write(tmp_path / "blank", ["", "", "sef", "pav erin kostu ralo teku"])
    options = "-m", trained_run, "--src", src, "--ref", blank, "--device", "cpu"
    assert (
        f"\nwarning: {blank} has blank lines: 1 of 4 lines, for example line 1, beside"
        f" `{SOURCES[0]}`; these match nothing"
    ) in run(*options).stderr


def test_a_baseline_that_is_a_model(trained_run, src, model_ref, tmp_path):
    models = [trained_run / f"models/step_{step:08d}" for step in (10, 20)]
    options = "--src", src, "--ref", model_ref, "--device", "cpu", "--metric", "chrf"
    result = run("-m", models[0], "--baseline", models[1], *options)
    assert result.exit_code == 0, result.stderr
    assert [line.split(" ")[-1] for line in result.stderr.splitlines()] == list(map(str, models))
    outputs = [tmp_path / "one", tmp_path / "other"]
    for model, output in zip(models, outputs, strict=True):
        run("-m", model, *options, "--output", output)
    files = run("--hyp", outputs[0], "--baseline", outputs[1], "--ref", model_ref, *options[4:])
    assert files.stdout == result.stdout
    assert "baseline" in result.stdout


def test_model_options(trained_run, src, model_ref, tmp_path):
    from mtcli.translating.translator import Translator

    out = tmp_path / "out.txt"
    result = run(
        "-m", trained_run, "--checkpoint", "last", "--src", src, "--ref", model_ref, "--output",
        out, "--device", "cpu", "--beam-size", "2", "--batch-size", "1",
    )  # fmt: skip
    assert result.stderr == f"translating with {trained_run}/models/step_00000020\n"
    expected = Translator.load(trained_run, checkpoint="last", device="cpu").translate(
        SOURCES, beam_size=2, batch_size=1
    )
    assert out.read_text().split("\n")[:-1] == expected


def test_the_model_says_the_language(trained_run, src, model_ref, monkeypatch):
    from mtcli.evaluation import tokenization

    asked = []
    monkeypatch.setattr(tokenization, "tokenization_for", lambda lang: asked.append(lang) or "13a")
    run("-m", trained_run, "--src", src, "--ref", model_ref, "--device", "cpu")
    assert set(asked) == {"de"}
    asked.clear()
    run("-m", trained_run, "--src", src, "--ref", model_ref, "--device", "cpu", "--tgt-lang", "fr")
    assert set(asked) == {"fr"}


def test_mistakes_are_told_before_anything_is_translated(
    trained_run, src, model_ref, hyp, ref, tmp_path
):
    assert refusal("-m", trained_run, "--src", src, "--ref", ref) == (
        f"{src} has 4 lines, but {ref} has 3\n"
        "hint: line N of one file must belong to line N of the other"
    )
    message = refusal(
        "-m", trained_run, "--src", src, "--ref", model_ref, "--tokenize", "x", "--device", "cuda"
    )
    assert "sacreBLEU has no tokenization `x`" in message
    assert "no such run folder" in refusal("-m", tmp_path / "x", "--src", src, "--ref", model_ref)


def test_translations_that_cannot_be_written(trained_run, src, model_ref, tmp_path):
    out = tmp_path / "nowhere" / "out.txt"
    message = refusal(
        "-m", trained_run, "--src", src, "--ref", model_ref, "--output", out, "--device", "cpu"
    )
    assert message == f"{out}: cannot write the translations: No such file or directory"


def test_translations_are_not_written_over_what_was_read(trained_run, src, model_ref):
    for name, path in (("--src", src), ("--ref", model_ref)):
        content = path.read_bytes()
        message = refusal("-m", trained_run, "--src", src, "--ref", model_ref, "--output", path)
        assert message == (
            f"`--output` {path} is also the file of `{name}`\nhint: give the output another name"
        )
        assert path.read_bytes() == content


def test_it_is_a_command_of_mtcli(hyp, ref):
    from mtcli.cli.app import app as mtcli

    arguments = ["--hyp", str(hyp), "--ref", str(ref)]
    result = CliRunner().invoke(mtcli, ["eval", *arguments])
    assert (result.exit_code, result.stdout) == (0, run(*arguments).stdout)
