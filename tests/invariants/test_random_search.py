"""Samples against exact probabilities and against a slow sampler with the same noise."""

import math
from collections import Counter
from dataclasses import replace

import pytest
import torch

from mtcli.decoding import sampling as sampling_module
from mtcli.decoding.constraints import ConstrainedScorer
from mtcli.decoding.options import Hypothesis, Sampling, SearchOptions
from mtcli.decoding.sampling import sample
from tests.reference import (
    ConstrainedTable,
    TableScorer,
    log_prob_in_table,
    reference_sample,
    sampling_distribution,
)

SENTENCES = [3, 0, 6, 1, 5, 2, 13, 4]
WAYS = {
    "plain": Sampling(seed=3),
    "cold": Sampling(seed=-4, temperature=0.5),
    "hot": Sampling(seed=2**40, temperature=1.7),
    "top-k": Sampling(seed=5, top_k=3),
    "top-p": Sampling(seed=6, top_p=0.7),
    "narrow": Sampling(seed=7, top_p=0.01),
    "all": Sampling(seed=8, temperature=1.3, top_k=4, top_p=0.8),
}


def options(**changes) -> SearchOptions:
    return SearchOptions(
        **{
            "beam_size": 50, "bos_id": 0, "eos_id": 1, "forbidden_ids": (0,), "num_hypotheses": 3,
            "max_length": 9, **changes,
        }
    )  # fmt: skip


def draw(scorer, sentences, how, wanted, keys=None, limits=None) -> list[list[Hypothesis]]:
    keys = torch.tensor(keys if keys is not None else [100 + s for s in sentences])
    limits = None if limits is None else torch.tensor(limits)
    src_ids = torch.tensor(sentences)[:, None]
    return sample(scorer, src_ids, replace(wanted, sampling=how), keys, limits)


def assert_same(got: Hypothesis, want: Hypothesis) -> None:
    assert got[:2] == want[:2]
    assert math.isclose(got.log_prob, want.log_prob, rel_tol=1e-12)
    assert math.isclose(got.score, want.score, rel_tol=1e-12)


@pytest.mark.parametrize("name", WAYS)
def test_the_sampler_is_the_slow_sampler_given_the_same_noise(name):
    how, wanted = WAYS[name], options()
    for seed in range(4):
        scorer = TableScorer(5 + 3 * seed, seed=seed, impossible=0.3 * (seed % 2))
        found = draw(scorer, SENTENCES, how, wanted)
        assert name == "narrow" or len({h for sentence in found for h in sentence}) > 10
        for sentence, got in zip(SENTENCES, found, strict=True):
            for k, hypothesis in enumerate(got):
                want = reference_sample(scorer, sentence, wanted, how, 100 + sentence, k)
                assert_same(hypothesis, want)


@pytest.mark.parametrize("top_k", [None, 300])
@pytest.mark.parametrize(("temperature", "top_p"), [(1.0, 0.5), (1.0, 0.97), (4.0, 1.0)])
def test_a_nucleus_is_found_in_a_large_vocabulary(temperature, top_p, top_k):
    how = Sampling(seed=1, temperature=temperature, top_p=top_p, top_k=top_k)
    scorer, wanted = TableScorer(500, seed=2), options(max_length=5)
    for sentence, got in zip(SENTENCES, draw(scorer, SENTENCES, how, wanted), strict=True):
        for k, hypothesis in enumerate(got):
            want = reference_sample(scorer, sentence, wanted, how, 100 + sentence, k)
            assert_same(hypothesis, want)


def exact_shares(scorer, sentence, how, wanted) -> dict[tuple[tuple[int, ...], bool], float]:
    """Probability of every sample."""
    shares: Counter = Counter()

    def extend(tokens: tuple[int, ...], share: float) -> None:
        if tokens[-1:] == (1,) or len(tokens) == wanted.max_length:
            is_complete = tokens[-1] == 1
            shares[tokens[:-1] if is_complete else tokens, is_complete] += share
            return
        raw = scorer.after(sentence, tokens).tolist()
        allowed = [-math.inf if i in wanted.forbidden_ids else x for i, x in enumerate(raw)]
        for token, p in enumerate(sampling_distribution(allowed, how)):
            if p:
                extend((*tokens, token), share * p)

    extend((), 1.0)
    assert math.isclose(math.fsum(shares.values()), 1)
    return shares


