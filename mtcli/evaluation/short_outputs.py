"""Count right answers: accuracy of labels, exact match of short answers."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

from mtcli.evaluation.measured import Measured, Scoring, Texts
from mtcli.evaluation.own_signature import own_signature


def count_right_labels(texts: Texts, scoring: Scoring) -> Measured:
    """Accuracy: the share of lines that are a reference, white space around them aside."""
    lowercase = scoring.lowercase

    def label(text: str) -> str:
        return text.strip().casefold() if lowercase else text.strip()

    signature = own_signature(texts, case="lc" if lowercase else "mixed", space="strip")
    return _right("accuracy", texts, label, signature)


def count_exact_matches(texts: Texts) -> Measured:
    """Exact match: the share of lines that are a reference except for case, punctuation and spaces.

    As answers to questions are scored, but articles count: they are words of English only.

    Source: Rajpurkar et al. 2016.
    """
    return _right(
        "exact_match", texts, _answer, own_signature(texts, case="lc", punct="no", space="norm")
    )


def _answer(text: str) -> str:
    letters = (
        " " if unicodedata.category(character).startswith("P") else character
        for character in unicodedata.normalize("NFC", text).casefold()
    )
    return " ".join("".join(letters).split())


def _right(name: str, texts: Texts, normalized: Callable[[str], str], signature: str) -> Measured:
    hypotheses = [normalized(text) for text in texts.hypotheses]
    accepted = [set(map(normalized, texts)) for texts in zip(*texts.references, strict=True)]
    pairs = zip(hypotheses, accepted, strict=True)
    return share_of_lines(name, [100.0 * (text in right) for text, right in pairs], signature)


def share_of_lines(
    name: str,
    values: Sequence[float],
    signature: str,
    bounds: tuple[float | None, float | None] = (0.0, 100.0),
) -> Measured:
    """A metric whose score is the mean of a value for each line."""
    import numpy as np

    return Measured(
        metric=name,
        counts_NC=np.array([[value, 1.0] for value in values], dtype=np.float64),
        signature=signature,
        score_of=_mean,
        score_of_line=_mean,
        lowest=bounds[0],
        highest=bounds[1],
    )


def _mean(counts: Sequence[float]) -> float:
    return counts[0] / counts[1]
