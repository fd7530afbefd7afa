"""A case of a behaviour test: a text to translate, and how its answer is judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias


class Verdict(NamedTuple):
    """What a judge says about an answer."""

    passed: bool | None
    """None: the answer says nothing about the behaviour, so it does not count."""
    reason: str = ""
    """Why it failed, or why it does not count."""


PASSED = Verdict(True)


def failed(reason: str) -> Verdict:
    """The verdict on an answer that is wrong."""
    return Verdict(False, reason)


def skipped(reason: str) -> Verdict:
    """The verdict on an answer that does not count."""
    return Verdict(None, reason)


class Trial(NamedTuple):
    """What a judge sees."""

    source: str
    """What was translated."""
    answer: str
    plain_answer: str
    """The answer to the text as it was before it was changed; of several texts, joined by spaces;
    empty if the source was not changed."""


Judge: TypeAlias = Callable[[Trial], Verdict]


@dataclass(frozen=True)
class Case:
    """One text of a check."""

    check: str
    """Name of the check."""
    source: str
    judge: Judge
    plain: tuple[str, ...] = ()
    """The texts that `source` was made of, if the judge compares with their answers."""
    name: str = ""
    """What its author calls it."""
