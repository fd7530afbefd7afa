"""The answer for one text: its translations, and flags for what a reader should doubt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from mtcli.decoding.options import Hypothesis
from mtcli.tokenizer.protocol import Tokenizer
from mtcli.translating.controls import without_controls
from mtcli.translating.parts import join_parts

Flag = Literal["empty", "split", "truncated", "repeated", "low_confidence", "unseen"]
"""
empty: the translation is empty.
split: translated in parts: the text was too long, or its sentences were translated one by one.
truncated: the translation was cut off at its longest length.
repeated: the translation repeats itself (`mtcli.translating.repetition` says when).
low_confidence: log-probability per piece lower than in 95 % of the translations of the model's
    validation; of a model that does not know that, below `LOW_CONFIDENCE`.
unseen: the source has characters that training never showed to the model.
"""

Link = tuple[int, int]
"""A source word and a target word, counted from 0."""

LOW_CONFIDENCE = -1.0
"""Mean natural log-probability of a piece, EOS counted, below which a translation is doubtful;
-1 is a probability of 37 %. Whisper's `logprob_threshold` is the same. Models that were validated
have a limit of their own."""

LOW_CONFIDENCE_PERCENTILE = 5
"""Per cent of the validation's translations that a model's own limit would mark."""


class Translation(NamedTuple):
    """One translation of one text."""

    text: str
    log_prob: float
    """Natural log-probability of the output pieces and EOS, summed; over all parts of a
    split text."""
    score: float
    """log_prob after length normalisation; of a split text, the mean over its parts."""
    token_ids: tuple[int, ...] = ()
    """Pieces of the output, without EOS; those of all parts one after another."""
    alignment: tuple[Link, ...] | None = None
    """Links from words of the source to words of `text`; None if none were asked for."""


class Answer(NamedTuple):
    """Everything that is known of one translated text."""

    translations: tuple[Translation, ...]
    """Best first, at least one."""
    num_parts: int
    """Parts that it was translated in: usually 1, and 0 if there was nothing to translate."""
    flags: tuple[Flag, ...]
    """Flags of the best translation, in the order of `Flag`."""
    is_over_limit: bool
    """Whether a sentence of it was longer than any in training, and so was split."""
    log_prob_per_piece: float = 0.0
    """Natural log-probability of a piece of the best translation, EOS counted, on average."""
    unseen: str = ""
    """Characters of the source that were in no source of the training, each once."""

    @property
    def confidence(self) -> float:
        """Probability of a piece of the best translation, in the geometric mean, 0 to 1."""
        return math.exp(min(self.log_prob_per_piece, 0.0))


def join_answer(
    parts: Sequence[Sequence[Hypothesis]],
    tokenizer: Tokenizer,
    *,
    is_repeated: bool,
    is_over_limit: bool,
    prefix: str = "",
    low_confidence: float = LOW_CONFIDENCE,
    unseen: str = "",
) -> Answer:
    """Make an answer of the hypotheses of each part; the k-th translation joins the k-th of each.

    Args:
        parts: hypotheses of each part, best first; none if there was nothing to translate.
        tokenizer: of the target side.
        is_repeated: whether the best hypothesis of a part repeats itself.
        is_over_limit: whether a sentence was split because it is too long.
        prefix: what the translation begins with, and all of it if there was nothing to translate.
        low_confidence: log-probability per piece below which the translation is doubtful.
        unseen: characters of the source that were in no source of the training.
    """
    if not parts:
        return _nothing_translated(prefix, tokenizer)
    translations = tuple(_join(ranked, tokenizer) for ranked in zip(*parts, strict=False))
    best = translations[0]
    num_scored = sum(
        len(ranked[0].token_ids) + ranked[0].is_complete for ranked in parts
    )  # EOS counts where there is one
    log_prob_per_piece = best.log_prob / max(num_scored, 1)
    flags: dict[Flag, bool] = {
        "empty": not best.text,
        "split": len(parts) > 1,
        "truncated": not all(ranked[0].is_complete for ranked in parts),
        "repeated": is_repeated,
        "low_confidence": log_prob_per_piece < low_confidence,
        "unseen": bool(unseen),
    }
    return Answer(
        translations,
        len(parts),
        tuple(flag for flag, holds in flags.items() if holds),
        is_over_limit,
        log_prob_per_piece,
        unseen,
    )


def _nothing_translated(prefix: str, tokenizer: Tokenizer) -> Answer:
    """The answer to a blank text: its prefix, which the model was not asked about."""
    translation = Translation(prefix, 0.0, 0.0, tuple(tokenizer.encode(prefix)))
    return Answer((translation,), 0, () if prefix else ("empty",), is_over_limit=False)


def _join(hypotheses: Sequence[Hypothesis], tokenizer: Tokenizer) -> Translation:
    if len(hypotheses) == 1:
        (hypothesis,) = hypotheses
        (text,) = part_texts(hypotheses, tokenizer)
        return Translation(text, hypothesis.log_prob, hypothesis.score, hypothesis.token_ids)
    return Translation(
        text=join_parts(part_texts(hypotheses, tokenizer)),
        log_prob=sum(hypothesis.log_prob for hypothesis in hypotheses),
        score=sum(hypothesis.score for hypothesis in hypotheses) / len(hypotheses),
        token_ids=tuple(piece for hypothesis in hypotheses for piece in hypothesis.token_ids),
    )


def part_texts(hypotheses: Sequence[Hypothesis], tokenizer: Tokenizer) -> list[str]:
    """The text of each hypothesis, as it is joined to others."""
    texts = tokenizer.decode_batch([hypothesis.token_ids for hypothesis in hypotheses])
    return [without_controls(text).strip() for text in texts]
