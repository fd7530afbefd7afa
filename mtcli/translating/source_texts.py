"""Prepare texts for the model: split them into sentences, and those into parts of piece ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mtcli.errors import ConfigError
from mtcli.tokenizer.invisible import without_invisible
from mtcli.tokenizer.protocol import Tokenizer
from mtcli.translating.controls import without_controls
from mtcli.translating.parts import Part, split_text
from mtcli.translating.sentences import Splitter


class SourceText(NamedTuple):
    """A text, ready to be translated."""

    text: str
    """Without control characters and invisible ones."""
    parts: list[Part]
    """Mostly one; none if the text has no pieces."""
    is_over_limit: bool
    """Whether a sentence of it was too long, and so was split."""
    prefix: str = ""
    """What its translation begins with."""
    unseen: str = ""
    """Characters of it that were in no source of the training."""


def prepare_texts(
    texts: Sequence[str], tokenizer: Tokenizer, limit: int, lang: str, splitter: Splitter | None
) -> list[SourceText]:
    """Split each text into parts of at most `limit` pieces; `splitter` first makes sentences.

    Args:
        texts: what is translated.
        tokenizer: of the source side.
        limit: most pieces of a part.
        lang: BCP 47 tag of the source language.
        splitter: None keeps texts whole that are within the limit.
    """
    # before sentences are found: an invisible character after a full stop must not hide its end
    cleaned = [without_invisible(without_controls(text), "src") for text in texts]
    sentences_of = [splitter(text) for text in cleaned] if splitter else [[t] for t in cleaned]
    # all at once, because the tokenizer has threads
    flat = [sentence for sentences in sentences_of for sentence in sentences]
    parts_of_sentence = iter(_split_sentences(flat, tokenizer, limit, lang))
    prepared = []
    for text, sentences in zip(cleaned, sentences_of, strict=True):
        parts_of = [next(parts_of_sentence) for _ in sentences]
        is_over_limit = any(len(parts) > 1 for parts in parts_of)
        prepared.append(
            SourceText(text, [part for parts in parts_of for part in parts], is_over_limit)
        )
    return prepared


def _split_sentences(
    texts: Sequence[str], tokenizer: Tokenizer, limit: int, lang: str
) -> list[list[Part]]:
    def count(parts: Sequence[str]) -> list[int]:
        return [len(ids) for ids in tokenizer.encode_batch(parts)]

    parts_of: list[list[Part]] = []
    for text, ids in zip(texts, tokenizer.encode_batch(texts), strict=True):
        if len(ids) <= limit:
            parts_of.append([Part(text, ids)] if ids else [])
            continue
        parts = split_text(text, limit, count, lang)
        # a character of more pieces than the limit is cut off: there is no way to translate it
        encoded = [part_ids[:limit] for part_ids in tokenizer.encode_batch(parts)]
        pairs = zip(parts, encoded, strict=True)
        parts_of.append([Part(part, part_ids) for part, part_ids in pairs if part_ids])
    return parts_of


def list_of_texts(texts: Iterable[str]) -> list[str]:
    """The texts; a single one is refused.

    Raises:
        ConfigError: `texts` is one text.
    """
    if isinstance(texts, str):  # which is an iterable of texts, too: of its characters
        raise ConfigError(
            f"`texts` must be a list of texts, found one text: {texts[:40]!r}",
            hint=f"write [{texts[:40]!r}]",
        )
    return list(texts)
