"""Which training pairs are dropped, and why; validation pairs never are."""

from __future__ import annotations

import hashlib

from mtcli.config.schema.data import DataConfig

REASONS = ("empty", "too_long", "length_ratio", "identical", "duplicate")
"""Why a pair is dropped: a side is blank; a side has more than `max_length` pieces; one side has
more than `max_length_ratio` times the pieces of the other; the sides are equal; it came before."""


def text_reason(src: str, tgt: str, config: DataConfig, seen: set[bytes]) -> str | None:
    """Why a pair is dropped for its text, or None if it is kept.

    Args:
        src: source text.
        tgt: target text.
        config: the rules.
        seen: digests of the pairs before this one; with `drop_duplicates` this pair's is added.
    """
    src, tgt = src.strip(), tgt.strip()
    if not src or not tgt:
        return "empty"
    if config.drop_identical and src == tgt:
        return "identical"
    if config.drop_duplicates:
        # 16 bytes a pair: that two different pairs of a billion collide has a chance of 1e-21
        pair = f"{len(src)}:{src}{tgt}".encode("utf-8", "surrogatepass")
        digest = hashlib.blake2b(pair, digest_size=16).digest()
        if digest in seen:
            return "duplicate"
        seen.add(digest)
    return None


def length_reason(src_length: int, tgt_length: int, config: DataConfig) -> str | None:
    """Why a pair is dropped for its lengths, or None if it is kept.

    Args:
        src_length: pieces of the source, EOS not counted.
        tgt_length: pieces of the target, EOS not counted.
        config: the rules.
    """
    shorter, longer = sorted((src_length, tgt_length))
    if shorter == 0:
        return "empty"  # such as text of nothing but characters that normalisation removes
    if longer > config.max_length:
        return "too_long"
    if config.max_length_ratio is not None and longer > config.max_length_ratio * shorter:
        return "length_ratio"
    return None
