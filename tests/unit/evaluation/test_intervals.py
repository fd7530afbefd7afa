"""Intervals equal those of sacreBLEU's API, whatever the metric and the memory at hand."""

import numpy as np
import pytest
from sacrebleu.metrics import BLEU, CHRF, TER

from mtcli.evaluation import intervals
from mtcli.evaluation.intervals import interval
from mtcli.evaluation.measured import Measured, Scoring, Texts
from mtcli.evaluation.metrics import evaluate, measure
from tests.support.translations import changed_sentences

METRICS = {
    "bleu": lambda: BLEU(tokenize="13a", force=True),
    "chrf": CHRF,
    "chrf++": lambda: CHRF(word_order=2),
    "ter": TER,
}


@pytest.mark.parametrize("num_references", [1, 2])
@pytest.mark.parametrize("name", METRICS)
def test_they_are_sacrebleu_s(name, num_references):
    hypotheses, lists = changed_sentences(40, num_references)
    (ours,) = evaluate(hypotheses, lists, tgt_lang="de", metrics=[name], with_interval=True)
    metric = METRICS[name]()
    theirs = metric.corpus_score(hypotheses, lists, n_bootstrap=1000)
    assert ours.score == theirs.score
    assert ours.signature == str(metric.get_signature())
    assert (ours.high - ours.low) / 2 == pytest.approx(theirs._ci, abs=1e-4)
    assert (ours.high + ours.low) / 2 == pytest.approx(theirs._mean, abs=1e-4)
    assert f"{ours.low:.2f}" == f"{theirs._mean - theirs._ci:.2f}"


def test_memory_does_not_change_them(monkeypatch):
    hypotheses, lists = changed_sentences(23, 1)
    measured = measure("chrf", Texts(hypotheses, lists), Scoring())
    at_once = interval(measured)
    monkeypatch.setattr(intervals, "_MOST_CELLS", 23 * 7 + 1)
    assert interval(measured) == at_once


def shares(*values, **bounds):
    """A metric that is the mean of values."""
    counts = np.array([[value, 1.0] for value in values])
    return Measured(
        "share", counts, "nrefs:1|x:y", lambda s: 100 * s[0] / s[1], lambda s: 100 * s[0] / s[1],
        **bounds,
    )  # fmt: skip


def test_they_keep_the_metric_s_bounds():
    almost_all = shares(*[1.0] * 49, 0.0)
    assert interval(shares(*[1.0] * 49, 0.0, lowest=None, highest=None)).high > 100
    assert interval(almost_all).high == 100
    assert interval(shares(*[0.0] * 49, 1.0)).low == 0


def test_one_resample_is_the_text_of_a_line():
    assert interval(shares(0.25), num_resamples=1) == intervals.Interval(25, 25)
