"""Invariant 7 for what is put around a scorer: prefixes, n-gram block, penalty, ensembles."""

import itertools
import math

import pytest
import torch

from mtcli.decoding.beam import beam_search
from mtcli.decoding.constraints import ConstrainedScorer
from mtcli.decoding.ensemble import EnsembleScorer
from mtcli.decoding.options import Hypothesis, SearchOptions
from tests.reference import (
    ConstrainedTable,
    MeanTable,
    TableScorer,
    all_hypotheses,
    log_prob_in_table,
    reference_beam_search,
)

SENTENCES = [3, 0, 6, 1, 5, 2]
PREFIXES = {3: (2, 2), 0: (), 6: (4,), 1: (3, 2, 4, 2), 5: (0,), 2: ()}

CONSTRAINTS = {
    "prefix": {"prefix_ids": tuple(PREFIXES[s] for s in SENTENCES)},
    "unigrams": {"no_repeat_ngram": 1},
    "bigrams": {"no_repeat_ngram": 2},
    "trigrams": {"no_repeat_ngram": 3},
    "penalty": {"repetition_penalty": 1.4},
    "reward": {"repetition_penalty": 0.8},
    "forbidden": {"forbidden_ids": (0, 3)},
    "all": {
        "prefix_ids": tuple(PREFIXES[s] for s in SENTENCES),
        "no_repeat_ngram": 2,
        "repetition_penalty": 1.2,
        "forbidden_ids": (0, 3),
    },
}


def options(**changes) -> SearchOptions:
    return SearchOptions(**{"beam_size": 3, "bos_id": 0, "eos_id": 1, **changes})


def constrained(table, prefix_ids=(), **changes) -> ConstrainedScorer:
    return ConstrainedScorer(table, options(**changes), prefix_ids)


def search(scorer, wanted, sentences=SENTENCES) -> list[list[Hypothesis]]:
    return beam_search(scorer, torch.tensor(sentences)[:, None], wanted)


def assert_same(got: list[Hypothesis], want: list[Hypothesis]) -> None:
    assert [h[:2] for h in got] == [h[:2] for h in want]
    for one, other in zip(got, want, strict=True):
        assert math.isclose(one.log_prob, other.log_prob, rel_tol=1e-12)
        assert math.isclose(one.score, other.score, rel_tol=1e-12)


def oracle(table, prefix_ids=(), **changes):
    return ConstrainedTable(table, options(**changes), PREFIXES if prefix_ids else {})


@pytest.mark.parametrize("beam_size", [1, 3, 5])
@pytest.mark.parametrize("name", CONSTRAINTS)
def test_a_constrained_search_is_the_reference_search_over_the_constrained_table(name, beam_size):
    wanted = CONSTRAINTS[name]
    for seed in range(4):
        table = TableScorer(6, seed=seed)
        how = options(
            beam_size=beam_size, num_hypotheses=beam_size, max_length=8,
            stop=("full", "optimal")[seed % 2],
        )  # fmt: skip
        found = search(constrained(table, **wanted), how)
        for sentence, got in zip(SENTENCES, found, strict=True):
            assert_same(got, reference_beam_search(oracle(table, **wanted), sentence, how, 8))


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_a_wide_constrained_beam_finds_what_brute_force_finds(name):
    wanted = CONSTRAINTS[name]
    how = options(beam_size=130, num_hypotheses=6, max_length=5, stop="optimal")
    for seed in range(2):
        table = TableScorer(5, seed=seed)
        found = search(constrained(table, **wanted), how)
        for sentence, got in zip(SENTENCES, found, strict=True):
            assert_same(got, all_hypotheses(oracle(table, **wanted), sentence, how)[:6])


def test_a_prefix_is_continued_and_counted():
    table, wanted = TableScorer(7, seed=5), CONSTRAINTS["prefix"]
    how = options(num_hypotheses=3, max_length=9)
    for sentence, got in zip(SENTENCES, search(constrained(table, **wanted), how), strict=True):
        prefix = PREFIXES[sentence]
        assert len(got) == 3
        for hypothesis in got:
            assert hypothesis.token_ids[: len(prefix)] == prefix
            tokens = hypothesis.token_ids + ((1,) if hypothesis.is_complete else ())
            want = log_prob_in_table(table, sentence, tokens)
            assert math.isclose(hypothesis.log_prob, want, rel_tol=1e-12)


