"""Rules on the texts of a pair, both stripped of white space: the reason to drop it, or None."""

from __future__ import annotations

import hashlib


def drop_empty(src: str, tgt: str) -> str | None:
    """Drop pairs with a blank side."""
    return None if src and tgt else "empty"


def drop_identical(src: str, tgt: str) -> str | None:
    """Drop pairs whose target equals their source."""
    return "identical" if src == tgt else None


def pair_digest(src: str, tgt: str, num_bytes: int) -> bytes:
    """A hash of both sides of a pair."""
    pair = f"{len(src)}:{src}{tgt}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(pair, digest_size=num_bytes).digest()


class DropDuplicates:
    """Drop pairs that equal an earlier one on both sides, of all that this object was asked about.

    It keeps 16 bytes of each pair: two different pairs of a billion collide with a probability of
    1e-21.
    """

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def __call__(self, src: str, tgt: str) -> str | None:
        """Give "duplicate" if the pair came before; remember it."""
        digest = pair_digest(src, tgt, 16)
        if digest in self._seen:
            return "duplicate"
        self._seen.add(digest)
        return None
