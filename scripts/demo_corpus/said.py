"""Words that know which parts of the syntax tree they say, and the word alignments that follow.

Both languages say the same tree. A word carries the paths of what it says, such as
`("first", "accusative", "noun")`; two words are linked if they say the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple, TypeAlias

Path: TypeAlias = tuple[str, ...]
"""A part of a tree: slots from the sentence down, and a role such as `noun` or `determiner`."""


class Word(str):
    """A word, or several that always stand together, with the parts of the tree that it says."""

    roles: tuple[Path, ...]
    """What it says itself: `bought` and `gekauft` say the verb."""
    shares: tuple[Path, ...]
    """What it has a share in: the `hat` of `hat gekauft`, for which English has no word, has one
    in the verb."""
    above: Path
    """Where in the tree all this is."""

    @classmethod
    def of(
        cls, text: str, roles: tuple[Path, ...], shares: tuple[Path, ...], above: Path = ()
    ) -> Word:
        """The text with what it says."""
        word = cls(text)
        word.roles, word.shares, word.above = roles, shares, above
        return word

    @property
    def sure(self) -> frozenset[Path]:
        """Its roles, as paths from the root."""
        return frozenset((*self.above, *role) for role in self.roles)

    @property
    def possible(self) -> frozenset[Path]:
        """Its roles and shares, as paths from the root."""
        return self.sure | {(*self.above, *share) for share in self.shares}

    def spelled(self, text: str) -> Word:
        """Another text that says the same."""
        return Word.of(text, self.roles, self.shares, self.above)

    def joined(self, other: Word, text: str) -> Word:
        """A text that says what both say: `im`, `cannot`."""
        shares = self.possible | other.possible
        return Word.of(text, tuple(self.sure | other.sure), tuple(shares))


def comma() -> Word:
    """A comma, which says nothing."""
    return Word.of(",", (), ())


NEGATION = ("negation", "accusative negation", "predicate negation")
"""What `not` says; `kein` says it in the object or the predicate."""


def said(text: str, *roles: str, possible: str = "") -> Word:
    """A word that says these roles, each a path with spaces between its steps.

    Args:
        text: the word.
        roles: what it says itself.
        possible: what it has a share in.
    """
    return Word.of(text, _paths(roles), _paths((possible,)) if possible else ())


@cache
def _paths(roles: tuple[str, ...]) -> tuple[Path, ...]:
    return tuple(tuple(role.split()) for role in roles)


def under(part: str, words: list[Word]) -> list[Word]:
    """Put words into a larger tree, where what they say is called `part`; returns the same words.

    Each word is said once, so it need not be copied, which would double the time of a corpus.
    """
    for word in words:
        word.above = (part, *word.above)
    return words


class Links(NamedTuple):
    """The alignment of a pair: links (source word, target word), counted from 0.

    Source: sure and possible links: Och and Ney 2003, section 5.
    """

    sure: frozenset[tuple[int, int]]
    possible: frozenset[tuple[int, int]]
    """Those that are not sure."""

    def pharaoh(self) -> str:
        """`0-0 1p2`: with a hyphen what is sure, with `p` what is possible."""
        marks = dict.fromkeys(self.possible, "p") | dict.fromkeys(self.sure, "-")
        return " ".join(f"{src}{marks[src, tgt]}{tgt}" for src, tgt in sorted(marks))


def links(src: Sequence[Word], tgt: Sequence[Word]) -> Links:
    """The alignment of two sentences that say the same tree; words are what spaces separate."""
    sure: set[tuple[int, int]] = set()
    possible: set[tuple[int, int]] = set()
    for src_start, src_word in _placed(src):
        for tgt_start, tgt_word in _placed(tgt):
            is_sure = bool(src_word.sure & tgt_word.sure)
            if is_sure or src_word.possible & tgt_word.possible:
                inner = _inner(len(src_word.split()), len(tgt_word.split()))
                found = {(src_start + i, tgt_start + k) for i, k in inner}
                (sure if is_sure else possible).update(found)
    return Links(frozenset(sure), frozenset(possible - sure))


def _placed(words: Sequence[Word]) -> Iterator[tuple[int, Word]]:
    """Each word with its place in the sentence; commas have none."""
    place = 0
    for word in words:
        if word != ",":
            yield place, word
            place += len(word.split())


_UNEVEN = {
    (3, 2): ((0, 0), (1, 0), (2, 1)),  # in the morning, am Morgen
    (2, 3): ((0, 0), (1, 1), (1, 2)),  # by bus, mit dem Bus
}


def _inner(num_src: int, num_tgt: int) -> Sequence[tuple[int, int]]:
    """The links within a phrase: word by word if both have as many."""
    if num_src == num_tgt:
        return [(i, i) for i in range(num_src)]
    if 1 in (num_src, num_tgt):
        return [(i, k) for i in range(num_src) for k in range(num_tgt)]
    return _UNEVEN[num_src, num_tgt]
