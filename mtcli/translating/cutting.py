"""Texts as the model reads them: cut into sentences, and those into parts that are not too long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mtcli.tokenizer.protocol import Tokenizer
from mtcli.translating.controls import without_controls
from mtcli.translating.sentences import Splitter
from mtcli.translating.splitting import Part, split_text


class CutText(NamedTuple):
    """A text, ready to be translated."""

    text: str
    """Without control characters."""
    parts: list[Part]
    """Mostly one; none of what has no pieces."""
    is_over_limit: bool
    """Whether a sentence of it was too long, and cut."""


def cut_texts(
    texts: Sequence[str], tokenizer: Tokenizer, limit: int, splitter: Splitter | None
) -> list[CutText]:
    """Each text in parts of at most `limit` pieces; `splitter` first cuts it into sentences."""
    cleaned = [without_controls(text) for text in texts]
    sentences_of = [splitter(text) for text in cleaned] if splitter else [[t] for t in cleaned]
    # all at once: the tokenizer has threads
    flat = [sentence for sentences in sentences_of for sentence in sentences]
    cut = iter(_cut_sentences(flat, tokenizer, limit))
    found = []
    for text, sentences in zip(cleaned, sentences_of, strict=True):
        parts_of = [next(cut) for _ in sentences]
        is_over_limit = any(len(parts) > 1 for parts in parts_of)
        found.append(CutText(text, [part for parts in parts_of for part in parts], is_over_limit))
    return found


def _cut_sentences(texts: Sequence[str], tokenizer: Tokenizer, limit: int) -> list[list[Part]]:
    def count(parts: Sequence[str]) -> list[int]:
        return [len(ids) for ids in tokenizer.encode_batch(parts)]

    parts_of: list[list[Part]] = []
    for text, ids in zip(texts, tokenizer.encode_batch(texts), strict=True):
        if len(ids) <= limit:
            parts_of.append([Part(text, ids)] if ids else [])
            continue
        parts = split_text(text, limit, count)
        # a character of more pieces than the limit is cut: there is no way to translate it
        encoded = [part_ids[:limit] for part_ids in tokenizer.encode_batch(parts)]
        pairs = zip(parts, encoded, strict=True)
        parts_of.append([Part(part, part_ids) for part, part_ids in pairs if part_ids])
    return parts_of
