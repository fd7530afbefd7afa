"""Find what a tokenizer cannot give back: characters of a text that its model can never write."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from mtcli.tokenizer.invisible import without_invisible
from mtcli.tokenizer.protocol import UNK_ID, Tokenizer

NUM_ENCODED = 2_000
"""Sentences that are encoded and decoded, where unknown pieces are possible: that is slow."""

_NUM_NAMED = 5
_SPACES = re.compile("[\x00-\x20\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True)
class Losses:
    """Counts over sentences: those that encoding and decoding change, and what they lose.

    Compared with the text as it was written, up to runs of spaces, control characters and canonical
    composition.
    """

    num_sentences: int
    num_changed: int
    """Sentences that do not come back, for another reason than `num_only_invisible`."""
    num_normalized: int
    """Those of them that normalization changes; in the rest, characters have no piece."""
    num_only_invisible: int
    """Sentences that come back without their invisible characters, but else unchanged."""
    characters: tuple[tuple[str, int], ...]
    """The commonest characters that are lost, and how many of each, the commonest first."""
    example: tuple[str, str]
    """The first sentence that does not come back, and what comes back."""

    @property
    def named_characters(self) -> str:
        """The commonest characters, by their names and code points."""
        return ", ".join(f"{name_of(char)}, {count} times" for char, count in self.characters)


def count_losses(tokenizer: Tokenizer, sentences: Iterable[str]) -> Losses:
    """Compare sentences with what is decoded from their encodings.

    Args:
        tokenizer: the tokenizer to judge.
        sentences: text as it was written, read once. If the tokenizer has no byte fallback, only
            the first NUM_ENCODED count.
    """
    spells_all = tokenizer.piece_to_id("<0x00>") != UNK_ID
    num_sentences = num_changed = num_normalized = num_only_invisible = 0
    lost: Counter[str] = Counter()
    example = ("", "")
    for sentence in sentences if spells_all else islice(sentences, NUM_ENCODED):
        num_sentences += 1
        normalized = tokenizer.normalize(sentence)
        # by the law of tokenizers, what is spelled in bytes at worst comes back as it is normalized
        back = normalized if spells_all else tokenizer.decode(tokenizer.encode(sentence))
        if back == sentence:
            continue
        wanted, given = _comparable(sentence), _comparable(back)
        if given == wanted:
            continue
        lost += Counter(wanted) - Counter(given)
        if given == _comparable(without_invisible(sentence, "tgt")):
            num_only_invisible += 1
            continue
        num_changed += 1
        num_normalized += _comparable(normalized) != wanted
        if num_changed == 1:
            example = (sentence, back)
    del lost[" "]
    characters = tuple(lost.most_common(_NUM_NAMED))
    return Losses(
        num_sentences, num_changed, num_normalized, num_only_invisible, characters, example
    )


def name_of(char: str) -> str:
    """A character's Unicode name and code point, such as `FULLWIDTH COMMA (U+FF0C)`."""
    code_point = f"U+{ord(char):04X}"
    name = unicodedata.name(char, "")
    return f"{name} ({code_point})" if name else code_point


def _comparable(text: str) -> str:
    """The same string for all texts that differ only in spaces and composition."""
    return unicodedata.normalize("NFC", _SPACES.sub(" ", text).strip())
