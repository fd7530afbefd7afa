"""Documents from end to end: training, resuming, translating, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from typer.testing import CliRunner

from mtcli.bundle.model_folder import read_model
from mtcli.cli.app import app
from mtcli.engines.torch_loading import load_weights
from tests.support.small_run import write_run

runner = CliRunner()
GLOBAL = "{kind: local, window: 4, separators: true}"
DOCUMENTS = [
    *("--set", "data.documents={max_pieces: 40}", "--set", "tokenizer.byte_fallback=true"),
    *("--set", "tokenizer.vocab_size=320"),
]


def separated(path: Path, every: int) -> None:
    """A blank line after every so many."""
    lines = path.read_text(encoding="utf-8").splitlines()
    parts = [lines[start : start + every] for start in range(0, len(lines), every)]
    path.write_text("\n\n".join("\n".join(part) for part in parts) + "\n", encoding="utf-8")


def write_documents(folder: Path) -> None:
    write_run(folder)
    for split in ("train", "valid"):
        for lang in ("en", "de"):
            separated(folder / f"{split}.{lang}", 4)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of 12 updates, and one that was stopped after 6 and resumed."""
    folder = tmp_path_factory.mktemp("documents")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_documents(folder)
        attention = [f"model.encoder_attention={GLOBAL}", f"model.decoder_attention={GLOBAL}"]
        for sets in (
            ["run_dir=run"],
            ["run_dir=global", *attention],
            ["run_dir=two", "training.max_steps=6"],
            ["run_dir=two", "training.max_steps=12"],
        ):
            arguments = [word for setting in sets for word in ("--set", setting)]
            result = runner.invoke(app, ["train", "config.yaml", *DOCUMENTS, *arguments])
            assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def folder(trained, monkeypatch):
    monkeypatch.chdir(trained)
    return trained


def translate(*arguments, text):
    return runner.invoke(app, ["translate", "-m", "run", *arguments], input=text)


def test_a_resumed_run_is_the_uninterrupted_one(folder):
    one, two = (
        load_file(f"{run}/models/step_00000012/model.safetensors") for run in ("run", "two")
    )
    assert all(np.array_equal(one[name], two[name]) for name in one)


def test_a_model_whose_attention_sees_separators_knows_them_wherever_it_is_read(folder):
    card = read_model(Path("global/models/step_00000012")).card
    (separator,) = {card.src_separator_id, card.tgt_separator_id}
    trained_model = load_weights(read_model(Path("global/models/step_00000012")))
    ids = torch.tensor([[separator, separator + 1]])
    assert trained_model.separators.in_source(ids).tolist() == [[True, False]]
    assert trained_model.separators.in_target(ids).tolist() == [[True, False]]
    scores = json.loads(Path("global/models/step_00000012/scores.json").read_text())["scores"]
    assert {score["num_pairs"] for score in scores} == {12}
    model = ["-m", "global", "--documents", "--engine", "torch"]
    result = runner.invoke(app, ["translate", *model], input="ba ce di.\nfo gu\n")
    assert result.exit_code == 0, result.output
    assert len(result.stdout.splitlines()) == 2
    plain = read_model(Path("run/models/step_00000012")).card
    assert (plain.src_separator_id, plain.separators) == (None, None)


def test_the_model_says_how_it_reads_documents_and_all_pairs_were_validated(folder):
    card = json.loads(Path("run/models/step_00000012/model.json").read_text())
    assert card["documents"] == {"max_pieces": 40, "max_sentences": None}
    scores = json.loads(Path("run/models/step_00000012/scores.json").read_text())["scores"]
    assert {score["num_pairs"] for score in scores} == {12}
    report = json.loads(Path("run/data_report.json").read_text())
    assert report["num_pairs"] == 200


