"""Invariant 7: the search against brute force and against its slow oracles, in float64."""

import itertools
import math

import pytest
import torch

from mtcli.config.schema.architecture import ModelConfig
from mtcli.decoding import beam
from mtcli.decoding.beam import beam_search
from mtcli.decoding.options import Hypothesis, SearchOptions
from mtcli.decoding.scorer import ModelScorer
from mtcli.model.seq2seq import Seq2Seq
from tests.reference import (
    TableScorer,
    all_hypotheses,
    log_prob_in_table,
    reference_beam_search,
    reference_greedy_search,
)

NORMALIZATIONS = [
    ("none", 1.0),
    ("average", 0.0),
    ("average", 0.6),
    ("average", 1.0),
    ("average", 2.0),
    ("gnmt", 0.6),
    ("gnmt", 1.0),
]
SENTENCES = [3, 0, 6, 1, 5, 2, 13, 4]


def options(**changes) -> SearchOptions:
    return SearchOptions(
        **{"beam_size": 3, "bos_id": 0, "eos_id": 1, "forbidden_ids": (0,), **changes}
    )


def search(scorer, sentences, wanted, max_lengths=None):
    limits = None if max_lengths is None else torch.tensor(max_lengths)
    return beam_search(scorer, torch.tensor(sentences)[:, None], wanted, limits)


def tokens_of(hypothesis: Hypothesis, eos_id: int = 1) -> tuple[int, ...]:
    return hypothesis.token_ids + ((eos_id,) if hypothesis.is_complete else ())


def assert_same(got: list[Hypothesis], want: list[Hypothesis]) -> None:
    assert [tokens_of(h) for h in got] == [tokens_of(h) for h in want]
    for one, other in zip(got, want, strict=True):
        assert math.isclose(one.log_prob, other.log_prob, rel_tol=1e-12)
        assert math.isclose(one.score, other.score, rel_tol=1e-12)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("normalization", "alpha"), NORMALIZATIONS)
def test_a_wide_beam_finds_what_brute_force_finds(normalization, alpha, seed):
    wanted = options(
        beam_size=120, num_hypotheses=8, max_length=4, stop="optimal",
        normalization=normalization, length_penalty=alpha,
    )  # fmt: skip
    scorer = TableScorer(5, seed=seed)
    for sentence, got in enumerate(search(scorer, range(4), wanted)):
        assert_same(got, all_hypotheses(scorer, sentence, wanted)[:8])


