"""Constraints: what is refused, and the two masks on rows one can read."""

import math

import pytest
import torch

from mtcli.decoding.constraints import block_ngrams, penalize_repetition
from mtcli.decoding.ensemble import EnsembleScorer
from mtcli.decoding.options import SearchOptions
from mtcli.errors import ConfigError
from tests.reference import TableScorer

PENALTY = "`repetition_penalty`"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"no_repeat_ngram": -1}, "`no_repeat_ngram` must be at least 0, found `-1`"),
        ({"repetition_penalty": 0.0}, f"{PENALTY} must be a number above 0, found `0.0`"),
        (
            {"repetition_penalty": math.nan},
            f"{PENALTY} must be a number above 0, found `nan`",
        ),
        (
            {"repetition_penalty": math.inf},
            f"{PENALTY} must be a number above 0, found `inf`",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(changes, sentence):
    with pytest.raises(ConfigError) as caught:
        SearchOptions(beam_size=1, **changes)
    assert str(caught.value) == sentence


def blocked(fed, n):
    step = torch.zeros((len(fed), 9))
    block_ngrams(step, torch.tensor(fed), n)
    return [row.isinf().nonzero()[:, 0].tolist() for row in step]


def test_what_would_end_a_known_ngram_is_blocked():
    fed = [[5, 6, 5, 7, 5], [4, 4, 4, 4, 4], [4, 5, 6, 7, 8]]
    assert blocked(fed, 1) == [[5, 6, 7], [4], [4, 5, 6, 7, 8]]
    assert blocked(fed, 2) == [[6, 7], [4], []]
    assert blocked(fed, 3) == [[], [4], []]
    assert blocked([[5, 6, 7, 5, 6], [5, 6, 7, 6, 5]], 3) == [[7], []]
    assert blocked(fed, 5) == [[], [4], []]
    assert blocked(fed, 6) == [[], [], []]


def test_what_is_there_twice_is_penalized_once():
    step = torch.tensor([[-1.0, -2.0, -3.0, -math.inf], [-1.0, -2.0, -3.0, -4.0]])
    penalize_repetition(step, torch.tensor([[1, 1, 3], [0, 2, 0]]), 1.5)
    assert step.tolist() == [[-1.0, -3.0, -3.0, -math.inf], [-1.5, -2.0, -4.5, -4.0]]


def test_an_ensemble_needs_one_vocabulary():
    with pytest.raises(ValueError, match=r"need one vocabulary, not \[5, 6\]"):
        EnsembleScorer([TableScorer(5, seed=0), TableScorer(6, seed=0)])
