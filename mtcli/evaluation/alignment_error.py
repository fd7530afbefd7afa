"""Alignment error rate: how far word alignments are from gold ones."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from mtcli.errors import DataError

Link = tuple[int, int]
"""A source word and a target word, counted from 0."""

_LINK = re.compile(r"([0-9]{1,6})([-p?])([0-9]{1,6})")


class GoldLinks(NamedTuple):
    """The alignment of a pair by somebody who knows."""

    sure: frozenset[Link]
    """Links that must be found."""
    possible: frozenset[Link]
    """Links that may be found, sure ones included."""


def alignment_error_rate(found: Sequence[Collection[Link]], gold: Sequence[GoldLinks]) -> float:
    """1 - (|A & S| + |A & P|) / (|A| + |S|), the counts summed over all pairs; 0 is perfect.

    Args:
        found: A, the links of each pair, each once.
        gold: S and P of each pair; some pair has a sure link.

    Source: Och and Ney 2003, section 5.
    """
    num_right = num_all = 0
    for links, (sure, possible) in zip(found, gold, strict=True):
        num_right += len(sure.intersection(links)) + len(possible.intersection(links))
        num_all += len(links) + len(sure)
    return 1 - num_right / num_all


def parse_gold(line: str, name: str, number: int) -> GoldLinks:
    """Read a line such as `0-0 1-2 3p4`: Pharaoh's format, with `p` or `?` for possible links.

    Args:
        line: source word, mark, target word; counted from 0.
        name: what the file is called in errors.
        number: of the line, from 1.

    Raises:
        DataError: it is not such a line.
    """
    sure, possible = set(), set()
    for text in line.split():
        link = _LINK.fullmatch(text)
        if link is None:
            raise DataError(
                f"{name}, line {number}: `{text[:40]}` is not a link between two words",
                hint="write a source word, a hyphen and a target word, counted from 0, such as"
                " `0-0 1-2`; a `p` instead of the hyphen marks a link that is only possible",
            )
        words = int(link[1]), int(link[3])
        possible.add(words)
        if link[2] == "-":
            sure.add(words)
    return GoldLinks(frozenset(sure), frozenset(possible))
