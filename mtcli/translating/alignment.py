"""Align the words of a translation with those of its source, in Pharaoh's format."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from mtcli.decoding.options import Hypothesis
from mtcli.engines.protocol import PairEngine
from mtcli.tokenizer.protocol import SPACE
from mtcli.translating.answer import Answer, Link, part_texts
from mtcli.translating.batching import longest_first_batches
from mtcli.translating.loaded_model import LoadedModel
from mtcli.translating.options import TranslateOptions
from mtcli.translating.parts import Part
from mtcli.translating.source_texts import SourceText

if TYPE_CHECKING:
    import numpy as np  # importing it would slow the start of translations that need none


class AlignedPart(NamedTuple):
    """A text, or a part of one that was translated in parts."""

    src_text: str
    tgt_text: str
    src_pieces: Sequence[str]
    """Pieces that the model read, without EOS."""
    tgt_pieces: Sequence[str]
    """Pieces that the model wrote, without EOS."""
    attention: np.ndarray
    """Attention to each source piece while it wrote each target piece: an array (target pieces,
    source pieces), as `PairEngine.attention` returns it."""


def attention_of_pairs(
    engine: PairEngine,
    pairs: Sequence[tuple[Sequence[int], Sequence[int]]],
    options: TranslateOptions,
) -> list[np.ndarray]:
    """Attention (target pieces, source pieces) of each pair, of the layer and heads of `options`.

    Args:
        engine: runs the model.
        pairs: ids of sources that were translated, and of their outputs; any number of them.
        options: layer, heads and batch size.

    Raises:
        ConfigError: the model has no such layer or head.
    """
    attention: dict[int, np.ndarray] = {}
    lengths = [len(src) + len(tgt) for src, tgt in pairs]
    for batch in longest_first_batches(lengths, options.batch_size):
        arrays = engine.attention(
            [pairs[i][0] for i in batch],
            [pairs[i][1] for i in batch],
            options.alignment_layer,
            options.alignment_heads,
        )
        attention |= zip(batch, arrays, strict=True)
    return [attention[i] for i in range(len(pairs))]


def align_answers(
    model: LoadedModel[PairEngine],
    options: TranslateOptions,
    sources: Sequence[SourceText],
    hypotheses_of: Sequence[Sequence[Hypothesis]],
    answers: Sequence[Answer],
) -> list[Answer]:
    """The answers, with links between the words of text and translation in each translation.

    Args:
        model: what translated.
        options: layer, heads and batch size.
        sources: what was translated.
        hypotheses_of: hypotheses of each part of all texts, one after another.
        answers: what was made of them.

    Raises:
        ConfigError: the model has no such layer or head.
    """
    parts = [part for source in sources for part in source.parts]
    pairs = [
        (part.ids, hypothesis.token_ids)
        for part, hypotheses in zip(parts, hypotheses_of, strict=True)
        for hypothesis in hypotheses
    ]
    arrays = iter(attention_of_pairs(model.engine, pairs, options))
    aligned_parts = iter(
        [
            _aligned_parts(part, hypotheses, [next(arrays) for _ in hypotheses], model)
            for part, hypotheses in zip(parts, hypotheses_of, strict=True)
        ]
    )
    normalize = model.src_tokenizer.normalize
    aligned_answers = []
    for source, answer in zip(sources, answers, strict=True):
        aligned = [next(aligned_parts) for _ in source.parts]
        translations = []
        for k, translation in enumerate(answer.translations):
            parts_of_rank = [ranked[k] for ranked in aligned]
            links = align_words(source.text, translation.text, parts_of_rank, normalize)
            translations.append(translation._replace(alignment=tuple(links)))
        aligned_answers.append(answer._replace(translations=tuple(translations)))
    return aligned_answers


def align_pairs(
    model: LoadedModel[PairEngine], options: TranslateOptions, pairs: Sequence[tuple[str, str]]
) -> list[tuple[Link, ...] | None]:
    """Links between the words of each pair of source and target text, whoever translated it.

    Args:
        model: its attention makes the links.
        options: layer, heads and batch size.
        pairs: any number of them.

    Returns:
        The sorted links of each pair; None where a side has more pieces than the model has
        positions.

    Raises:
        ConfigError: the model has no such layer or head.
    """
    _, src_tokenizer, tgt_tokenizer, *_ = model
    src_ids, tgt_ids = model.encode_pairs(pairs)
    limit = model.engine.max_positions - 1
    fitting = [i for i, ids in enumerate(zip(src_ids, tgt_ids, strict=True))
               if max(map(len, ids)) <= limit]  # fmt: skip
    arrays = attention_of_pairs(model.engine, [(src_ids[i], tgt_ids[i]) for i in fitting], options)
    links: list[tuple[Link, ...] | None] = [None] * len(pairs)
    for i, array in zip(fitting, arrays, strict=True):
        src_text, tgt_text = pairs[i]
        part = AlignedPart(
            src_text,
            tgt_text,
            [src_tokenizer.id_to_piece(piece) for piece in src_ids[i]],
            [tgt_tokenizer.id_to_piece(piece) for piece in tgt_ids[i]],
            array,
        )
        links[i] = tuple(align_words(src_text, tgt_text, [part], src_tokenizer.normalize))
    return links


def _aligned_parts(
    part: Part,
    hypotheses: Sequence[Hypothesis],
    arrays: Sequence[np.ndarray],
    model: LoadedModel[PairEngine],
) -> list[AlignedPart]:
    """One part with each of its hypotheses."""
    src_pieces = [model.src_tokenizer.id_to_piece(i) for i in part.ids]
    tgt_texts = part_texts(hypotheses, model.tgt_tokenizer)
    return [
        AlignedPart(
            part.text,
            tgt_text,
            src_pieces,
            [model.tgt_tokenizer.id_to_piece(i) for i in hypothesis.token_ids],
            array,
        )
        for tgt_text, hypothesis, array in zip(tgt_texts, hypotheses, arrays, strict=True)
    ]


def align_words(
    src_text: str, tgt_text: str, parts: Sequence[AlignedPart], normalize: Callable[[str], str]
) -> list[Link]:
    """Links between the words of a text and those of its translation, sorted, each once.

    Each target piece is linked to the source piece that got most attention, and two words are
    linked if any of their pieces are. Words are separated by white space, in the texts before any
    normalisation.

    Args:
        src_text: the whole source.
        tgt_text: the whole translation.
        parts: what they are made of, in order; no part for a blank text.
        normalize: the source tokenizer's normalisation, which may split words and join them.
    """
    src_starts = first_words(src_text, [part.src_text for part in parts])
    tgt_starts = first_words(tgt_text, [part.tgt_text for part in parts])
    links: set[Link] = set()
    num_src_words, num_tgt_words = len(src_text.split()), len(tgt_text.split())
    if not num_src_words or not num_tgt_words:
        return []
    for part, src_start, tgt_start in zip(parts, src_starts, tgt_starts, strict=True):
        if not part.attention.size:
            continue
        src_words = words_as_written(part.src_text, words_of_pieces(part.src_pieces), normalize)
        tgt_words = words_of_pieces(part.tgt_pieces)
        # clamped, because a last piece of white space belongs to no word
        links |= {
            (
                min(src_start + src_words[src_piece], num_src_words - 1),
                min(tgt_start + tgt_word, num_tgt_words - 1),
            )
            for tgt_word, src_piece in zip(
                tgt_words, part.attention.argmax(axis=1).tolist(), strict=True
            )
        }
    return sorted(links)


def pharaoh(links: Sequence[Link]) -> str:
    """One line of Pharaoh's format, `0-0 1-2`: source word, hyphen, target word."""
    return " ".join(f"{src}-{tgt}" for src, tgt in links)


