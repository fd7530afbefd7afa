"""What a run says of its texts when it starts, and which metric chooses its best model."""

import logging

import pytest

from mtcli.config.load import load_config
from mtcli.training.check import check
from mtcli.training.metric_choice import ranking_metric
from mtcli.training.setup import train
from mtcli.training.text_checks import report_on_texts
from mtcli.training.validation import ValidationSet
from tests.support.small_run import write_run

SRC = ["ba ce di fo gu", "ha", "je ki"]
TGT = ["GU FO DI CE BA", "HA", "KI JE"]
OTHER = "; `validation.bleu_tokenize` chooses another tokenization"
UNESCAPE = "hint: unescape it, for example with Python's `html.unescape`"


def valid_set(src=SRC, tgt=TGT):
    return ValidationSet(src, tgt, None, None, 100)


@pytest.fixture
def config_path(tmp_path):
    return write_run(tmp_path)


@pytest.fixture
def config_of(config_path, tmp_path):
    return lambda *overrides: load_config(config_path, overrides, working_dir=tmp_path)


@pytest.fixture
def said(config_of, caplog):
    """What a start says of a config with these overrides, each record after its level."""

    def of(*overrides, valid=None, reads_training=False):
        caplog.clear()
        with caplog.at_level(logging.INFO, "mtcli.training.text_checks"):
            report_on_texts(
                config_of(*overrides), valid or valid_set(), reads_training=reads_training
            )
        return [f"{record.levelname}: {record.getMessage()}" for record in caplog.records]

    return of


def test_plain_text_is_not_talked_about(said):
    assert said(reads_training=True) == said("tgt_lang=zho_Hans", reads_training=True) == []


def test_the_tokenization_of_bleu(said, monkeypatch):
    assert said("tgt_lang=khm") == [
        "INFO: BLEU counts characters (tokenization `char`): `khm` is written without spaces"
        f" between words{OTHER}"
    ]
    assert said("tgt_lang=khm", "validation.bleu_tokenize=13a") == []
    monkeypatch.setattr("mtcli.evaluation.tokenization.find_spec", lambda _: None)
    assert said("tgt_lang=kor") == [
        "WARNING: BLEU of `kor` counts words between spaces (tokenization `13a`): the library of"
        f" `ko-mecab` is not installed; `pip install 'sacrebleu[ko]'` brings it{OTHER}"
    ]


def test_a_country_instead_of_the_source_language(said):
    assert said("src_lang=jp") == [
        "WARNING: src_lang: `jp` is a country code, not a language; use `ja`"
    ]


@pytest.mark.parametrize("side", ["source", "target"])
def test_blank_validation_texts(said, side):
    texts = ["", SRC[1], " "]
    valid = valid_set(src=texts) if side == "source" else valid_set(tgt=[SRC[0], *texts[:2]])
    found = said("validation.bleu_tokenize=char", valid=valid)
    number, first = (1, TGT[0]) if side == "source" else (2, SRC[1])
    count = 2 if side == "source" else 1
    assert found == [
        f"WARNING: the {side} side of the validation pairs has blank lines: {count} of 3 pairs, for"
        f" example pair {number}, beside `{first}`; these match nothing, so scores are too low\n"
        "hint: complete it, or remove these pairs"
    ]


def test_tokenized_and_escaped_validation_targets(said):
    valid = valid_set(tgt=["A &quot;b&quot; , c .", "D .", "e f g h"])
    name = "the target side of the validation pairs"
    assert said(valid=valid) == [
        f"WARNING: {name} looks tokenised: 2 of 3 pairs, for example pair 1, `A &quot;b&quot; , c"
        " .`; BLEU and mtcli tokenise text themselves, so only scores on plain text are"
        " comparable\n"
        "hint: detokenize it, or set `validation.bleu_tokenize: none` if it must be so",
        f"WARNING: {name} has escaped characters: 1 of 3 pairs, for example pair 1, `A"
        f' &quot;b&quot; , c .`; `&quot;` is text, not `"`\n{UNESCAPE}',
    ]
    assert said("validation.bleu_tokenize=none", valid=valid) == []


def test_tokenized_and_escaped_validation_sources(said):
    valid = valid_set(src=["A &quot;b&quot; , c .", "D .", "e f g h"])
    name = "WARNING: the source side of the validation pairs"
    assert [line.partition(":")[0] + ":" + line.split(":")[1] for line in said(valid=valid)] == [
        f"{name} looks tokenised",
        f"{name} has escaped characters",
    ]
    assert said("validation.bleu_tokenize=none", valid=valid) == []