@pytest.mark.parametrize("engine", ["torch", "auto"])
def test_there_is_a_line_for_each_line(folder, engine):
    text = "ba ce di.\nfo gu\n\nha\n" + "je ki lo mu " * 30 + "\n \nna pe"
    result = translate("--documents", "--engine", engine, text=text)
    assert result.exit_code == 0, result.output
    lines = result.stdout.split("\n")
    assert len(lines) == len(text.split("\n"))
    assert (lines[2], lines[5]) == ("", " ")
    assert "<sep>" not in result.stdout
    # a model that has hardly learned anything writes no separators
    assert "warning: of 1 group of lines that were translated together, 1 came back with" in (
        result.stderr
    )
    alone = translate("--engine", engine, text="ba ce di.\nfo gu\n").stdout
    assert result.stdout.startswith(alone)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--n-best", "2"], "`--documents` does not go with several translations of a line"),
        (["--alignment"], "`--documents` does not go with alignments"),
        (["--prefix"], "`--documents` does not go with prefixes"),
        (["--resume", "-o", "out"], "`--documents` does not go with `--resume`"),
    ],
)
def test_what_does_not_go_with_documents_is_refused(folder, arguments, sentence):
    result = translate("--documents", *arguments, text="ba\n")
    assert result.exit_code == 2
    assert sentence in result.stderr


def test_a_model_of_sentences_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path)
    sets = ["--set", "training.max_steps=2", "--set", "schedule.warmup_steps=1"]
    assert runner.invoke(app, ["train", "config.yaml", *sets]).exit_code == 0
    result = translate("--documents", text="ba\n")
    assert result.exit_code == 2
    assert "was not trained on documents\nhint: set `data.documents`" in result.stderr
    # and its tokenizer has no piece for the end of a sentence
    sets = ["--set", "run_dir=other", "--set", "tokenizer.model=run/tokenizer/tokenizer.model"]
    for split in ("train", "valid"):
        for lang in ("en", "de"):
            separated(tmp_path / f"{split}.{lang}", 4)
    result = runner.invoke(app, ["train", "config.yaml", *DOCUMENTS, *sets])
    assert result.exit_code == 2
    said = " ".join(result.stderr.split())
    assert "has no piece `<sep>`, which stands between the sentences of a document" in said
    assert "hint: let the run train its tokenizer on documents, or remove `data.documents`" in said
    # nor for attention that would see it, also without documents
    sets += ["--set", f"model.decoder_attention={GLOBAL}"]
    result = runner.invoke(app, ["train", "config.yaml", *sets])
    assert result.exit_code == 2
    said = " ".join(result.stderr.split())
    assert "has no piece `<sep>`" in said
    assert "or remove `model.decoder_attention.separators`" in said


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("encoder_attention={kind: local, window: 0}", "window found 0, must be a whole number"),
        ("encoder_attention={kind: local, window: 99}", "window (99) is over max_positions (80)"),
        ("decoder_attention={kind: local, window: 1}", "a target position sees only itself"),
        ("encoder_attention={kind: local, windows: [8]}", "has length 1, but encoder_layers is 2"),
        ("encoder_attention={kind: local, windows: [8, ful]}", "windows[1] found 'ful', must be a"),
        (
            "encoder_attention={kind: local, windows: []}",
            "found [], must be a list, of at least one",
        ),
        ("encoder_attention={kind: local, global_tokens: 99}", "global_tokens (99) is over max_po"),
        ("encoder_attention={kind: low_rank, rank: 0}", "rank found 0, must be a whole number"),
        ("encoder_attention={kind: low_rank, rank: 99}", "rank (99) is over max_positions (80)"),
        ("encoder_attention={kind: low_rank, window: 8}", "unknown key for kind low_rank"),
        ("decoder_attention=low_rank", "low_rank attention cannot be used in a decoder"),
        (f"encoder_attention={GLOBAL}", "model.encoder_attention.separators needs data.documents"),
        (f"decoder_attention={GLOBAL}", "model.decoder_attention.separators needs data.documents"),
    ],
)
def test_an_attention_that_makes_no_sense_is_refused(folder, setting, sentence):
    assert_refused([f"model.{setting}", "run_dir=refused"], sentence)


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        (
            "{max_pieces: 80}",
            "data.documents.max_pieces (80) must be below model.max_positions (80",
        ),
        ("{max_pieces: 0}", "max_pieces found 0, must be a whole number, at least 1"),
        ("{max_sentences: 0}", "max_sentences found 0, must be a whole number, at least 1"),
        ("{column: id}", "names a column of ids, but a source of kind text has none"),
    ],
)
def test_documents_that_make_no_sense_are_refused(folder, setting, sentence):
    assert_refused([f"data.documents={setting}", "run_dir=refused"], sentence)


