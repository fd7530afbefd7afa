"""What the rules of `preset: auto` know: the corpus in a few numbers, the machine, the time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_LETTERS_PER_SIGN = {"Han": 3.0, "Hiragana": 2.0, "Katakana": 2.0, "Hangul": 2.0, "Ethiopic": 1.5}
"""Letters of an alphabet that one sign of a script stands for, roughly: English needs three times
the characters of its Chinese translation, and about twice those of the Japanese or Korean one."""

LETTERS_PER_PIECE = 4.0
"""Of text in an alphabet, spaces included: 4.4 in Multi30k's German with 5,000 pieces."""
SHORT_PIECES = 3.0
"""The same where a text is cut finely: with few pieces, or names and numbers."""


def letters_per_sign(scripts: Mapping[str, float]) -> float:
    """How many letters of an alphabet a character of a text is worth.

    Args:
        scripts: share of each script among the letters of the text.
    """
    if not scripts:
        return 1.0
    return sum(share * _LETTERS_PER_SIGN.get(name, 1.0) for name, share in scripts.items())


@dataclass(frozen=True)
class CorpusFacts:
    """A corpus in the numbers that the rules go by."""

    num_pairs: int
    """Different pairs without a blank side: one that is repeated teaches little more."""
    src_letters: float
    """Characters of their source sides, as letters of an alphabet (`letters_per_sign`)."""
    tgt_letters: float
    num_words: int
    """Running words of a sample of both sides, as white space separates them."""
    num_word_types: int
    """Different ones among them, of two characters or more."""
    num_characters: int
    """Different characters of the sample."""
    num_frequent_characters: int
    """The fewest characters that make up 99.95 % of the sample."""
    long_text_letters: float = 0.0
    """Letters that 99.5 % of the texts of the longer side do not exceed."""
    doubled_share: float = 0.0
    """Share of the pairs that repeat an earlier one."""
    is_sampled: bool = False
    """Whether words and characters are those of a sample: there may be more."""

    @property
    def letters(self) -> float:
        """Of both sides."""
        return self.src_letters + self.tgt_letters

    @property
    def tgt_pieces(self) -> float:
        """Target pieces of one epoch, EOS included, roughly: it sets the scale of all rules."""
        return self.tgt_letters / LETTERS_PER_PIECE + self.num_pairs

    @property
    def src_pieces(self) -> float:
        """The same of the source."""
        return self.src_letters / LETTERS_PER_PIECE + self.num_pairs


@dataclass(frozen=True)
class Machine:
    """What a run computes with, and how long it may."""

    budget_s: float | None = None
    """Seconds of `--budget`; None has no limit."""
    reference_tokens_per_s: float | None = None
    """Target tokens per second of the reference shape in training here; None without a budget,
    since nothing then depends on it."""
    device: str = "cpu"


TYPICAL = CorpusFacts(
    num_pairs=29_000,
    src_letters=1.8e6,
    tgt_letters=2.1e6,
    num_words=700_000,
    num_word_types=29_000,
    num_characters=90,
    num_frequent_characters=70,
)
"""Multi30k, for a config that is checked before its data are read."""
