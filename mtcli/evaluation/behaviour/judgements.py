"""Judge the answers to whole sentences: the same meaning, the right language, a sensible length."""

from __future__ import annotations

from difflib import SequenceMatcher
from functools import cache
from typing import TYPE_CHECKING

import regex

from mtcli.evaluation.behaviour.case import PASSED, Trial, Verdict, failed, skipped
from mtcli.evaluation.behaviour.perturbations import without_marks

if TYPE_CHECKING:
    from sacrebleu.metrics.chrf import CHRF

LEAST_CHRF = 50.0
"""chrF between the answers to a text and to the same text changed a little, below which they are
two different translations."""

_LEAST_COPY = 0.9
"""Share of words that answer and source have in common, in their order, from which it is a copy."""
_FEWEST_COPIED = 3
"""Words of a copy; fewer may be a name."""
_MOST_WORDS = 4
"""Of the answer to a single word."""
_MOST_TIMES = 4
"""Nothing should be said so often in a row that the source does not."""
_SHORTEST_REPETITION = 8
"""Characters; `Ahhhh` is none."""
_SHORTEST_SHARE, _LONGEST_SHARE = 0.5, 2.0
"""Of the characters that the sentences of a long text have in translation."""

_EMOJI = regex.compile(r"\p{Emoji_Presentation}")
_WORD = regex.compile(r"\p{L}[\p{L}\p{M}'\u2019-]*")
_REPEATED = regex.compile(rf"(\S(?:.{{0,62}}\S)?)(?:\s*\1){{{_MOST_TIMES - 1},}}")


def same_translation(trial: Trial) -> Verdict:
    """The answer says what that to the plain text says, except for case and final marks."""
    plain, answer = (without_marks(text).casefold() for text in (trial.plain_answer, trial.answer))
    if not plain:
        return skipped("the answer to the plain text is empty")
    if plain == answer:
        return PASSED
    score = _chrf().sentence_score(answer, [plain]).score
    if score >= LEAST_CHRF:
        return PASSED
    return failed(
        f"chrF {score:.1f} against the answer to the plain text, `{trial.plain_answer}`;"
        f" {LEAST_CHRF:g} are needed"
    )


def equal_translation(trial: Trial) -> Verdict:
    """The answer is that to the plain text, except for spaces around it."""
    if trial.answer.strip() == trial.plain_answer.strip():
        return PASSED
    return failed(f"the answer to the plain text is another one, `{trial.plain_answer}`")


def begins_with_capital(trial: Trial) -> Verdict:
    """The answer begins with a capital, as the source does."""
    first = trial.answer.lstrip(" \"'\u201c\u201e\u00ab\u2018\u00bf\u00a1([")[:1]
    if not first or first.upper() == first.lower():
        return skipped("the answer does not begin with a letter that has two cases")
    return failed(f"the answer begins with `{first}`") if first.islower() else PASSED


def is_translated(trial: Trial) -> Verdict:
    """The answer is not the source."""
    source, answer = (
        [match[0].casefold() for match in _WORD.finditer(text)]
        for text in (trial.source, trial.answer)
    )
    if len(source) < _FEWEST_COPIED:
        return skipped(f"the source has fewer than {_FEWEST_COPIED} words")
    share = SequenceMatcher(None, source, answer, autojunk=False).ratio()
    return failed("the answer is a copy of the source") if share >= _LEAST_COPY else PASSED


def is_not_empty(trial: Trial) -> Verdict:
    """There is an answer."""
    return PASSED if trial.answer.strip() else failed("the answer is empty")


def does_not_run_away(trial: Trial) -> Verdict:
    """The answer has a sensible length, and says nothing over and over."""
    longest = 5 * len(trial.source) + 50
    if len(trial.answer) > longest:
        return failed(
            f"the answer has {len(trial.answer)} characters, the source {len(trial.source)}"
        )
    unit = _repeated_unit(trial.answer)
    if unit is not None and _repeated_unit(trial.source) is None:
        return failed(f"the answer repeats `{unit}`")
    return PASSED


def stays_short(trial: Trial) -> Verdict:
    """The answer to a word is a word or a few."""
    if not trial.answer.strip():
        return failed("the answer is empty")
    if (num_words := len(trial.answer.split())) > _MOST_WORDS:
        return failed(f"the answer to a single word has {num_words} words")
    if (length := len(trial.answer)) > 4 * len(trial.source) + 30:
        return failed(f"the answer to a single word has {length} characters")
    return PASSED


def keeps_emoji(trial: Trial) -> Verdict:
    """The emoji are in the answer."""
    missing = [emoji for emoji in _EMOJI.findall(trial.source) if emoji not in trial.answer]
    return failed(f"`{missing[0]}` is missing") if missing else PASSED


def is_complete(trial: Trial) -> Verdict:
    """The answer to a long text is about as long as the answers to its sentences together."""
    wanted, given = len(trial.plain_answer.strip()), len(trial.answer.strip())
    if not wanted:
        return skipped("the answers to its sentences are empty")
    if _SHORTEST_SHARE * wanted <= given <= _LONGEST_SHARE * wanted:
        return PASSED
    return failed(
        f"the answer has {given} characters; those to its sentences have {wanted} together"
    )


def _repeated_unit(text: str) -> str | None:
    """What the text says several times in a row, if it has a letter; None if there is none."""
    for match in _REPEATED.finditer(text):
        is_long = len(match[0]) >= _SHORTEST_REPETITION
        if is_long and any(character.isalpha() for character in match[1]):
            return str(match[1]).strip()
    return None


@cache
def _chrf() -> CHRF:
    from sacrebleu.metrics.chrf import CHRF

    return CHRF()