@pytest.mark.parametrize("stop", ["full", "optimal", "ctranslate2", "marian"])
@pytest.mark.parametrize("beam_size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize(("normalization", "alpha"), NORMALIZATIONS)
def test_the_search_is_the_reference_search(normalization, alpha, beam_size, stop):
    for seed in range(6):
        wanted = options(
            beam_size=beam_size, num_hypotheses=1 + seed % beam_size, max_length=9, stop=stop,
            normalization=normalization, length_penalty=alpha,
        )  # fmt: skip
        scorer = TableScorer(4 + 3 * seed, seed=seed, impossible=0.3 * (seed % 2))
        limits = [9, 4, 9, 1, 7, 9, 8, 9]
        got = search(scorer, SENTENCES, wanted, limits)
        for sentence, limit, hypotheses in zip(SENTENCES, limits, got, strict=True):
            assert_same(hypotheses, reference_beam_search(scorer, sentence, wanted, limit))


@pytest.mark.parametrize("stop", ["full", "optimal"])
def test_the_search_is_the_reference_search_over_a_vocabulary_in_parts(stop):
    for seed in range(3):
        wanted = options(beam_size=4, num_hypotheses=3, max_length=8, stop=stop)
        scorer = TableScorer(600 + seed, seed=seed)
        for sentence, got in zip(SENTENCES, search(scorer, SENTENCES, wanted), strict=True):
            assert_same(got, reference_beam_search(scorer, sentence, wanted, 8))


class BrokenScorer(TableScorer):
    """NaN after some of the prefixes."""

    def after(self, sentence: int, prefix: tuple[int, ...]) -> torch.Tensor:
        log_probs_V = super().after(sentence, prefix)
        is_broken = prefix and hash((sentence, *prefix)) % 3 == 0
        return torch.full_like(log_probs_V, torch.nan) if is_broken else log_probs_V


@pytest.mark.parametrize("stop", ["full", "optimal"])
def test_a_hypothesis_after_which_the_scorer_says_nan_is_dropped_alone(stop):
    for seed in range(10):
        wanted = options(beam_size=4, num_hypotheses=4, max_length=8, stop=stop)
        scorer = BrokenScorer(9, seed=seed)
        for sentence, got in zip(SENTENCES, search(scorer, SENTENCES, wanted), strict=True):
            want = reference_beam_search(scorer, sentence, wanted, 8)
            assert_same(got, want or [Hypothesis((), False, -math.inf, -math.inf)])


@pytest.mark.parametrize("vocab_size", [6, 700])
def test_a_beam_of_one_is_greedy(vocab_size):
    for seed in range(10):
        wanted, scorer = options(beam_size=1, max_length=12), TableScorer(vocab_size, seed=seed)
        for sentence, (got,) in zip(SENTENCES, search(scorer, SENTENCES, wanted), strict=True):
            assert tokens_of(got) == reference_greedy_search(scorer, sentence, wanted)


@pytest.mark.parametrize("stop", ["full", "optimal", "ctranslate2", "marian"])
@pytest.mark.parametrize("beam_size", [1, 3, 5])
def test_a_batch_finds_what_each_sentence_finds_alone_in_any_order(beam_size, stop):
    wanted = options(beam_size=beam_size, num_hypotheses=beam_size, max_length=20, stop=stop)
    for seed in range(5):
        scorer = TableScorer(8, seed=seed)
        alone = {s: search(scorer, [s], wanted)[0] for s in SENTENCES}
        scorer.batch_sizes.clear()
        assert search(scorer, SENTENCES, wanted) == [alone[s] for s in SENTENCES]
        # Sentences must have left in between, or this test says nothing; and only by halves.
        sizes = sorted(set(scorer.batch_sizes), reverse=True)
        assert sizes == sorted(set(scorer.batch_sizes), key=scorer.batch_sizes.index)
        assert len(sizes) > 1
        assert all(after <= before // 2 for before, after in itertools.pairwise(sizes))
        backwards = search(scorer, SENTENCES[::-1], wanted)
        assert backwards == [alone[s] for s in SENTENCES[::-1]]


@pytest.mark.parametrize("stop", ["full", "optimal"])
def test_looking_less_often_changes_nothing(stop, monkeypatch):
    wanted = options(beam_size=3, num_hypotheses=3, max_length=20, stop=stop)
    for seed in range(5):
        scorer = TableScorer(8, seed=seed)
        want = search(scorer, SENTENCES, wanted)
        with monkeypatch.context() as patch:
            patch.setattr(beam, "steps_between_looks", lambda device: 3)
            assert search(scorer, SENTENCES, wanted) == want


@pytest.mark.parametrize(("normalization", "alpha"), NORMALIZATIONS)
def test_what_is_reported_is_what_the_scorer_says_and_sorted(normalization, alpha):
    for seed in range(5):
        wanted = options(
            beam_size=5, num_hypotheses=5, max_length=7,
            normalization=normalization, length_penalty=alpha,
        )  # fmt: skip
        scorer = TableScorer(9, seed=seed)
        for sentence, got in zip(SENTENCES, search(scorer, SENTENCES, wanted), strict=True):
            assert len({tokens_of(h) for h in got}) == len(got) == 5
            assert sorted(got, key=lambda h: -h.score) == got
            for hypothesis in got:
                tokens = tokens_of(hypothesis)
                want = log_prob_in_table(scorer, sentence, tokens)
                assert math.isclose(hypothesis.log_prob, want, rel_tol=1e-12)
                penalty = wanted.penalty(len(tokens))
                assert math.isclose(hypothesis.score, want / penalty, rel_tol=1e-12)
                assert hypothesis.is_complete or len(tokens) == 7


@pytest.fixture(scope="module")
def model() -> Seq2Seq:
    torch.manual_seed(4)
    config = ModelConfig(
        d_model=24, num_heads=3, d_ff=40, encoder_layers=2, decoder_layers=2, max_positions=64,
        tied_embeddings="none",
    )  # fmt: skip
    model = Seq2Seq(config, 30, 30).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2.0)
        # EOS likely enough that some sentences end before they are cut.
        model.output_proj.weight[3] *= 1.5
    return model


SOURCES = [[5, 9, 4, 3], [7, 3], [28, 6, 6, 11, 12, 13, 3], [3], [17, 8, 3]]


def padded(sources) -> torch.Tensor:
    longest = max(map(len, sources))
    return torch.tensor([source + [0] * (longest - len(source)) for source in sources])


@pytest.mark.parametrize("beam_size", [1, 4])
def test_a_model_finds_in_a_batch_what_it_finds_alone(model, beam_size):
    scorer = ModelScorer(model, pad_id=0)
    wanted = SearchOptions(
        beam_size=beam_size, num_hypotheses=beam_size, bos_id=2, eos_id=3, forbidden_ids=(0, 1, 2),
        max_length=24,
    )  # fmt: skip
    batch = beam_search(scorer, padded(SOURCES), wanted)
    assert len({len(hypotheses[0].token_ids) for hypotheses in batch}) > 2
    for source, got in zip(SOURCES, batch, strict=True):
        (want,) = beam_search(scorer, padded([source]), wanted)
        assert [h.token_ids for h in got] == [h.token_ids for h in want]
        for one, other in zip(got, want, strict=True):
            assert math.isclose(one.score, other.score, rel_tol=1e-9)


@torch.no_grad()
def test_a_model_gives_a_hypothesis_the_log_probability_that_was_reported(model):
    wanted = SearchOptions(
        beam_size=4, num_hypotheses=4, bos_id=2, eos_id=3, forbidden_ids=(0, 1, 2), max_length=24
    )
    for source, got in zip(
        SOURCES, beam_search(ModelScorer(model, pad_id=0), padded(SOURCES), wanted), strict=True
    ):
        memory = model.encode(torch.tensor([source]), None)
        for hypothesis in got:
            tokens = torch.tensor([tokens_of(hypothesis, eos_id=3)])
            inputs = torch.cat([torch.tensor([[2]]), tokens[:, :-1]], dim=1)
            log_probs = model.output_logits(model.decode(inputs, memory, None)).log_softmax(-1)
            want = float(log_probs.gather(2, tokens[:, :, None]).sum())
            assert math.isclose(hypothesis.log_prob, want, rel_tol=1e-9)
