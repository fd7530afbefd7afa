"""A comparison of made-up systems, as `mtcli compare` finds it."""

from __future__ import annotations

from mtcli.evaluation.buckets import count_words, make_buckets
from mtcli.evaluation.measured import Scoring
from mtcli.evaluation.side_by_side import Cost, OutputCounts, SideBySide, System, side_by_side
from tests.support.translations import changed_sentences

HYPOTHESES, (REFERENCES,) = changed_sentences(80, 1)
SHORTER = [text if row % 3 else " ".join(text.split()[:2]) for row, text in enumerate(HYPOTHESES)]
RIGHT = [
    text if row % 4 else ref
    for row, (text, ref) in enumerate(zip(HYPOTHESES, REFERENCES, strict=True))
]


def made_comparison(*names: str, metrics: tuple[str, ...] = ("ter",)) -> SideBySide:
    """Systems of these names: the first is the baseline, the others are worse, better, worse ..."""
    outputs = [HYPOTHESES, *[SHORTER, RIGHT] * len(names)]
    systems = [
        System(
            name,
            lines,
            OutputCounts(1, 2, 3, None if number else 4, 5, 0.9),
            None if number else Cost(12.5, 6.4, 1_115_520, 4_473_464),
        )
        for number, (name, lines) in enumerate(zip(names, outputs, strict=False))
    ]
    return side_by_side(
        systems,
        REFERENCES,
        [REFERENCES],
        metrics=metrics,
        scoring=Scoring("en"),
        buckets=make_buckets(REFERENCES, REFERENCES, count_words(REFERENCES, REFERENCES[::2])),
        num_sentences=3,
        training_text="train.en",
    )
