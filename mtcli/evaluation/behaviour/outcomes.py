"""Translate and judge the cases of a behaviour test, and count what passed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mtcli.evaluation.behaviour.case import Case, Trial, Verdict
from mtcli.evaluation.behaviour.suite import CHECKS, NAMES, OWN_CASES

Translate = Callable[[list[str]], list[str]]
"""Translates texts, one answer for each."""

_ORDER = (*NAMES, OWN_CASES)


@dataclass(frozen=True)
class Outcome:
    """A case that was judged."""

    case: Case
    trial: Trial
    verdict: Verdict

    def as_record(self) -> dict[str, Any]:
        """The outcome as an object of JSON."""
        return {
            "source": self.trial.source,
            "answer": self.trial.answer,
            "plain_source": " ".join(self.case.plain) or None,
            "plain_answer": self.trial.plain_answer or None,
            "name": self.case.name or None,
            "reason": self.verdict.reason,
        }


@dataclass(frozen=True)
class Tally:
    """The outcomes of one check."""

    name: str
    outcomes: tuple[Outcome, ...]

    @property
    def says(self) -> str:
        """What a translation should do."""
        return next((check.says for check in CHECKS if check.name == self.name), "your own cases")

    @property
    def failures(self) -> list[Outcome]:
        """The outcomes that failed."""
        return [outcome for outcome in self.outcomes if outcome.verdict.passed is False]

    @property
    def num_passed(self) -> int:
        """Cases that passed."""
        return sum(outcome.verdict.passed is True for outcome in self.outcomes)

    @property
    def num_judged(self) -> int:
        """Cases that passed or failed."""
        return self.num_passed + len(self.failures)

    @property
    def rate(self) -> float | None:
        """Share of the judged cases that passed, 0 to 1; None if none was judged."""
        return self.num_passed / self.num_judged if self.num_judged else None


def judge_cases(cases: Sequence[Case], names: Sequence[str], translate: Translate) -> list[Tally]:
    """Translate every text of the cases once, and judge the answers.

    Returns:
        The tally of each of the checks in `names`, perhaps without cases, in the order of `CHECKS`,
        own cases last.
    """
    texts = list(dict.fromkeys(text for case in cases for text in (case.source, *case.plain)))
    answers = dict(zip(texts, translate(texts), strict=True))
    outcomes: dict[str, list[Outcome]] = {}
    for case in cases:
        plain_answer = " ".join(answers[text] for text in case.plain)
        trial = Trial(case.source, answers[case.source], plain_answer)
        outcomes.setdefault(case.check, []).append(Outcome(case, trial, case.judge(trial)))
    return [Tally(name, tuple(outcomes.get(name, ()))) for name in _ORDER if name in names]
