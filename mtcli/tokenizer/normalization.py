"""Normalize text before it is segmented: for each side by its own rule, in one place.

The rules are SentencePiece's, and NFC. They are applied here and not in the SentencePiece model,
because a shared model has one rule for both sides, and they need two: what a rule changes in a
target can never be written by the model.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from mtcli.tokenizer.invisible import Side, without_invisible
from mtcli.tokenizer.protocol import SPACE

if TYPE_CHECKING:
    from mtcli.config.schema.tokenizer import NormalizationRule

_JOINER = re.compile("([\u200c\u200d])")


class TextNormalizer:
    """Text as a tokenizer reads it. SentencePiece itself then reduces runs of spaces to one.

    Whatever the rule, invisible characters are removed, U+2581 becomes the space that it stands
    for, and surrogates, which UTF-8 cannot encode, are paired or become U+FFFD.

    Args:
        rule: a rule of SentencePiece; `nfc` for canonical composition, with control characters
            removed or turned into spaces; or `identity` for none.
        side: whether the text is read or written.
        symbols: strings that stay as they are.
    """

    def __init__(self, rule: NormalizationRule, side: Side, symbols: Sequence[str] = ()) -> None:
        self.rule: NormalizationRule = rule
        self.side: Side = side
        self._keeps_ascii = not rule.endswith("_cf")  # those fold case
        longest_first = sorted(symbols, key=len, reverse=True)
        self._symbols = re.compile(f"({'|'.join(map(re.escape, longest_first))})")
        self._has_symbols = bool(symbols)

    def __call__(self, text: str) -> str:
        """The normalized text; normalizing it again changes nothing."""
        if self._keeps_ascii and text.isascii() and text.isprintable():
            return text
        text = encodable(text)
        if self._has_symbols:
            spans = self._symbols.split(text)
            spans[::2] = map(self._normalized, spans[::2])
            text = "".join(spans)
        else:
            text = self._normalized(text)
        # the other rules leave spaces alone, which the model strips
        return text.strip() if self.rule == "nfc" else text

    def _normalized(self, text: str) -> str:
        text = without_invisible(text, self.side)
        match self.rule:
            case "identity":
                return text
            case "nfc":
                return unicodedata.normalize("NFC", _without_controls(text))
            case rule:
                normalize = _sentencepiece_rule(rule)
                if _JOINER.search(text) is None:
                    return normalize(text)
                # SentencePiece makes spaces of joiners; those that are left here are spelling
                spans = _JOINER.split(text)
                spans[::2] = map(normalize, spans[::2])
                # a ligature may have become a space and a mark, beside which no joiner stays
                return without_invisible("".join(spans), self.side)


def encodable(text: str) -> str:
    """The text without characters that break the round trip.

    U+2581 becomes a space, because decoding reads it as a space. Surrogates, which UTF-8 cannot
    encode, are paired or become U+FFFD.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace(SPACE, " ")


def _without_controls(text: str) -> str:
    """Line breaks and tabs become spaces, other control characters go, as in SentencePiece."""
    if text.isprintable():
        return text
    return _controls().sub(lambda match: " " if match[0].isspace() else "", text)


@cache
def _controls() -> re.Pattern[str]:
    return re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@cache
def _sentencepiece_rule(rule: str) -> Callable[[str], str]:
    """SentencePiece's own normalizer, which leaves spaces as they are."""
    from sentencepiece import SentencePieceNormalizer

    normalizer = SentencePieceNormalizer(
        rule_name=rule,
        add_dummy_prefix=False,
        escape_whitespaces=False,
        remove_extra_whitespaces=False,
    )
    normalize: Callable[[str], str] = normalizer.normalize
    return normalize
