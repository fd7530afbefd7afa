"""The layer and head that align best are found, and a new model says so."""

import numpy as np
import pytest

from mtcli.bundle.model_folder import read_model
from mtcli.errors import DataError, RunFolderError
from mtcli.evaluation.alignment_error import alignment_error_rate
from mtcli.explaining.alignment_choice import (
    Candidate,
    check_new_folder,
    choose_alignment,
    read_aligned,
    write_aligning_model,
)
from mtcli.explaining.lines import NamedLines
from mtcli.translating.alignment import pharaoh
from mtcli.translating.options import TranslateOptions
from mtcli.translating.request import TranslationRequest, prepare_scorer
from mtcli.translating.translator import Translator
from tests.support.model_folder import write_tiny_model
from tests.support.tokenizers import train_on_words

PAIRS = [("ralo teku minaro.", "sef dolu pav"), ("erin kostu", "ralo ralo teku"), ("sef", "pav")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("choice")
    train_on_words(path / "tokenizer.model")
    write_tiny_model(path / "model", path / "tokenizer.model")
    return path / "model"


def lines(*texts, name="gold"):
    return NamedLines(name, texts)


SOURCES = lines(*(src for src, _ in PAIRS), name="src")
TARGETS = lines(*(tgt for _, tgt in PAIRS), name="tgt")


def pair_model(folder):
    return prepare_scorer(TranslationRequest(models=(folder,))).pair_model()


def links_of(folder, layer, heads):
    options = TranslateOptions.of_model(read_model(folder).generation)
    options = TranslateOptions(search=options.search, alignment_layer=layer, alignment_heads=heads)
    return Translator(pair_model(folder), options).align(PAIRS)


@pytest.mark.parametrize("planted", [(0, (1,)), (1, (0,)), (1, None)])
def test_the_head_that_the_gold_links_come_from_is_chosen(folder, planted):
    gold = lines(*map(pharaoh, links_of(folder, *planted)))
    told = []
    choice = choose_alignment(
        pair_model(folder),
        TranslateOptions.of_model(read_model(folder).generation),
        read_aligned(SOURCES, TARGETS, gold),
        (2, 2),
        lambda done, total: told.append((done, total)),
    )
    perfect = {
        (candidate.layer, candidate.heads)
        for candidate in choice.ranked
        if candidate.error_rate == pytest.approx(0)
    }
    assert planted in perfect
    assert choice.ranked[0].error_rate == pytest.approx(0)
    places = {(candidate.layer, candidate.heads) for candidate in choice.ranked}
    assert places == {(layer, heads) for layer in (0, 1) for heads in (None, (0,), (1,))}
    rates = [candidate.error_rate for candidate in choice.ranked]
    assert rates == sorted(rates)
    assert rates[-1] > 0
    default = links_of(folder, None, None)
    parsed = read_aligned(SOURCES, TARGETS, gold).gold
    assert choice.present == (None, None, alignment_error_rate(default, parsed))
    assert told == [(number, 6) for number in range(1, 7)]


def test_the_new_model_translates_alike_and_aligns_with_the_choice(folder, tmp_path):
    bundle = read_model(folder)
    write_aligning_model(bundle, Candidate(1, (1,), 0.1), tmp_path / "aligned")
    written = read_model(tmp_path / "aligned")
    assert (written.generation.alignment_layer, written.generation.alignment_heads) == (1, [1])
    assert written.card == bundle.card
    assert written.scores == bundle.scores
    weights = written.weights()
    for name, array in bundle.weights().items():
        assert np.array_equal(weights[name], array)
    readme = (tmp_path / "aligned" / "README.md").read_text("utf-8")
    assert "| Word alignment | cross-attention of decoder layer 1, head 1 (from 0) |" in readme
    assert "Word alignment" not in (folder / "README.md").read_text("utf-8")
    align = Translator.load(tmp_path / "aligned", engine="torch").align
    assert align(PAIRS) == links_of(folder, 1, [1])
    assert align(PAIRS) != Translator.load(folder, engine="torch").align(PAIRS)
    with pytest.raises(RunFolderError, match="aligned already exists\nhint: give another folder"):
        check_new_folder(tmp_path / "aligned")


@pytest.mark.parametrize(
    ("gold", "message"),
    [
        (("0-0", ""), "src has 3 lines, but gold has 2\nhint: line N of one file"),
        (("0-0", "", "x"), "gold, line 3: `x` is not a link between two words"),
        (("0-0", "2-0", ""), "gold, line 2 links word 2 of src, which has 2 words in this line"),
        (("0p3", "", "0-0"), "gold, line 1 links word 3 of tgt, which has 3 words in this line"),
        (("0p0", "", ""), "gold has no sure link\nhint: write sure links with a hyphen"),
    ],
)
def test_gold_alignments_that_do_not_fit(gold, message):
    with pytest.raises(DataError) as error:
        read_aligned(SOURCES, TARGETS, lines(*gold))
    assert str(error.value).startswith(message)


def test_pairs_that_do_not_fit(folder):
    with pytest.raises(DataError, match="src has 3 lines, but tgt has 1"):
        read_aligned(SOURCES, lines("sef", name="tgt"), lines("", "", ""))
    with pytest.raises(DataError, match="src has no lines\nhint: give at least one pair"):
        read_aligned(lines(name="src"), lines(name="tgt"), lines())
    long = read_aligned(lines("ralo " * 60), lines("sef"), lines("0-0"))
    options = TranslateOptions.of_model(read_model(folder).generation)
    with pytest.raises(DataError, match=r"the source, line 1 has \d+ pieces, more than 39"):
        choose_alignment(pair_model(folder), options, long, (2, 2))
