"""The best score, and patience."""

from mtcli.training.best_score import BestScore


def test_higher_is_better_but_for_loss():
    bleu, loss = BestScore("bleu"), BestScore("loss")
    assert [bleu.validated(s, i) for i, s in enumerate([3.0, 2.0, 3.0, 4.0])] == [
        True, False, False, True,
    ]  # fmt: skip
    assert (bleu.score, bleu.step, bleu.num_worse) == (4.0, 3, 0)
    assert [loss.validated(s, i) for i, s in enumerate([3.0, 2.0, 2.5])] == [True, True, False]


def test_patience():
    best = BestScore("bleu")
    best.validated(1.0, 1)
    for step in (2, 3):
        assert not best.is_exhausted(2)
        best.validated(0.5, step)
    assert best.is_exhausted(2)
    assert not best.is_exhausted(None)
