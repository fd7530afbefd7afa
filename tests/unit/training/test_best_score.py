"""The best score, ties, and patience: on numbers, and in a run whose validations are scripted."""

import json
from dataclasses import replace
from itertools import pairwise

import pytest

from mtcli.config.load import load_config
from mtcli.evaluation.metrics import Score
from mtcli.runs.folder import RunFolder
from mtcli.training.best_score import BestScore
from mtcli.training.setup import train
from mtcli.training.validation import Validator
from mtcli.workflows.average import Choice, average_models
from tests.support.small_run import write_run


def scores(bleu=1.0, loss=5.0, chrf=10.0):
    return {"bleu": bleu, "loss": loss, "chrf": chrf}


def judged(best, *validations):
    """Which of these validations were the best so far."""
    return [best.validated(each, step) for step, each in enumerate(validations)]


def test_higher_is_better_but_for_loss():
    bleu, loss = BestScore("bleu"), BestScore("loss")
    assert judged(bleu, *(scores(bleu=s) for s in (3, 2, 3, 4))) == [True, False, False, True]
    assert (bleu.score, bleu.step, bleu.num_worse) == (4, 3, 0)
    assert judged(loss, *(scores(loss=s) for s in (3, 2, 2.5))) == [True, True, False]


@pytest.mark.parametrize(
    ("metric", "better"),
    [
        ("bleu", [scores(), scores(loss=4.9), scores(loss=4.9, chrf=11), scores(bleu=1.01)]),
        ("chrf", [scores(), scores(loss=4.9, bleu=0), scores(chrf=10.01, loss=9)]),
        ("loss", [scores(), scores(chrf=11, bleu=0), scores(loss=4.99, chrf=0)]),
    ],
)
def test_equal_scores_are_broken_by_loss_then_chrf(metric, better):
    for first, second in pairwise(better):
        assert judged(BestScore(metric), first, second) == [True, True]
        assert judged(BestScore(metric), second, first, second) == [True, False, False]


@pytest.mark.parametrize("metric", ["bleu", "chrf"])
def test_what_is_printed_as_zero_is_equal(metric):
    best = BestScore(metric)
    noise = [(0.0049, 5.0), (0.001, 4.0), (0.0, 3.0), (0.0049, 3.5), (0.005, 9.0)]
    found = judged(best, *(scores(loss=loss) | {metric: score} for score, loss in noise))
    assert found == [True, True, True, False, True]


def test_patience():
    best = BestScore("bleu")
    best.validated(scores(), 1)
    for step in (2, 3):
        assert not best.is_exhausted(2)
        best.validated(scores(bleu=0.5, loss=1), step)
        assert not best.made_progress
    assert best.is_exhausted(2)
    assert not best.is_exhausted(None)


def test_while_bleu_is_zero_patience_counts_by_loss():
    """Even where chance gave an earlier validation some BLEU."""
    best = BestScore("bleu")
    found = judged(best, scores(0.02, 5), scores(0, 4), scores(0, 3), scores(0, 3))
    assert found == [True, False, False, False]
    assert (best.step, best.num_worse) == (0, 1)
    best.validated(scores(bleu=0.01, loss=2), 4)
    assert best.num_worse == 2, "BLEU is not zero any more"


def test_a_checkpoint_of_an_earlier_mtcli():
    best = BestScore("bleu")
    best.load_state_dict({"metric": "bleu", "score": 0.0, "step": 10, "num_worse": 2})
    assert (best.score, best.step, best.num_worse) == (0.0, 10, 2)
    assert best.validated(scores(bleu=0.0), 20), "which of the two is better is not known"
    again = BestScore("bleu")
    again.load_state_dict(best.state_dict())
    assert again == best
    other = BestScore("chrf")
    other.load_state_dict(best.state_dict())
    assert other == BestScore("chrf")


@pytest.fixture
def scripted(tmp_path, monkeypatch):
    """Train on a validation every second step; its scores are given, in the order of scores()."""

    def trained(*validations, **overrides):
        results = iter(validations)
        real = Validator.validate

        def validate(self, *arguments):
            bleu, loss, chrf = next(results)
            figures = {"bleu": Score("BLEU", bleu, ""), "chrf": Score("chrF", chrf, "")}
            return replace(real(self, *arguments), loss_per_token=loss, metrics=figures)

        monkeypatch.setattr(Validator, "validate", validate)
        sections = {"checkpoints": "{keep_last: 1}", "validation": "{every_steps: 2}"} | overrides
        path = write_run(tmp_path, *(f"{key}={value}" for key, value in sections.items()))
        train(load_config(path, working_dir=tmp_path))
        return RunFolder(tmp_path / "run")

    return trained


LEARNING = [
    (0.0, 5.0, 1),
    (0.0, 4.0, 2),
    (0.0, 4.0, 3),
    (0.0, 3.0, 2),
    (0.0, 3.5, 9),
    (0.0, 3.1, 9),
]
"""BLEU is 0 throughout. The best model is that of step 8, the second best that of step 12."""


def test_ties_in_a_run(scripted, tmp_path):
    run = scripted(*LEARNING, checkpoints="{keep_last: 1, keep_best: 3}")
    assert run.best.resolve() == run.model(8)
    assert run.model_steps() == [8, 10, 12]
    assert average_models(run.path, Choice(best=3), tmp_path / "mean", validates=False).steps == (
        8,
        10,
        12,
    )


def test_patience_and_plateau_in_a_run(scripted):
    run = scripted(
        *LEARNING,
        validation="{every_steps: 2, patience: 3}",
        schedule="{kind: plateau, warmup_steps: 1, patience: 2, factor: 0.5}",
    )
    state = json.loads((run.last / "state.json").read_text())
    assert "validation at step 12" in run.log.read_text()
    assert state["plateau"]["ratio"] == 0.5, "it fell once, after the two worse ones at the end"


def test_one_word_lines_in_a_run(scripted, tmp_path):
    """BLEU of a perfect text is 0, and that of one with long lines is not."""
    write_run(tmp_path)
    (tmp_path / "labels").write_text("sport\n" * 12)
    perfect, wordy = (0.0, 1.0, 100.0), (0.8, 3.0, 20.0)
    run = scripted(
        *[wordy, perfect, wordy, (0.0, 2.0, 99.0), wordy, wordy],
        checkpoints="{keep_last: 1, keep_best: 2}",
        **{"data.valid": "[{src: valid.en, tgt: labels}]"},
    )
    assert run.best.resolve() == run.model(4)
    assert run.model_steps() == [4, 8, 12]
    log = run.log.read_text()
    assert "WARNING BLEU is 0.00 whatever the translations are" in log
    assert "best is 100.00 at step 4" in log
    mean = average_models(run.path, Choice(best=2), tmp_path / "mean", validates=False)
    assert mean.steps == (4, 8)
