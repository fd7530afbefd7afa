"""Greedy search by logits finds what a beam of 1 finds by probabilities."""

import math

import numpy as np
import pytest
import torch

from mtcli.decoding import greedy
from mtcli.decoding.beam import beam_search
from mtcli.decoding.greedy import greedy_search
from mtcli.decoding.options import Hypothesis, SearchOptions
from mtcli.decoding.scorer import ModelScorer
from tests.support.exports import VOCAB_SIZE
from tests.support.models import VARIANTS, searched_model

PAD, BOS, EOS = 0, 2, 3
OPTIONS = SearchOptions(
    beam_size=1, bos_id=BOS, eos_id=EOS, forbidden_ids=(PAD, BOS), max_length=24
)


def sources(num=24):
    draw = np.random.default_rng(1)
    lengths = draw.integers(1, 20, size=num)
    ids_BS = torch.zeros((num, 20), dtype=torch.long)
    for row, length in zip(ids_BS, lengths, strict=True):
        row[:length] = torch.from_numpy(draw.integers(4, VOCAB_SIZE, size=length))
        row[length] = EOS
    return ids_BS, torch.from_numpy(draw.integers(1, 24, size=num))


def of_beam(scorer, ids_BS, limits):
    return [(h.token_ids, h.is_complete) for (h,) in beam_search(scorer, ids_BS, OPTIONS, limits)]


@pytest.mark.parametrize("look_every", [1, 8])
@pytest.mark.parametrize("variant", VARIANTS)
def test_it_finds_what_a_beam_of_one_finds(variant, look_every, monkeypatch):
    monkeypatch.setattr(greedy, "steps_between_looks", lambda _: look_every)
    scorer = ModelScorer(searched_model(variant).eval(), pad_id=PAD)
    ids_BS, limits = sources()
    found = greedy_search(scorer, ids_BS, OPTIONS, limits)
    assert [(h.token_ids, h.is_complete) for h in found] == of_beam(scorer, ids_BS, limits)
    assert all(math.isnan(h.score) and math.isnan(h.log_prob) for h in found)


def test_some_are_ended_and_some_cut():
    """Else the test above would compare one kind only."""
    ids_BS, limits = sources()
    complete = [
        is_complete
        for variant in VARIANTS
        for _, is_complete in of_beam(
            ModelScorer(searched_model(variant).eval(), pad_id=PAD), ids_BS, limits
        )
    ]
    assert 0.1 < sum(complete) / len(complete) < 0.9


def test_nothing_gives_nothing():
    scorer = ModelScorer(searched_model("pre-norm").eval(), pad_id=PAD)
    assert greedy_search(scorer, sources()[0][:0], OPTIONS) == []


def test_a_model_that_says_nan_gives_an_empty_hypothesis():
    model = searched_model("pre-norm").eval()
    with torch.no_grad():
        model.output_weight_VD.fill_(math.nan)
    scorer = ModelScorer(model, pad_id=PAD)
    ids_BS, limits = sources(3)
    nothing = Hypothesis((), False, -math.inf, -math.inf)
    assert greedy_search(scorer, ids_BS, OPTIONS, limits) == [nothing] * 3
    assert beam_search(scorer, ids_BS, OPTIONS, limits) == [[nothing]] * 3