def test_a_prefix_may_hold_what_is_forbidden_and_repeats_itself():
    table = TableScorer(7, seed=5)
    wanted = {
        "prefix_ids": ((4, 5, 4, 5, 4),),
        "forbidden_ids": (4,),
        "no_repeat_ngram": 2,
        "repetition_penalty": 3.0,
    }
    ((got, *_),) = search(constrained(table, **wanted), options(max_length=9), [2])
    assert got.token_ids[:5] == (4, 5, 4, 5, 4)
    assert 4 not in got.token_ids[5:]
    forced = log_prob_in_table(table, 2, (4, 5, 4, 5, 4))
    assert got.log_prob < forced


def test_a_prefix_longer_than_the_limit_is_cut():
    scorer = constrained(TableScorer(7, seed=5), prefix_ids=((4, 5, 3, 2, 4),))
    ((got,),) = search(scorer, options(max_length=3), [2])
    assert got[:2] == ((4, 5, 3), False)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_no_ngram_comes_twice(n):
    # a table that repeats itself without end: what it says does not depend on the prefix
    class Stuck(TableScorer):
        def after(self, sentence, prefix):
            logits = torch.tensor([-9.0, -4.0, 1.0, 1.5, 0.5, 0.0, -1.0])
            return logits.double().log_softmax(-1)

    how = options(max_length=20, stop="optimal", length_penalty=2.0)
    free = search(Stuck(7, seed=0), how)[0][0].token_ids
    assert free == (3,) * 20
    got = search(constrained(Stuck(7, seed=0), no_repeat_ngram=n), how)
    for (hypothesis,) in got:
        tokens = hypothesis.token_ids
        ngrams = list(zip(*(tokens[i:] for i in range(n)), strict=False))
        assert len(ngrams) == len(set(ngrams))
        assert len(tokens) >= min(n, 2)


@pytest.mark.parametrize("beam_size", [1, 3])
def test_a_constrained_batch_finds_what_each_sentence_finds_alone(beam_size):
    prefixes = tuple(PREFIXES[s] for s in SENTENCES)
    how = options(beam_size=beam_size, num_hypotheses=beam_size, max_length=20)
    for seed in range(4):
        table = TableScorer(8, seed=seed)
        batch = search(constrained(table, prefixes, no_repeat_ngram=2), how)
        assert len(set(table.batch_sizes)) > 1
        for sentence, prefix, got in zip(SENTENCES, prefixes, batch, strict=True):
            alone = constrained(table, (prefix,), no_repeat_ngram=2)
            assert search(alone, how, [sentence]) == [got]


@pytest.mark.parametrize("num_members", [1, 2, 3])
@pytest.mark.parametrize("beam_size", [1, 3, 5])
def test_an_ensemble_searches_the_mean_probabilities(beam_size, num_members):
    how = options(beam_size=beam_size, num_hypotheses=beam_size, max_length=8, forbidden_ids=(0,))
    for seed in range(4):
        tables = [
            TableScorer(6, seed=10 * seed + member, impossible=0.3 * member)
            for member in range(num_members)
        ]
        found = search(EnsembleScorer(tables), how)
        for sentence, got in zip(SENTENCES, found, strict=True):
            assert_same(got, reference_beam_search(MeanTable(tables), sentence, how, 8))


def test_a_wide_beam_over_an_ensemble_finds_what_brute_force_finds():
    how = options(beam_size=130, num_hypotheses=6, max_length=4, stop="optimal")
    tables = [TableScorer(5, seed=1), TableScorer(5, seed=2)]
    for sentence, got in zip(SENTENCES, search(EnsembleScorer(tables), how), strict=True):
        assert_same(got, all_hypotheses(MeanTable(tables), sentence, how)[:6])
    alone = [search(table, how) for table in tables]
    assert all(a != b for a, b in itertools.pairwise([*alone, search(EnsembleScorer(tables), how)]))
