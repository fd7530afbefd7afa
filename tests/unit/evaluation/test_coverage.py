"""95 % intervals hold the true value in 93 to 97 % of 2,000 simulated test sets.

The lines of a test set are drawn from a population whose score is known.
"""

from dataclasses import replace

import numpy as np
import pytest
from sacrebleu.metrics import BLEU

from mtcli.evaluation.intervals import interval
from mtcli.evaluation.measured import Measured
from mtcli.evaluation.short_outputs import share_of_lines

NUM_SETS, NUM_LINES, POPULATION = 2000, 300, 20_000


def labels(rng):
    """Right in 70 % of the lines."""
    return share_of_lines("accuracy", 100.0 * (rng.random(POPULATION) < 0.7), "nrefs:1")


def summaries(rng):
    """Most are bad, few are good."""
    return share_of_lines("ROUGE-L", 100 * rng.beta(0.8, 2.5, POPULATION), "nrefs:1")


def translations(rng):
    """Easy and hard lines of different lengths, with the counts of BLEU."""
    lengths = rng.integers(6, 30, POPULATION)
    quality = rng.beta(4, 2, POPULATION)
    totals = np.stack([lengths - n for n in range(4)], axis=1)
    right = rng.binomial(totals, np.stack([quality ** (n + 1) for n in range(4)], axis=1))
    references = np.maximum(lengths + rng.integers(-2, 4, POPULATION), 1)
    counts = np.concatenate([lengths[:, None], references[:, None], right, totals], axis=1)
    metric = BLEU()

    def score(sums):
        return metric._compute_score_from_stats(sums).score

    return Measured("BLEU", counts.astype(np.float64), "nrefs:1", score, score)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("population", "num_resamples"),
    [(labels, 1000), (summaries, 1000), (translations, 200)],
    ids=["labels", "summaries", "translations"],
)
def test_coverage(population, num_resamples):
    rng = np.random.default_rng(1)
    whole = population(rng)
    truth, num_held = whole.score, 0
    for _ in range(NUM_SETS):
        lines = rng.integers(POPULATION, size=NUM_LINES)
        found = interval(
            replace(whole, counts_NC=whole.counts_NC[lines]), num_resamples=num_resamples
        )
        num_held += found.low <= truth <= found.high
    assert 0.93 <= num_held / NUM_SETS <= 0.97
