"""Invariant 12 for Marian: a model that Marian trained translates here as Marian translated it.

The model, the translations and the scores in tests/data/marian are Marian's; its make.sh has the
commands that made them.
"""

from pathlib import Path

import pytest

from mtcli.engines.choice import EngineOptions
from mtcli.interchange.foreign import Languages
from mtcli.interchange.importing import import_model
from mtcli.translating.request import TranslationRequest, open_scorer, open_translator
from tests.support.marian import n_best_of

GOLD = Path(__file__).parents[3] / "data/marian"
SOURCES, REFERENCES = (
    (GOLD / name).read_text("utf-8").splitlines() for name in ("source.txt", "reference.txt")
)
TORCH = EngineOptions("torch", device="cpu")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gold") / "model"
    report = import_model(GOLD, folder, Languages("en", "de"))
    assert report.model.warnings == ()
    return folder


def translate(model, beam_size, **changes):
    """The n-best lists of all sources: texts with log-probability and score."""
    request = TranslationRequest(
        models=(model,), engine=TORCH, num_hypotheses=beam_size, retries=False,
        overrides={"beam_size": beam_size, **changes},
    )  # fmt: skip
    answers = open_translator(request).begin(SOURCES).result()
    return [[(t.text, t.log_prob, t.score) for t in answer.translations] for answer in answers]


@pytest.mark.parametrize("beam_size", [1, 4])
def test_translations_and_scores_are_those_of_marian(model, beam_size):
    expected = n_best_of((GOLD / f"beam{beam_size}.txt").read_text("utf-8"))
    ours = translate(model, beam_size, stop="marian")
    assert len(ours) == len(expected) == 20
    for found, wanted in zip(ours, expected, strict=True):
        assert [text for text, *_ in found] == [text for text, *_ in wanted]
        for (_, log_prob, score), (_, their_log_prob, their_score) in zip(
            found, wanted, strict=True
        ):
            assert log_prob == pytest.approx(their_log_prob, abs=1e-3)
            assert score == pytest.approx(their_score, abs=1e-3)


def test_scores_of_given_pairs_are_those_of_marian(model):
    scorer = open_scorer(TranslationRequest(models=(model,), engine=TORCH))
    scores = scorer.score(list(zip(SOURCES, REFERENCES, strict=True)))
    theirs = [float(line) for line in (GOLD / "scores.txt").read_text().splitlines()]
    assert [score.log_prob for score in scores] == pytest.approx(theirs, abs=1e-3)
