"""The buffer of finished hypotheses against a sorted list."""

import random

import torch

from mtcli.decoding.finished import Finished
from mtcli.decoding.history import History
from mtcli.decoding.options import Hypothesis

INF = float("inf")


def test_the_best_are_kept_also_of_sentences_that_left():
    for seed in range(10):
        random.seed(seed)
        history = History(torch.arange(5), beam_size=1, vocab_size=50)
        finished = Finished(5, 2, like=torch.zeros(0, dtype=torch.float64))
        everything = {b: [] for b in range(5)}
        present = list(range(5))
        for step in range(4):
            scores = [[random.choice([-INF, -random.random()]) for _ in range(3)] for _ in present]
            for b, row in zip(present, scores, strict=True):
                everything[b] += [
                    (score, 10 * step + x) for x, score in enumerate(row) if score > -INF
                ]
            token_NX = torch.arange(3).expand(len(present), 3) + 10 * step
            score_NX = torch.tensor(scores, dtype=torch.float64)
            # Length 1 for all: the origin of a hypothesis is then V + its token.
            finished.add(score_NX, 2 * score_NX, token_NX + 50)
            worst = finished.worst_score().tolist()
            for b, score in zip(present, worst, strict=True):
                best = sorted((s for s, _ in everything[b]), reverse=True)
                assert score == (best[1] if len(best) > 1 else -INF)
            if step == 1:
                assert finished.keep_sentences(torch.tensor([4, 1])).tolist() == [4, 1]
                present = [4, 1]
        for b, got in enumerate(finished.hypotheses(history, eos_id=999)):
            want = sorted(everything[b], reverse=True)[:2]
            assert got == [
                Hypothesis((token,), False, 2 * score, score) for score, token in want
            ] or (not want and got == [Hypothesis((), False, -INF, -INF)])


def test_eos_is_taken_off_and_makes_a_hypothesis_complete():
    history = History(torch.arange(1), beam_size=2, vocab_size=10)
    finished = Finished(1, 2, like=torch.zeros(0))
    history.append(torch.tensor([[7, 8]]))
    # EOS is 3: after the second hypothesis it ends, after the first a 4 is where it was cut.
    finished.add(
        torch.tensor([[-1.0, -2.0]]), torch.tensor([[-2.0, -4.0]]), torch.tensor([[53, 44]])
    )
    assert finished.hypotheses(history, eos_id=3) == [
        [Hypothesis((8,), True, -2.0, -1.0), Hypothesis((7, 4), False, -4.0, -2.0)]
    ]
