"""Rules on the lengths of a pair, in pieces without EOS: the reason to drop it, or None."""

from __future__ import annotations

from dataclasses import dataclass


def drop_without_pieces(src_length: int, tgt_length: int) -> str | None:
    """Drop pairs with a side of no pieces, such as text that normalization removes."""
    return None if src_length and tgt_length else "empty"


@dataclass(frozen=True)
class DropTooLong:
    """Drop pairs with a side of more than `max_length` pieces."""

    max_length: int

    def __call__(self, src_length: int, tgt_length: int) -> str | None:
        """Give "too_long" or None."""
        return "too_long" if max(src_length, tgt_length) > self.max_length else None


@dataclass(frozen=True)
class DropLengthRatio:
    """Drop pairs of which one side has more than `max_ratio` times the pieces of the other."""

    max_ratio: float

    def __call__(self, src_length: int, tgt_length: int) -> str | None:
        """Give "length_ratio" or None."""
        shorter, longer = sorted((src_length, tgt_length))
        return "length_ratio" if longer > self.max_ratio * shorter else None
