"""The rules that a config asks for, in the order in which a pair meets them.

A rule takes a pair and returns why it is dropped, or None to keep it. The first reason counts.
Validation pairs meet no rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias, TypeVar

from mtcli.config.schema.data import DataConfig
from mtcli.data.rules.length import DropLengthRatio, DropTooLong, drop_without_pieces
from mtcli.data.rules.text import DropDuplicates, drop_empty, drop_identical

BAD_LINE = "bad_line"
"""The reason of the readers, for lines that hold no pair."""
REASONS = ("empty", "too_long", "length_ratio", "identical", "duplicate", BAD_LINE)
"""Why a pair is dropped, in the order of reports."""

TextRule: TypeAlias = Callable[[str, str], str | None]
"""Takes source and target text, stripped of white space."""
LengthRule: TypeAlias = Callable[[int, int], str | None]
"""Takes the pieces of source and target, EOS not counted."""

_Side = TypeVar("_Side")


def text_rules(config: DataConfig) -> list[TextRule]:
    """Rules for one pass over the pairs, before they are tokenized."""
    rules: list[TextRule] = [drop_empty]
    if config.drop_identical:
        rules.append(drop_identical)
    if config.drop_duplicates:
        # last, so that it remembers only pairs that the others keep
        rules.append(DropDuplicates())
    return rules


def length_rules(config: DataConfig) -> list[LengthRule]:
    """Rules for pairs that are tokenized."""
    rules: list[LengthRule] = [drop_without_pieces, DropTooLong(config.max_length)]
    if config.max_length_ratio is not None:
        rules.append(DropLengthRatio(config.max_length_ratio))
    return rules


def first_reason(
    rules: Sequence[Callable[[_Side, _Side], str | None]], src: _Side, tgt: _Side
) -> str | None:
    """Why the first rule that objects drops the pair; None if all keep it."""
    for rule in rules:
        reason = rule(src, tgt)
        if reason is not None:
            return reason
    return None
