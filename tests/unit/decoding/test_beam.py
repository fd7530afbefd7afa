"""The search at its edges."""

import math

import pytest
import torch

from mtcli.decoding.beam import beam_search, steps_between_looks
from mtcli.decoding.options import Hypothesis, SearchOptions
from tests.reference import TableScorer, TableState

PAD, UNK, BOS, EOS = 0, 1, 2, 3
NOTHING = Hypothesis((), False, -math.inf, -math.inf)


class FixedScorer(TableScorer):
    """The same distribution after every prefix: of sentence i row i of a table. Float32."""

    dtype = torch.float32

    def __init__(self, rows: list[list[float]]) -> None:
        super().__init__(len(rows[0]), seed=0)
        self.logits = torch.tensor(rows)
        self.max_length = 0
        self.fed: list[int] = []

    def start(self, src_ids_BS: torch.Tensor, *, beam_size: int, max_length: int) -> TableState:
        self.max_length = max_length
        return super().start(src_ids_BS, beam_size=beam_size, max_length=max_length)

    def log_probs(self, ids_R: torch.Tensor, state: TableState) -> torch.Tensor:
        self.fed += ids_R.tolist()
        return super().log_probs(ids_R, state)

    def after(self, sentence: int, prefix: tuple[int, ...]) -> torch.Tensor:
        return self.logits[sentence].log_softmax(-1)


def options(**changes) -> SearchOptions:
    return SearchOptions(
        **{
            "beam_size": 2, "bos_id": BOS, "eos_id": EOS, "forbidden_ids": (PAD, BOS),
            "max_length": 6, **changes,
        }
    )  # fmt: skip


def search(scorer, wanted, num_sentences=1, limits=None):
    sources = torch.arange(num_sentences)[:, None]
    return beam_search(scorer, sources, wanted, None if limits is None else torch.tensor(limits))


def test_no_sentences_are_no_answers():
    assert search(FixedScorer([[0.0] * 5]), options(), num_sentences=0) == []


def test_the_first_token_is_bos_and_an_empty_translation_is_possible():
    scorer = FixedScorer([[0.0, 0.0, 0.0, 9.0, 0.0]])
    ((hypothesis,),) = search(scorer, options(beam_size=1))
    log_prob = 9 - math.log(math.exp(9) + 4)
    assert hypothesis[:2] == ((), True)
    assert hypothesis.log_prob == pytest.approx(log_prob, rel=1e-4)
    assert hypothesis.score == hypothesis.log_prob
    assert scorer.fed == [BOS]


@pytest.mark.parametrize("beam_size", [1, 2, 7])
@pytest.mark.parametrize("stop", ["full", "optimal"])
def test_forbidden_tokens_never_come_and_take_their_probability_along(beam_size, stop):
    scorer = FixedScorer([[8.0, 1.0, 8.0, 0.5, 1.5]])
    wanted = options(beam_size=beam_size, num_hypotheses=beam_size, stop=stop)
    (hypotheses,) = search(scorer, wanted)
    log_probs = scorer.after(0, ()).double().tolist()
    for hypothesis in hypotheses:
        assert set(hypothesis.token_ids) <= {UNK, 4}
        tokens = [*hypothesis.token_ids, *([EOS] if hypothesis.is_complete else [])]
        assert hypothesis.log_prob == pytest.approx(sum(log_probs[t] for t in tokens), rel=1e-5)
    without_unk = options(forbidden_ids=(PAD, UNK, BOS), beam_size=beam_size, stop=stop)
    assert UNK not in search(scorer, without_unk)[0][0].token_ids


def test_a_hypothesis_is_cut_at_the_limit_of_its_sentence():
    scorer = FixedScorer([[0.0, 0.0, 0.0, -9.0, 9.0]] * 4)
    found = search(scorer, options(beam_size=1), num_sentences=4, limits=[3, 0, 99, 5])
    assert [h.token_ids for (h,) in found] == [(4,) * n for n in (3, 1, 6, 5)]
    assert not any(h.is_complete for (h,) in found)
    # The longest of all: what the scorer must have room for.
    assert scorer.max_length == 6
    search(scorer, options(beam_size=1), num_sentences=2, limits=[3, 2])
    assert scorer.max_length == 3


def test_cut_hypotheses_are_ranked_among_the_complete_ones():
    # Token 4 is likelier than EOS: cut at 2, `4 4` has the better average, `4` EOS is complete.
    scorer = FixedScorer([[-9.0, -9.0, -9.0, 0.0, 1.0]])
    (found,) = search(scorer, options(max_length=2, num_hypotheses=2))
    assert [(h.token_ids, h.is_complete) for h in found] == [((4, 4), False), ((4,), True)]


def test_full_stops_at_as_many_hypotheses_as_the_beam_is_wide():
    # After the first step one of two has ended (EOS is second best), after the second step both.
    scorer = FixedScorer([[-9.0, -9.0, -9.0, 0.0, 0.5]])
    search(scorer, options(max_length=50))
    assert len(scorer.batch_sizes) == 2