@pytest.mark.parametrize("split", ["train", "valid"])
def test_documents_without_boundaries_are_refused(folder, tmp_path, split):
    for lang in ("en", "de"):
        lines = Path(f"{split}.{lang}").read_text(encoding="utf-8").replace("\n\n", "\n")
        (tmp_path / f"{split}.{lang}").write_text(lines, encoding="utf-8")
    source = f"[{{src: {tmp_path}/{split}.en, tgt: {tmp_path}/{split}.de}}]"
    settings = ["data.documents={max_pieces: 40}", f"data.{split}={source}", "run_dir=refused"]
    assert_refused(settings, "`data.documents` is set, but no blank line ends a document in")


def assert_refused(settings, sentence):
    arguments = [word for setting in settings for word in ("--set", setting)]
    result = runner.invoke(app, ["train", "config.yaml", *arguments])
    assert result.exit_code == 2
    assert sentence in " ".join(result.stderr.split())


def test_text_never_spells_the_separator(folder):
    result = translate("--documents", text="ba <sep> ce\n<sep>\n")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 2


# ------------------------------------------------------------------------------------------- scores

TOGETHER = "of 4 groups of lines that were translated together, 4 came back with another number"


def evaluate(*arguments, folder="."):
    files = ["--src", f"{folder}/valid.en", "--ref", f"{folder}/valid.de"]
    return runner.invoke(app, ["eval", "-m", "run", *files, "--json", *arguments])


def test_eval_translates_documents_as_translate_and_the_validation_do(folder, tmp_path):
    result = evaluate("--output", str(tmp_path / "out"), "--beam-size", "1")
    assert result.exit_code == 0, result.output
    assert TOGETHER in result.stderr
    assert "translating 3 documents with run" in result.stderr
    text = Path("valid.en").read_text(encoding="utf-8")
    translated = translate("--documents", "--engine", "torch", "--beam-size", "1", text=text)
    assert (tmp_path / "out").read_text(encoding="utf-8") == translated.stdout
    bleu, chrf = (round(score["score"], 6) for score in json.loads(result.stdout))
    last = json.loads(Path("run/metrics.jsonl").read_text().splitlines()[-1])
    assert (bleu, chrf) == (round(last["bleu"], 6), round(last["chrf"], 6))


def test_eval_translates_documents_that_a_file_names(folder, tmp_path):
    for name in ("valid.en", "valid.de"):
        lines = [line for line in Path(name).read_text(encoding="utf-8").splitlines() if line]
        (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    names = tmp_path / "names"
    names.write_text("".join(f"{number // 4}\n" for number in range(len(lines))))
    named = evaluate("--documents", str(names), folder=tmp_path)
    assert TOGETHER in named.stderr
    assert list(json.loads(named.stdout)[0]["documents"]) == ["0", "1", "2"]
    alone = evaluate(folder=tmp_path)
    assert alone.exit_code == 0
    assert "together" not in alone.stderr
    assert "was trained on documents, but no blank line ends one; each line is" in alone.stderr
    assert "hint: separate documents with blank lines in all files" in alone.stderr


def test_compare_translates_documents(folder, tmp_path):
    (tmp_path / "other").write_text(Path("valid.de").read_text())
    arguments = [
        "compare",
        "run",
        str(tmp_path / "other"),
        "--src",
        "valid.en",
        "--ref",
        "valid.de",
    ]
    result = runner.invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert TOGETHER in result.stderr


def test_the_log_of_a_training_says_how_often_sentences_were_translated_alone(folder):
    log = " ".join(Path("run/train.log").read_text().split())
    assert TOGETHER.replace("lines", "sentences") in log