def words_of_pieces(pieces: Sequence[str]) -> list[int]:
    """The word that each piece belongs to, counted from 0.

    A piece of white space belongs to the next word, a piece of several words to the first of them.
    """
    words, word, has_begun = [], 0, False
    for piece in pieces:
        first_word = None
        for character in piece:
            if character == SPACE or character.isspace():
                word, has_begun = word + has_begun, False
            else:
                first_word, has_begun = word if first_word is None else first_word, True
        words.append(word if first_word is None else first_word)
    return words


def first_words(text: str, parts: Sequence[str]) -> list[int]:
    """The word of `text` in which each part begins.

    The parts hold all characters of the text in order, except white space.
    """
    ends = list(accumulate(len(word) for word in text.split()))
    sizes = [sum(map(len, part.split())) for part in parts]
    starts = [0, *accumulate(sizes)][:-1] if sizes else []
    return [bisect_right(ends, start) for start in starts]


def words_as_written(
    text: str, words: Sequence[int], normalize: Callable[[str], str]
) -> Sequence[int]:
    """Words counted in `text`, for words counted in what the tokenizer made of it."""
    written = [
        index for index, word in enumerate(text.split()) for _ in normalize(word).split() or ()
    ]
    if not written:
        return [0] * len(words)
    return [written[min(word, len(written) - 1)] for word in words]
