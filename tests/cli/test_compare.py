"""`mtcli compare` on files and on models."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from mtcli.cli.app import app
from mtcli.evaluation.measured import Scoring, Texts
from mtcli.evaluation.metrics import measure, score_of
from mtcli.evaluation.significance import compare
from mtcli.folders import write_json
from mtcli.folders.manifest import make_manifest
from tests.cli.test_eval import write
from tests.support.made_runs import write_made_run
from tests.support.model_folder import write_tiny_model
from tests.support.tokenizers import train_on_words
from tests.support.translations import changed_sentences

HYPOTHESES, (REFERENCES,) = changed_sentences(60, 1)
WORSE = [text if row % 3 else " ".join(text.split()[:2]) for row, text in enumerate(HYPOTHESES)]
TRAINING = REFERENCES[::2]


def run(*arguments):
    result = CliRunner().invoke(app, ["compare", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def refusal(*arguments):
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    return result.stderr.removeprefix("error: ").removesuffix("\n")


@pytest.fixture
def files(tmp_path):
    texts = {
        "a": HYPOTHESES, "b": WORSE, "c": REFERENCES, "src": REFERENCES, "ref": REFERENCES,
        "train": TRAINING,
    }  # fmt: skip
    return {name: write(tmp_path / name, lines) for name, lines in texts.items()}


def options(files):
    return "--src", files["src"], "--ref", files["ref"], "--train", files["train"]


def lines_from(text, start):
    """The lines of a section."""
    section = text[text.index(start) :].split("\n\n")[0]
    return section.splitlines()


def test_tables(files):
    result = run(files["a"], files["b"], *options(files), "--sentences", 1)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"A  {files['a']}\nB  {files['b']}\n\n")
    measured = [
        measure("bleu", Texts(lines, [REFERENCES]), Scoring("en")) for lines in (HYPOTHESES, WORSE)
    ]
    scores, test = [score_of(one, with_interval=True) for one in measured], compare(*measured[::-1])
    rows = lines_from(result.stdout, "metric")
    assert rows[1].split() == ["BLEU", "A", f"{scores[0].score:.2f}", f"[{scores[0].low:.2f},",
                               f"{scores[0].high:.2f}]"]  # fmt: skip
    assert rows[2].endswith(
        f"{test.difference:+.2f}  {test.p_randomization:.4f}  {test.p_bootstrap:.4f}"
        "  significantly worse"
    )
    assert scores[0].signature in result.stdout
    buckets = lines_from(result.stdout, "BLEU by")
    for name in ("source length", "rarest word", "word forms", "numbers", "names and capitals",
                 "length of reference / source"):  # fmt: skip
        assert name in buckets
    assert f"counted in {files['train']}, whatever their case" in result.stdout
    outputs = lines_from(result.stdout, "outputs")
    assert [row.split()[0] for row in outputs] == ["outputs", "A", "B"]
    assert "lines/s" not in result.stdout  # files say nothing of what they took
    assert "B - A by chrF of each sentence: " in result.stdout
    shown = result.stdout[result.stdout.index("\nworse: line ") :].splitlines()
    number = int(shown[1].split()[2].rstrip(","))
    assert shown[2:] == [
        f"  source     {REFERENCES[number - 1]}",
        f"  reference  {REFERENCES[number - 1]}",
        f"  A          {HYPOTHESES[number - 1]}",
        f"  B          {WORSE[number - 1]}",
    ]


def test_three_systems_and_other_metrics(files):
    result = run(
        files["a"], files["b"], files["c"], *options(files), "--metric", "ter", "--sentences", 0
    )
    rows = lines_from(result.stdout, "metric")
    assert "minus A" in rows[0]
    assert rows[2].split()[:2] == ["TER", "B"]
    assert rows[2].endswith("significantly worse")
    assert rows[3].endswith("significantly better")
    assert lines_from(result.stdout, "TER by")[0].split()[:7] == ["TER", "by", "lines", "A", "B",
                                                                  "C", "B"]  # fmt: skip
    assert "C - A by TER of each sentence" in result.stdout


def test_json(files):
    result = run(
        files["a"], files["b"], *options(files), "--json", "--sentences", 2, "--metric", "bleu"
    )
    found = json.loads(result.stdout)
    assert found["format_version"] == 1
    assert [one["name"] for one in found["systems"]] == [str(files["a"]), str(files["b"])]
    assert found["systems"][0]["cost"] is None
    assert found["systems"][0]["outputs"]["truncated"] is None
    bleu = [measure("bleu", Texts(t, [REFERENCES]), Scoring("en")) for t in (HYPOTHESES, WORSE)]
    assert [one["score"] for one in found["scores"]["bleu"]] == [one.score for one in bleu]
    (test,) = found["comparisons"]["bleu"]
    assert test["is_significant"] is True
    assert test["difference"] == bleu[1].score - bleu[0].score
    bucket = found["buckets"]["numbers"][0]
    assert set(bucket) == {"label", "num_lines", "scores", "differences"}
    (changes,) = found["changes"]
    assert len(changes["worse"]) == 2
    line = changes["worse"][0]["line"] - 1
    assert changes["worse"][0]["baseline"] == HYPOTHESES[line]
    assert changes["worse"][0]["references"] == [REFERENCES[line]]
    assert found["training_text"] == str(files["train"])


def test_without_a_training_text_it_says_so(files):
    result = run(files["a"], files["b"], *options(files)[:4], "--metric", "ter")
    assert result.stderr == (
        "note: rare words and unseen word forms are left out: no system is a run whose training"
        " text is known\nhint: give the source text of the training with `--train FILE`\n"
    )
    assert "rarest word" not in result.stdout


def test_refusals(files, tmp_path):
    a, others = files["a"], options(files)
    short = write(tmp_path / "short", WORSE[:2])
    empty = write(tmp_path / "empty", [])
    assert refusal(a, *others) == (
        f"{a} has nothing to be compared with\n"
        "hint: give at least two systems; `mtcli eval` scores one"
    )
    assert refusal(a, files["b"], tmp_path / "." / "a", *others) == (
        f"{a} and {a} are the same system\nhint: give each system once"
    )
    assert refusal(a, short, *others) == (
        f"{short} has 2 lines, but {files['ref']} has 60\n"
        "hint: line N of one file must belong to line N of the other"
    )
    assert refusal(a, short, "--src", short, "--ref", empty) == (
        f"{empty} is empty: there is nothing to score against"
    )
    assert refusal(a, "-", "--src", "-", "--ref", files["ref"]) == (
        "`system 2` and `--src` cannot both be `-`, standard input\nhint: give one of them a file"
    )
    assert refusal(a, tmp_path / "nowhere", *others).startswith(f"{tmp_path / 'nowhere'}")
    assert refusal(a, tmp_path, *others).startswith(f"{tmp_path} is neither a model folder")


def test_a_page(files, tmp_path, monkeypatch):
    monkeypatch.setattr("mtcli.reports.compare_page.drawing_script", lambda: "/* none */")
    page, given = tmp_path / "page.html", (*options(files), "--metric", "ter")
    result = run(files["a"], files["b"], *given, "--html", page)
    assert (result.exit_code, result.stderr) == (0, f"wrote {page}\n")
    assert result.stdout == run(files["a"], files["b"], *given).stdout
    assert "Comparison of 2 systems" in page.read_text(encoding="utf-8")


def test_a_page_that_cannot_be_written_is_told_before_any_work(files, tmp_path, monkeypatch):
    monkeypatch.setattr("mtcli.reports.compare_page.drawing_script", lambda: "/* none */")
    given = files["a"], files["b"], *options(files), "--html"
    nowhere = tmp_path / "no/page.html"
    assert refusal(*given, nowhere) == (
        f"{nowhere} cannot be written: the folder {nowhere.parent} does not exist"
    )
    for name in ("a", "src", "ref", "train"):
        content = files[name].read_bytes()
        assert refusal(*given, files[name]) == (
            f"`--html` {files[name]} is also a file that is read\nhint: give the page another name"
        )
        assert files[name].read_bytes() == content


# ------------------------------------------------------------------------------------ with a model

SOURCES = ["ralo teku minaro.", "", "sef dolu", "pav erin kostu ralo."]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare")
    train_on_words(folder / "tokenizer.model")
    for seed in (1, 2):
        write_tiny_model(folder / f"model{seed}", folder / "tokenizer.model", seed)
    return folder / "model1", folder / "model2"


def test_models_are_translated_with(models, tmp_path):
    from mtcli.translating.translator import Translator

    src = write(tmp_path / "src", SOURCES)
    ref = write(tmp_path / "ref", ["ralo teku.", "", "sef", "pav erin kostu."])
    given = "--src", src, "--ref", ref, "--device", "cpu", "--metric", "chrf", "--json"
    result = run(*models, *given)
    assert result.exit_code == 0, result.stderr
    assert result.stderr.splitlines()[-2:] == [f"translating with {path}" for path in models]
    outputs = [Translator.load(path, device="cpu").translate(SOURCES) for path in models]
    files = [write(tmp_path / f"out{number}", lines) for number, lines in enumerate(outputs)]
    found, of_files = json.loads(result.stdout), json.loads(run(*files, *given).stdout)
    for key in ("scores", "comparisons", "buckets", "changes"):
        assert found[key] == of_files[key]
    for one in found["systems"]:
        assert one["outputs"]["truncated"] >= 0
        assert one["cost"]["num_parameters"] > 1000
        assert one["cost"]["size_bytes"] > 4 * one["cost"]["num_parameters"]
        assert one["cost"]["lines_per_s"] == pytest.approx(4 / one["cost"]["elapsed_s"])
    table = run(*models, *given[:-1]).stdout
    assert [row.split()[0] for row in lines_from(table, "model  seconds")] == ["model", "A", "B"]


def test_models_of_different_languages(models, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(models[1], other)
    card = other / "model.json"
    card.write_text(card.read_text().replace('"tgt_lang": "de"', '"tgt_lang": "fr"'))
    (other / "MANIFEST.json").unlink()
    write_json(other / "MANIFEST.json", make_manifest(other))
    src = write(tmp_path / "src", SOURCES)
    assert refusal(models[0], other, "--src", src, "--ref", src, "--device", "cpu") == (
        f"{models[0]} translates into `de`, but {other} into `fr`\n"
        "hint: compare models of one language"
    )


def test_rare_words_are_counted_in_the_training_text_of_a_run(models, tmp_path):
    run_folder = write_made_run(tmp_path / "run", steps=0)
    shutil.copytree(models[0], run_folder.model(10))
    run_folder.point_best(run_folder.model(10))
    path = run_folder.path
    train = (tmp_path / ".corpus/train.en").read_text().splitlines()
    sources = [train[0], "wholly unknown", train[1]]
    src = write(tmp_path / "src", sources)
    given = path, src, "--src", src, "--ref", src, "--metric", "ter", "--device", "cpu", "--json"
    found = json.loads(run(*given).stdout)
    assert found["training_text"] == f"the training text of {path}"
    assert [(one["label"], one["num_lines"]) for one in found["buckets"]["word forms"]] == [
        ("all seen in training", 2), ("some unseen in training", 1)
    ]  # fmt: skip
    (tmp_path / ".corpus/train.de").unlink()
    result = run(*given)
    assert result.stderr.startswith(
        f"note: rare words and unseen word forms are left out: of {path}: {tmp_path}"
    )
    assert json.loads(result.stdout)["training_text"] is None


def test_an_export_is_a_system(models, tmp_path):
    src = write(tmp_path / "src", SOURCES)
    export = tmp_path / "export"
    words = ["export", "-m", models[0], "--output", export, "--quantize", "float32",
             "--verify-on", src, "--threshold", "0"]  # fmt: skip
    assert CliRunner().invoke(app, list(map(str, words))).exit_code == 0
    given = "--src", src, "--ref", src, "--metric", "ter", "--device", "cpu", "--json"
    result = run(models[0], export, *given)
    assert result.exit_code == 0, result.stderr
    of_model, of_export = (one["cost"] for one in json.loads(result.stdout)["systems"])
    assert of_export["num_parameters"] is None
    assert of_export["size_bytes"] == (export / "model.bin").stat().st_size
    assert of_model["size_bytes"] == (models[0] / "model.safetensors").stat().st_size