def test_validation_targets_without_spaces(said):
    valid = valid_set(tgt=["หมาวิ่งในสวน"] * 3)
    found = said(valid=valid)
    assert found[0] == (
        "WARNING: the target side of the validation pairs has no spaces between words: 3 of 3"
        " pairs, for example pair 1, `หมาวิ่งในสวน`; BLEU would take whole sentences for words\n"
        "hint: set `tgt_lang` to its language, `th`"
    )
    assert said("tgt_lang=th", valid=valid)[0].startswith("INFO: BLEU counts characters")


@pytest.mark.parametrize("side", ["en", "de"])
def test_training_text(said, config_path, tmp_path, side):
    path = tmp_path / f"train.{side}"
    lines = path.read_text().split("\n")
    lines[4] = "it&#39;s &nbsp;"
    path.write_text("\n".join(lines))
    assert said(reads_training=True) == []
    lines[7:10] = ["R &#38; D", "x &lt; y", "&Auml;"]
    path.write_text("\n".join(lines))
    assert said(reads_training=True) == [
        f"WARNING: {path} has escaped characters: 4 of 200 lines, for example line 5, `it&#39;s"
        f" &nbsp;`; `&#39;` is text, not `'`\n{UNESCAPE}"
    ]
    assert said(reads_training=False) == []
    assert said("validation.bleu_tokenize=none", reads_training=True) == []


def test_every_training_source_is_looked_at(said, tmp_path):
    """Of many that are alike, some are named and the rest is counted; one may be empty."""
    table = tmp_path / "pairs.tsv"
    table.write_text("a b .\tA B .\n" * 3)
    (tmp_path / "none").touch()
    sources = [
        {"src": "train.en", "tgt": "train.de"},
        {"src": "none", "tgt": "none"},
        *[{"kind": "tsv", "path": table.name}] * 5,
    ]
    *found, rest = said(f"data.train={sources}".replace("'", ""), reads_training=True)
    assert [warning.partition(" looks ")[0] for warning in found] == [
        f"WARNING: the {side} side of {table}" for _ in range(3) for side in ("source", "target")
    ]
    assert "3 of 3 lines, for example line 1, `a b .`;" in found[0]
    assert rest == "WARNING: 4 more warnings of training texts"


def test_a_start_and_a_check_warn_of_all_of_it(tmp_path, caplog):
    """A start that resumes reads the validation pairs again, but not the training text."""
    path = write_run(tmp_path, "tgt_lang=th", "training.max_steps=2", "validation.every_steps=1")
    valid = tmp_path / "valid.de"
    valid.write_text("\n" + valid.read_text().partition("\n")[2])
    train_en = tmp_path / "train.en"
    train_en.write_text(train_en.read_text().replace("ba", "&#98;a"))

    def said(action):
        caplog.clear()
        with caplog.at_level(logging.INFO, "mtcli"):
            action()
        texts = [record.getMessage() for record in caplog.records]
        wanted = "counts characters", "blank lines: 1 of 12 pairs", f"{train_en} has escaped"
        return [any(want in text for text in texts) for want in wanted]

    config = load_config(path, working_dir=tmp_path)
    assert said(lambda: list(check(config))) == [True, True, True]
    assert said(lambda: train(config)) == [True, True, True]
    assert said(lambda: train(config)) == [True, True, False]


# ------------------------------------------------------------------------------- lines of few words


@pytest.mark.parametrize(
    ("overrides", "tgt", "expected"),
    [
        ([], TGT, "bleu"),
        ([], TGT[1:], "chrf"),
        (["validation.best_by=loss"], TGT[1:], "loss"),
        (["validation.best_by=chrf"], TGT[1:], "chrf"),
        (["validation.best_by=accuracy"], TGT[1:], "accuracy"),
        (["validation.bleu_tokenize=char"], TGT[1:], "bleu"),
        (["tgt_lang=th"], ["หมาวิ่ง"], "bleu"),
        (["tgt_lang=th"], ["ดี"], "chrf"),
    ],
)
def test_the_metric_that_chooses_the_best_model(config_of, said, overrides, tgt, expected):
    valid = valid_set(SRC[: len(tgt)], tgt)
    config = config_of(*overrides)
    assert ranking_metric(config, valid.tgt_texts) == expected
    is_changed = expected != config.validation.best_by
    assert any("BLEU is 0.00" in line for line in said(*overrides, valid=valid)) is is_changed


def test_that_another_metric_chooses_is_said(said):
    assert said(valid=valid_set(SRC[1:], TGT[1:])) == [
        "WARNING: BLEU is 0.00 whatever the translations are: no pair of the target side of the"
        " validation pairs has four words as BLEU counts them, for example pair 1, `HA`\n"
        "hint: set `validation.best_by` to `accuracy`, `exact_match` or `rouge-l`; now chrF chooses"
        " the best model"
    ]
