"""Join the answers to the parts of one line into the answer to the line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from mtcli.translating.answer import Answer, Flag, Link, Translation
from mtcli.translating.parts import join_parts

_ORDER: tuple[Flag, ...] = get_args(Flag)


def join_answers(answers: Sequence[Answer], src_texts: Sequence[str]) -> Answer:
    """The answer to a line that was answered in parts.

    Its k-th translation joins the k-th of each part. It has each flag that a part has; `empty` only
    if all of it is.

    Args:
        answers: of each part, in order; at least one.
        src_texts: the texts of the parts, whose sum is the line.
    """
    translated = [answer for answer in answers if answer.num_parts] or list(answers[:1])
    texts_of = [
        text for text, answer in zip(src_texts, answers, strict=True) if answer.num_parts
    ] or list(src_texts[:1])
    before = _texts_before(src_texts, answers) or [""]
    translations = tuple(
        _join(ranked, before)
        for ranked in zip(*(answer.translations for answer in translated), strict=False)
    )
    assert len(texts_of) == len(translated) == len(before)
    best = translations[0]
    num_parts = sum(answer.num_parts for answer in translated)
    num_scored = len(best.token_ids) + num_parts  # EOS counts in each part
    flags = {flag for answer in translated for flag in answer.flags} - {"empty", "split"}
    flags |= {"empty"} if not best.text else set()
    flags |= {"split"} if num_parts > 1 else set()
    return Answer(
        translations,
        num_parts,
        tuple(flag for flag in _ORDER if flag in flags),
        is_over_limit=num_parts > 1,
        log_prob_per_piece=best.log_prob / max(num_scored, 1),
        unseen="".join(dict.fromkeys("".join(answer.unseen for answer in answers))),
    )


def _texts_before(src_texts: Sequence[str], answers: Sequence[Answer]) -> list[str]:
    """For each part that was translated, the source before it."""
    before, text = [], ""
    for src_text, answer in zip(src_texts, answers, strict=True):
        if answer.num_parts:
            before.append(text)
        text += src_text
    return before


def _join(ranked: Sequence[Translation], before: Sequence[str]) -> Translation:
    """One translation of all parts, given the source before each."""
    links: list[Link] = []
    for place, translation in enumerate(ranked):
        joined = join_parts([*(earlier.text for earlier in ranked[:place]), translation.text])
        src_start = _num_words_before(before[place])
        tgt_start = _num_words_before(joined[: len(joined) - len(translation.text)])
        links += [(src_start + src, tgt_start + tgt) for src, tgt in translation.alignment or ()]
    return Translation(
        text=join_parts([translation.text for translation in ranked]),
        log_prob=sum(translation.log_prob for translation in ranked),
        score=sum(translation.score for translation in ranked) / len(ranked),
        token_ids=tuple(token for translation in ranked for token in translation.token_ids),
        alignment=None if ranked[0].alignment is None else tuple(sorted(set(links))),
    )


def _num_words_before(text: str) -> int:
    """Number of the word that begins, or goes on, behind a text, counted from 0."""
    return len(text.split()) - (bool(text) and not text[-1].isspace())
