"""`mtcli eval` with a baseline, with limits, by sentence, by document, and on a public test set."""

import json

import pytest
from sacrebleu.dataset import DATASETS
from sacrebleu.metrics import BLEU, CHRF

from mtcli.evaluation.metrics import bleu, chrf
from tests.cli.test_eval import refusal, run, write
from tests.support.translations import changed_sentences

HYPOTHESES, (REFERENCES,) = changed_sentences(60, 1)
WORSE = [" ".join(text.split(" ")[:3]) for text in HYPOTHESES]


@pytest.fixture
def files(tmp_path):
    texts = {"hyp": HYPOTHESES, "ref": REFERENCES, "worse": WORSE}
    return {name: write(tmp_path / name, lines) for name, lines in texts.items()}


def scoring(files, hyp, *options):
    return run("--hyp", files[hyp], "--ref", files["ref"], *options)


# ------------------------------------------------------------------------------------ baselines


def test_a_baseline_in_words_and_in_json(files):
    result = scoring(files, "hyp", "--baseline", files["worse"])
    ours, of_baseline = (
        bleu(texts, REFERENCES, tgt_lang="en").score for texts in (HYPOTHESES, WORSE)
    )
    assert result.exit_code == 0
    line = result.stdout.splitlines()[2]
    assert line.startswith(
        f"BLEU is {ours - of_baseline:.2f} higher than the baseline's {of_baseline:.2f}, which is"
        " significantly better: between equally good systems, chance makes such a difference in"
        " fewer than 1 of 1,000 test sets (p = 0.0001 by approximate randomization, 0.00"
    )
    assert result.stdout.splitlines()[3].startswith("chrF is ")
    entry = json.loads(
        scoring(files, "hyp", "--baseline", files["worse"], "--json", "--metric", "bleu").stdout
    )[0]
    assert entry["baseline_score"] == of_baseline
    assert entry["difference"] == ours - of_baseline
    assert entry["p_randomization"] == 1 / 10_001
    assert 1 / 1001 <= entry["p_bootstrap"] < 0.01
    assert entry["is_significant"] is True


def test_a_baseline_that_is_a_model_needs_sources(files, tmp_path):
    assert refusal("--hyp", files["hyp"], "--ref", files["ref"], "--baseline", tmp_path) == (
        f"`--baseline {tmp_path}` is a model, and there is nothing to translate\n"
        "hint: add `--src FILE`"
    )


def test_a_baseline_must_have_as_many_lines(files, tmp_path):
    short = write(tmp_path / "short", WORSE[:2])
    assert refusal("--hyp", files["hyp"], "--ref", files["ref"], "--baseline", short) == (
        f"{short} has 2 lines, but {files['ref']} has 60\n"
        "hint: line N of one file must belong to line N of the other"
    )


# --------------------------------------------------------------------------------------- checks


def test_a_score_under_its_limit(files):
    passed = scoring(files, "hyp", "--fail-under", "BLEU=5", "--fail-under", "chrf=5")
    assert (passed.exit_code, passed.stderr) == (0, "")
    failed = scoring(files, "hyp", "--fail-under", "bleu=99.5", "--fail-under", "chrf=5")
    score = bleu(HYPOTHESES, REFERENCES, tgt_lang="en").score
    assert failed.exit_code == 4
    assert failed.stderr == f"error: a check failed: BLEU is {score:.4f}, under 99.5\n"
    assert failed.stdout == passed.stdout  # the scores are printed all the same


def test_a_score_that_is_significantly_worse(files):
    options = "--fail-if-worse", "--metric", "chrf"
    worse = scoring(files, "worse", "--baseline", files["hyp"], *options)
    assert worse.exit_code == 4
    assert worse.stderr == f"error: a check failed: {worse.stdout.splitlines()[1]}\n"
    assert "significantly worse" in worse.stderr
    assert scoring(files, "hyp", "--baseline", files["worse"], *options).exit_code == 0
    same = scoring(files, "hyp", "--baseline", files["hyp"], *options)
    assert (same.exit_code, same.stdout.splitlines()[1]) == (0, "chrF is that of the baseline")


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ("30", "is not a metric and a number\nhint: use for example `bleu=30`"),
        ("bleu=x", "is not a metric and a number\nhint: use for example `bleu=30`"),
        ("bleu=nan", "is not a metric and a number\nhint: use for example `bleu=30`"),
        ("chrf++=3", "needs a metric that is not computed\nhint: add `--metric chrf++`"),
        ("ter=3", "cannot judge `ter`, of which less is better\nhint: use another metric, or"
                  " `--fail-if-worse` with a `--baseline`"),
    ],
)  # fmt: skip
def test_limits_that_make_no_sense(files, limit, message):
    options = "--metric", "bleu", "--metric", "ter", "--fail-under", limit
    found = refusal("--hyp", files["hyp"], "--ref", files["ref"], *options)
    assert found == f"`--fail-under {limit}` {message}"


def test_worse_than_what(files):
    assert refusal("--hyp", files["hyp"], "--ref", files["ref"], "--fail-if-worse") == (
        "`--fail-if-worse` needs something to compare with\nhint: add `--baseline`"
    )


# ---------------------------------------------------------------------- sentences and documents


