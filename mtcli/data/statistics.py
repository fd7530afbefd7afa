"""Count what a corpus holds: pairs, lengths, words, scripts, blank, identical and doubled pairs."""

from __future__ import annotations

import math
import random
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mtcli.data.rules.text import pair_digest

SAMPLE_SIZE = 100_000
"""Pairs that are looked at closely; all of a smaller corpus."""

_MOST_DIGESTS = 2**19
"""Digests of pairs in memory. More pairs than that: doubled ones are estimated from a share."""
_DIGEST_BYTES = 8
_SCRIPT_NAMES = {"CJK": "Han"}


@dataclass(frozen=True)
class SideStatistics:
    """One side of a corpus; blank pairs are not counted."""

    num_chars: int
    """Characters of all texts, white space at their ends not counted."""
    length_counts: dict[int, int]
    """Number of texts of each length in characters, shortest first."""
    num_words: int
    """Words of the sample: what white space separates."""
    num_word_types: int
    """Different words of the sample, case kept."""
    scripts: dict[str, float]
    """Share of each script among the letters of the sample, the largest first, such as `Latin`."""

    @property
    def longest(self) -> int:
        """Characters of the longest text."""
        return max(self.length_counts, default=0)

    @property
    def mean_length(self) -> float:
        """Characters of a text on average."""
        num_texts = sum(self.length_counts.values())
        return self.num_chars / num_texts if num_texts else 0.0

    def length_at(self, share: float) -> int:
        """The length in characters that this share of the texts does not exceed (0.5: median)."""
        num_wanted = share * sum(self.length_counts.values())
        num_texts = 0
        for length, count in self.length_counts.items():
            num_texts += count
            if num_texts >= num_wanted:
                return length
        return self.longest


@dataclass(frozen=True)
class CorpusStatistics:
    """What a corpus holds."""

    num_pairs: int
    """Pairs, the blank ones among them."""
    num_blank: int
    """Pairs with a blank side."""
    num_identical: int
    """Pairs whose target equals their source, not blank."""
    num_doubled: int
    """Pairs that repeat an earlier one, not blank; an estimate in a very large corpus."""
    src: SideStatistics
    tgt: SideStatistics
    sample: list[tuple[int, str, str]]
    """Number in the corpus, from 0, source and target of pairs that are not blank: all of them,
    or `SAMPLE_SIZE` drawn evenly, in the order of the corpus."""


def corpus_statistics(
    pairs: Iterable[tuple[str, str]], *, sample_size: int = SAMPLE_SIZE
) -> CorpusStatistics:
    """Read all pairs once; memory stays bounded, and the same pairs give the same statistics.

    Args:
        pairs: source and target text, such as `read_training` gives.
        sample_size: pairs to look at closely (words and scripts).
    """
    num_pairs = num_blank = num_identical = 0
    lengths: tuple[Counter[int], Counter[int]] = Counter(), Counter()
    doubled = _DoubledPairs()
    sample = _EvenSample(sample_size)
    for number, pair in enumerate(pairs):
        src, tgt = pair[0].strip(), pair[1].strip()
        num_pairs += 1
        if not (src and tgt):
            num_blank += 1
            continue
        num_identical += src == tgt
        lengths[0][len(src)] += 1
        lengths[1][len(tgt)] += 1
        doubled.add(src, tgt)
        sample.offer((number, src, tgt))
    drawn = sorted(sample.items)
    return CorpusStatistics(
        num_pairs,
        num_blank,
        num_identical,
        doubled.estimate(),
        _side(lengths[0], [src for _, src, _ in drawn]),
        _side(lengths[1], [tgt for _, _, tgt in drawn]),
        drawn,
    )


def script_of(char: str) -> str | None:
    """The script of a letter, by its Unicode name, such as `Latin`; None if it is not a letter."""
    letter = unicodedata.normalize("NFKC", char)[0]  # full-width Latin is Latin
    if not unicodedata.category(letter).startswith("L"):
        return None
    word = unicodedata.name(letter, "").partition(" ")[0]
    return _SCRIPT_NAMES.get(word, word.title()) or None


def _side(lengths: Counter[int], texts: list[str]) -> SideStatistics:
    words: Counter[str] = Counter()
    chars: Counter[str] = Counter()
    for text in texts:
        words.update(text.split())
        chars.update(text)
    scripts: Counter[str] = Counter()
    for char, count in chars.items():
        if script := script_of(char):
            scripts[script] += count
    return SideStatistics(
        num_chars=sum(length * count for length, count in lengths.items()),
        length_counts=dict(sorted(lengths.items())),
        num_words=words.total(),
        num_word_types=len(words),
        scripts={name: count / scripts.total() for name, count in scripts.most_common()},
    )


class _DoubledPairs:
    """Counts pairs that repeat an earlier one.

    When there are too many digests for memory, only those whose low bits are 0 are kept, half as
    many each time: equal pairs have equal digests, so the share of doubled ones among them is that
    of all.
    """

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._mask = 0

    def add(self, src: str, tgt: str) -> None:
        digest = int.from_bytes(pair_digest(src, tgt, _DIGEST_BYTES), "little")
        if digest & self._mask:
            return
        self._counts[digest] = self._counts.get(digest, 0) + 1
        if len(self._counts) > _MOST_DIGESTS:
            self._mask = 2 * self._mask + 1
            self._counts = {
                kept: count for kept, count in self._counts.items() if not kept & self._mask
            }

    def estimate(self) -> int:
        """Doubled pairs: exact as long as all digests were kept."""
        return (sum(self._counts.values()) - len(self._counts)) * (self._mask + 1)


class _EvenSample:
    """Draws `size` items of a stream, each with the same probability; all of a short stream.

    Source: algorithm L (Li 1994), which computes how many items to skip. Its seed is fixed.
    """

    def __init__(self, size: int) -> None:
        self._generator = random.Random(1)
        self._size = size
        self._skips = self._draw_skips()
        self._num_to_skip = 0
        self.items: list[tuple[int, str, str]] = []

    def offer(self, item: tuple[int, str, str]) -> None:
        """Take the next item of the stream, or pass it."""
        if len(self.items) < self._size:
            self.items.append(item)
            if len(self.items) == self._size:
                self._num_to_skip = next(self._skips)
        elif self._num_to_skip:
            self._num_to_skip -= 1
        else:
            self.items[self._generator.randrange(self._size)] = item
            self._num_to_skip = next(self._skips)

    def _draw_skips(self) -> Iterator[int]:
        draw, weight = self._generator.random, 1.0
        while True:
            weight *= math.exp(math.log(1.0 - draw()) / self._size)
            yield math.floor(math.log(1.0 - draw()) / math.log1p(-weight))