def test_full_goes_on_as_optimal_does_if_there_is_no_length_penalty():
    # Two 4s, each likelier than EOS, then EOS alone: by the second step two have ended, but what
    # goes on is better than both.
    class LateScorer(FixedScorer):
        def after(self, sentence: int, prefix: tuple[int, ...]) -> torch.Tensor:
            eos = 9.0 if len(prefix) == 2 else -1.0
            return torch.tensor([-9.0, -9.0, -9.0, eos, 1.0]).log_softmax(-1)

    for without in ({"normalization": "none"}, {"length_penalty": 0.0}):
        scorer = LateScorer([[0.0] * 5])
        ((found,),) = search(scorer, options(max_length=50, **without))
        assert found.token_ids == (4, 4)
        assert len(scorer.batch_sizes) == 3
    ((found,),) = search(LateScorer([[0.0] * 5]), options(length_penalty=0.01))
    assert found.token_ids == ()


def test_the_beam_of_marian_is_narrower_by_one_after_each_hypothesis_that_ends():
    # EOS, 4 and 5 in this order; then 5 goes on alone to EOS, and 4 to anything.
    class RaceScorer(FixedScorer):
        def after(self, sentence: int, prefix: tuple[int, ...]) -> torch.Tensor:
            probabilities = {(): [0.5, 0.3, 0.2], (5,): [0.98, 0.01, 0.01]}
            eos_4_5 = probabilities.get(prefix, [0.1, 0.45, 0.45])
            return torch.tensor([0.0, 0.0, 0.0, *eos_4_5]).log()

    def found(**changes):
        (hypotheses,) = search(RaceScorer([[0.0] * 6]), options(num_hypotheses=2, **changes))
        return {hypothesis.token_ids for hypothesis in hypotheses}

    for penalty in ({}, {"normalization": "none"}):
        assert found(stop="full", **penalty) == {(), (5,)}
        assert (5,) not in found(stop="marian", **penalty)


def test_optimal_stops_when_nothing_better_can_come():
    # log P(EOS) = -0.313: of 4s with EOS, n tokens long, the best undivided is n = 1; what goes on
    # has -1.3 already.
    scorer = FixedScorer([[-9.0, -9.0, -9.0, 1.0, 0.0]])
    wanted = options(stop="optimal", normalization="none", max_length=50)
    assert search(scorer, wanted)[0][0].token_ids == ()
    assert len(scorer.batch_sizes) == 1
    # Divided by at most 50, n times -1.313 cannot come above -0.313 from n = 12 on.
    scorer.batch_sizes.clear()
    search(scorer, options(stop="optimal", normalization="average", max_length=50))
    assert len(scorer.batch_sizes) == 12


@pytest.mark.parametrize("beam_size", [1, 3])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_sentence_without_probabilities_gets_an_empty_translation(bad, beam_size):
    fine = [0.0, 0.3, 0.0, 1.0, 0.5]
    scorer = FixedScorer([fine, [bad] * 5, [0.0, bad, 0.0, 0.0, 1.0], fine])
    wanted = options(beam_size=beam_size, num_hypotheses=beam_size)
    found = search(scorer, wanted, num_sentences=4)
    assert found[1] == [NOTHING]
    if bad != -math.inf:
        assert found[2] == [NOTHING]
    assert found[0] == found[3] == search(FixedScorer([fine]), wanted)[0] != [NOTHING]
    assert all(0 <= token < 5 for token in scorer.fed)


def test_nan_in_the_middle_of_a_batch_never_feeds_what_is_not_in_the_vocabulary():
    for seed in range(20):
        torch.manual_seed(seed)
        rows = torch.randn(4, 700)
        rows[torch.rand(4, 700) < 0.01] = math.nan
        rows[2] = torch.randn(700)
        scorer = FixedScorer(rows.tolist())
        found = search(scorer, options(beam_size=4, num_hypotheses=4), num_sentences=4)
        assert all(0 <= token < 700 for token in scorer.fed)
        assert len(found[2]) == 4
        assert all(not math.isnan(h.score) for hypotheses in found for h in hypotheses)


def test_a_beam_wider_than_the_vocabulary_finds_what_there_is():
    scorer = FixedScorer([[0.0, 0.0, 0.0, 0.0, 1.0]])
    wanted = options(beam_size=20, num_hypotheses=20, max_length=2, forbidden_ids=(PAD, UNK, BOS))
    (found,) = search(scorer, wanted)
    assert {(h.token_ids, h.is_complete) for h in found} == {
        ((), True), ((4,), True), ((4, 4), False),
    }  # fmt: skip


def test_a_float32_search_returns_plain_numbers():
    ((hypothesis,),) = search(FixedScorer([[0.0, 0.3, 0.0, 1.0, 0.5]]), options())
    assert isinstance(hypothesis.token_ids, tuple)
    assert all(type(token) is int for token in hypothesis.token_ids)
    assert type(hypothesis.score) is type(hypothesis.log_prob) is float
    assert type(hypothesis.is_complete) is bool


def test_the_host_looks_every_step_on_the_cpu_alone():
    assert steps_between_looks(torch.device("cpu")) == 1
    assert steps_between_looks(torch.device("cuda")) > 1