def test_scores_of_sentences(files, tmp_path):
    out = tmp_path / "scores.tsv"
    result = scoring(files, "hyp", "--per-sentence", out, "--baseline", files["worse"])
    assert result.exit_code == 0, result.stderr
    header, *rows = [line.split("\t") for line in out.read_text().splitlines()]
    assert header == ["line", "bleu", "chrf", "baseline_bleu", "baseline_chrf"]
    assert [row[0] for row in rows] == [str(number) for number in range(1, 61)]
    sentence_bleu, sentence_chrf = BLEU(effective_order=True), CHRF()
    for row, hypothesis, worse, reference in zip(rows, HYPOTHESES, WORSE, REFERENCES, strict=True):
        assert row[1:] == [
            f"{metric.sentence_score(text, [reference]).score:.4f}"
            for text in (hypothesis, worse)
            for metric in (sentence_bleu, sentence_chrf)
        ]


def test_scores_of_sentences_as_json_lines(files, tmp_path):
    out = tmp_path / "scores.jsonl"
    documents = write(tmp_path / "docs", ["a\tb"] * 60)
    options = "--metric", "ter", "--src", files["ref"], "--documents", documents
    scoring(files, "hyp", "--per-sentence", out, *options)
    records = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(records) == 60
    assert records[2] == {
        "line": 3, "document": "a\tb", "ter": records[2]["ter"], "source": REFERENCES[2],
        "hypothesis": HYPOTHESES[2], "references": [REFERENCES[2]],
    }  # fmt: skip


def test_scores_of_documents(files, tmp_path):
    names = ["news"] * 20 + ["talk"] * 30 + ["news"] * 10
    documents = write(tmp_path / "docs", names)
    result = scoring(files, "hyp", "--documents", documents)
    expected = {}
    for name in ("news", "talk"):
        lines = [number for number in range(60) if names[number] == name]
        pair = [[texts[number] for number in lines] for texts in (HYPOTHESES, REFERENCES)]
        expected[name] = bleu(*pair, tgt_lang="en").score, chrf(*pair).score
    assert result.stdout.splitlines()[2:] == [
        "lines     BLEU     chrF  document",
        *(
            f"{number:5d}  {expected[name][0]:7.2f}  {expected[name][1]:7.2f}  {name}"
            for name, number in (("news", 30), ("talk", 30))
        ),
    ]
    entries = json.loads(scoring(files, "hyp", "--documents", documents, "--json").stdout)
    assert entries[1]["documents"] == {name: pytest.approx(expected[name][1]) for name in expected}


def test_lines_without_a_document(files, tmp_path):
    documents = write(tmp_path / "docs", ["a", " ", *["b"] * 58])
    options = "--hyp", files["hyp"], "--ref", files["ref"], "--documents", documents
    assert refusal(*options) == (
        f"{documents}, line 2: there is no document\nhint: name the document of every line"
    )


@pytest.mark.parametrize("name", ["hyp", "ref"])
def test_scores_of_sentences_do_not_replace_what_is_read(files, name):
    content = files[name].read_bytes()
    options = "--hyp", files["hyp"], "--ref", files["ref"], "--per-sentence", files[name]
    assert refusal(*options) == (
        f"`--per-sentence` {files[name]} is also the file of `--{name}`\n"
        "hint: give the output another name"
    )
    assert files[name].read_bytes() == content


def test_scores_of_sentences_that_cannot_be_written(files, tmp_path):
    out = tmp_path / "nowhere" / "scores.tsv"
    message = refusal("--hyp", files["hyp"], "--ref", files["ref"], "--per-sentence", out)
    assert message == f"{out}: cannot write the scores of sentences: No such file or directory"


# -------------------------------------------------------------------------------- public test sets


@pytest.fixture
def wmt24(monkeypatch, tmp_path):
    """The folder in which sacreBLEU has the test set."""
    monkeypatch.setattr(DATASETS["wmt24"], "_outdir", str(tmp_path))
    monkeypatch.setattr(DATASETS["wmt24"], "_rawdir", str(tmp_path / "raw"))
    return tmp_path


def test_a_public_test_set(files, monkeypatch, tmp_path):
    monkeypatch.setattr(DATASETS["wmt17"], "_outdir", str(tmp_path))
    for field in DATASETS["wmt17"].fieldnames("en-zh"):
        write(tmp_path / f"wmt17.en-zh.{field}", REFERENCES)
    result = run("--hyp", files["hyp"], "--test-set", "wmt17/en-zh")
    assert result.exit_code == 0, result.stderr
    assert "|tok:zh|" in result.stdout
    expected = scoring(files, "hyp", "--tgt-lang", "zh").stdout
    assert result.stdout == expected
    for option in ("--src", "--ref"):
        options = "--hyp", files["hyp"], "--test-set", "wmt17/en-zh", option, files["ref"]
        assert refusal(*options) == (
            f"`{option}` cannot be combined with `--test-set`, which has its own text\n"
            "hint: give one of them"
        )


def test_public_test_sets_that_are_not_there(files, wmt24, monkeypatch):
    def refused(name):
        return refusal("--hyp", files["hyp"], "--test-set", name)

    ask = "`sacrebleu --list` prints all names"
    assert refused("wmt24") == (
        f"sacreBLEU has no test set `wmt24`\nhint: use a name and a direction, such as"
        f" `wmt24/en-de`; {ask}"
    )
    assert refused("wnt24/en-de").endswith(f"such as `wmt24/en-de`; {ask}")
    assert refused("wmt24/de-en").startswith(
        "the test set `wmt24` has no direction `de-en`\nhint: use one of: `"
    )

    def no_network(*_):
        raise OSError("no network")

    monkeypatch.setattr(DATASETS["wmt24"], "maybe_download", no_network)
    assert refused("wmt24/en-de") == (
        "the test set `wmt24` is not on this machine, and cannot be fetched: no network\n"
        "hint: run `sacrebleu -t wmt24 -l en-de --echo src` once, with a network"
    )
