"""The checks of a model's behaviour, and their cases from any sentences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from mtcli.config.languages import language_of
from mtcli.evaluation.behaviour import judgements, kept, perturbations
from mtcli.evaluation.behaviour.case import Case, Judge

LANGUAGE = "language"
"""The check that needs a library."""
COPIED = "copied"
"""The check that means nothing if both languages are the same."""
LONG_INPUT = "long_input"
"""The check whose cases are made of several sentences."""

_SHORTEST, _LONGEST = 15, 200
"""Characters of a usual sentence, which is chosen before others."""
_LONGEST_LINE = 2000
"""Characters of a line that cases are made of; longer ones are no sentences."""


@dataclass(frozen=True)
class Check:
    """A behaviour, and how cases of it are made and judged."""

    name: str
    says: str
    """What a translation should do."""
    judge: Judge | None
    """None: it is loaded when it is needed."""
    change: Callable[[str, Random], str | None] | None = None
    """Makes a case of a sentence, or None; without it the sentence itself is the case."""
    items: Callable[[str], list[str]] | None = None
    """What the check looks for; sentences that have it are chosen first."""
    fits: Callable[[str], bool] = bool
    """Whether a sentence can be a case."""


def _begins_with_capital(sentence: str) -> bool:
    return sentence[:1].isupper()


CHECKS = (
    Check(
        "numbers", "numbers are kept", kept.numbers_kept,
        perturbations.with_number, kept.numbers_in,
    ),
    Check("dates", "dates are kept", kept.dates_kept, perturbations.with_date, kept.dates_in),
    Check("urls", "URLs are kept", kept.urls_kept, perturbations.with_url, kept.urls_in),
    Check(
        "emails", "e-mail addresses are kept", kept.emails_kept,
        perturbations.with_email, kept.emails_in,
    ),
    Check(
        "placeholders", "placeholders such as `{name}` and `%s` are kept", kept.placeholders_kept,
        perturbations.with_placeholder, kept.placeholders_in,
    ),
    Check(
        "markup", "inline tags are kept", kept.tags_kept, perturbations.with_markup, kept.tags_in,
    ),
    Check(
        "capitals", "the answer begins with a capital if the source does",
        judgements.begins_with_capital, fits=_begins_with_capital,
    ),
    Check(
        "upper_case", "a source in upper case means the same",
        judgements.same_translation, perturbations.upper_case,
    ),
    Check(
        "title_case", "a source in title case means the same",
        judgements.same_translation, perturbations.title_case,
    ),
    Check(
        "final_stop", "a missing final full stop changes nothing",
        judgements.same_translation, perturbations.without_final_stop,
    ),
    Check(
        "spaces", "leading and trailing spaces change nothing",
        judgements.equal_translation, perturbations.with_spaces,
    ),
    Check(
        "typos", "two swapped letters change little",
        judgements.same_translation, perturbations.with_typo,
    ),
    Check(
        "one_word", "a word becomes a word or a few",
        judgements.stays_short, perturbations.one_word,
    ),
    Check("emoji", "emoji are kept", judgements.keeps_emoji, perturbations.with_emoji),
    Check(LONG_INPUT, "a page of text is translated completely", judgements.is_complete),
    Check(
        "repeated_marks", "repeated final marks change little",
        judgements.same_translation, perturbations.with_repeated_mark,
    ),
    Check(LANGUAGE, "the answer is in the target language", None),
    Check(COPIED, "the answer is not a copy of the source", judgements.is_translated),
    Check("empty", "no answer is empty", judgements.is_not_empty),
    Check("runaway", "no answer is far too long, or repeats itself", judgements.does_not_run_away),
)  # fmt: skip
"""Every check, in the order of the table."""

NAMES = tuple(check.name for check in CHECKS)

OWN_CASES = "cases"
"""The name of the check that the user's own cases make."""


def make_cases(
    sentences: Sequence[str],
    names: Sequence[str],
    most: int,
    language_judge: Judge | None,
    seed: int = 1,
) -> list[Case]:
    """Make the cases of checks from sentences; the same arguments make the same cases.

    Args:
        sentences: in the language that the model reads; blank ones and repeated ones are left out.
        names: of the checks.
        most: cases of a check. It has fewer where too few sentences can be changed that way.
        language_judge: judges the check `language`; None leaves it out.
        seed: chooses sentences and changes.
    """
    usual = _in_random_order(sentences, seed)
    cases: list[Case] = []
    for check in CHECKS:
        judge = language_judge if check.name == LANGUAGE else check.judge
        if check.name not in names or judge is None or not usual:
            continue
        if check.name == LONG_INPUT:
            cases += _long_cases(usual, most, judge)
        else:
            generator = Random(f"{seed} {check.name}")
            cases += _cases_of(check, judge, usual, generator)[:most]
    return cases


def checks_for(src_lang: str, tgt_lang: str) -> list[str]:
    """The names of the checks that mean something for a pair of languages."""
    is_same = language_of(src_lang) == language_of(tgt_lang)
    return [name for name in NAMES if not (is_same and name == COPIED)]


def _in_random_order(sentences: Sequence[str], seed: int) -> list[str]:
    """Each sentence once, those of usual length first, without lines that are far too long."""
    texts = (line.strip() for line in sentences)
    distinct = list(dict.fromkeys(text for text in texts if 0 < len(text) <= _LONGEST_LINE))
    Random(seed).shuffle(distinct)
    return sorted(distinct, key=lambda text: not _SHORTEST <= len(text) <= _LONGEST)


def _cases_of(
    check: Check, judge: Judge, sentences: Sequence[str], generator: Random
) -> list[Case]:
    """A case of every sentence that can be one, those that have such items of themselves first."""
    chosen = [sentence for sentence in sentences if check.fits(sentence)]
    items = check.items
    if items is not None:
        chosen = sorted(chosen, key=lambda sentence: not items(sentence))
    cases = []
    for sentence in chosen:
        if check.change is None:
            cases.append(Case(check.name, sentence, judge))
        elif (source := check.change(sentence, generator)) is not None:
            cases.append(Case(check.name, source, judge, (sentence,)))
    return cases


def _long_cases(sentences: Sequence[str], most: int, judge: Judge) -> list[Case]:
    """A tenth as many as of other checks, because each is as long as ten or more."""
    number = min(len(sentences), -(-most // 10))
    texts = [perturbations.long_text(sentences, place) for place in range(number)]
    return [Case(LONG_INPUT, " ".join(parts), judge, parts) for parts in texts]