@pytest.mark.parametrize("name", ["plain", "cold", "top-k", "top-p", "all"])
def test_samples_come_as_often_as_they_are_likely(name):
    how, wanted = WAYS[name], options(num_hypotheses=50, max_length=3)
    scorer, num_lines = TableScorer(5, seed=11), 120
    found = draw(scorer, [2] * num_lines, how, wanted, keys=list(range(num_lines)))
    counts = Counter(h[:2] for sentence in found for h in sentence)
    shares = exact_shares(scorer, 2, how, wanted)
    assert counts.keys() <= shares.keys()
    N = 50 * num_lines
    # chi-square over all that is expected often enough; the rest is one cell
    rare = [x for x in shares if N * shares[x] < 8]
    cells = [(counts[x], N * shares[x]) for x in shares if x not in rare]
    if rare:
        cells.append((sum(counts[x] for x in rare), N * sum(shares[x] for x in rare)))
    freedom = len(cells) - 1
    chi_square = sum((seen - expected) ** 2 / expected for seen, expected in cells)
    assert freedom >= 3
    # mean `freedom`, variance twice that: 4 deviations (the noise is fixed, so this cannot flicker)
    assert chi_square < freedom + 4 * math.sqrt(2 * freedom)


@pytest.mark.parametrize("name", WAYS)
def test_a_sample_depends_on_seed_key_and_number_alone(name):
    how, wanted, scorer = WAYS[name], options(max_length=20), TableScorer(8, seed=1)
    batch = dict(zip(SENTENCES, draw(scorer, SENTENCES, how, wanted), strict=True))
    assert len(set(scorer.batch_sizes)) > 1
    for sentence in SENTENCES:
        assert draw(scorer, [sentence], how, wanted) == [batch[sentence]]
    backwards = draw(scorer, SENTENCES[::-1], how, wanted)
    assert backwards == [batch[s] for s in SENTENCES[::-1]]
    more = draw(scorer, SENTENCES, how, options(max_length=20, num_hypotheses=5))
    assert [hypotheses[:3] for hypotheses in more] == [batch[s] for s in SENTENCES]
    if name != "narrow":
        assert draw(scorer, [3], how, wanted, keys=[7]) != [batch[3]]
        other = Sampling(seed=99, temperature=how.temperature, top_k=how.top_k, top_p=how.top_p)
        assert draw(scorer, [3], other, wanted) != [batch[3]]
    else:
        assert len(set(batch[3])) == 1


def test_looking_less_often_changes_nothing(monkeypatch):
    scorer, wanted = TableScorer(8, seed=1), options(max_length=20)
    limits = [20, 3, 1, 20, 8, 20, 4, 20]
    want = draw(scorer, SENTENCES, WAYS["plain"], wanted, limits=limits)
    monkeypatch.setattr(sampling_module, "steps_between_looks", lambda device: 3)
    assert draw(scorer, SENTENCES, WAYS["plain"], wanted, limits=limits) == want
    for limit, hypotheses in zip(limits, want, strict=True):
        for h in hypotheses:
            assert len(h.token_ids) + h.is_complete <= limit
            assert h.is_complete or len(h.token_ids) == limit


def test_what_is_reported_is_what_the_scorer_says():
    scorer, wanted = TableScorer(9, seed=4), options(num_hypotheses=6)
    for sentence, got in zip(SENTENCES, draw(scorer, SENTENCES, WAYS["all"], wanted), strict=True):
        for h in got:
            tokens = h.token_ids + ((1,) if h.is_complete else ())
            want = log_prob_in_table(scorer, sentence, tokens)
            assert math.isclose(h.log_prob, want, rel_tol=1e-12)
            assert math.isclose(h.score, want / wanted.penalty(len(tokens)), rel_tol=1e-12)


def test_constraints_hold_for_samples():
    prefixes = {3: (2, 2), 0: (), 6: (4, 0), 1: (3,)}
    wanted = options(no_repeat_ngram=2, forbidden_ids=(0,))
    scorer, how = TableScorer(6, seed=3), options(forbidden_ids=())
    found = draw(
        ConstrainedScorer(scorer, wanted, tuple(prefixes.values())),
        list(prefixes),
        WAYS["hot"],
        how,
    )
    oracle = ConstrainedTable(scorer, wanted, prefixes)
    for sentence, got in zip(prefixes, found, strict=True):
        for k, hypothesis in enumerate(got):
            want = reference_sample(oracle, sentence, how, WAYS["hot"], 100 + sentence, k)
            assert_same(hypothesis, want)


def test_nan_makes_a_sample_empty_and_leaves_the_others():
    class Broken(TableScorer):
        def after(self, sentence, prefix):
            said = super().after(sentence, prefix)
            return torch.full_like(said, torch.nan) if sentence == 5 and prefix else said

    fine, wanted = TableScorer(6, seed=1), options(max_length=6)
    got = draw(Broken(6, seed=1), [3, 5, 2], WAYS["all"], wanted)
    want = draw(fine, [3, 5, 2], WAYS["all"], wanted)
    assert [got[0], got[2]] == [want[0], want[2]]
    nothing = Hypothesis((), False, -math.inf, -math.inf)
    for one, other in zip(got[1], want[1], strict=True):
        assert one in (nothing, other)
    assert nothing in got[1]


def test_no_sentences_are_no_samples():
    scorer = TableScorer(5, seed=0)
    empty = torch.empty((0, 1), dtype=torch.long)
    wanted = options(sampling=Sampling())
    assert sample(scorer, empty, wanted, torch.empty(0, dtype=torch.long)) == []
