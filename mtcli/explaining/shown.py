# Shape suffixes: B sentences, S source length, T target length, H heads, Q query length,
#   M key length.
"""Turn what was computed of a batch into the plain numbers that are shown of each pair."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from mtcli.config.schema.architecture import ModelConfig
from mtcli.config.schema.attention import (
    Attention,
    FullAttentionConfig,
    LocalAttentionConfig,
    LowRankAttentionConfig,
)
from mtcli.explaining.forced_batch import PieceProbabilities
from mtcli.explaining.head_importance import HeadPlace
from mtcli.model.attention_maps import AttentionMaps
from mtcli.reports.explanation import (
    STACK_KINDS,
    Alternative,
    AttentionStack,
    Head,
    OutputPiece,
    StackKind,
    Word,
)
from mtcli.tokenizer.protocol import EOS_ID, NO_TAGS, Tags, Tokenizer
from mtcli.translating.alignment import words_as_written, words_of_pieces
from mtcli.translating.answer import Link


class ExplainedPair(NamedTuple):
    """A source and its translation, whoever made it."""

    src_text: str
    tgt_text: str
    src_ids: Sequence[int]
    """Without EOS."""
    tgt_ids: Sequence[int]
    """Without EOS."""
    is_complete: bool
    """Whether EOS ends the translation."""
    links: Sequence[Link]
    tags: Tags = NO_TAGS
    """What the model reads before the source and the target."""

    @property
    def tgt_out_ids(self) -> list[int]:
        """The translation, with EOS if it is complete."""
        return [*self.tgt_ids, *([EOS_ID] if self.is_complete else [])]

    @property
    def whole_src_ids(self) -> list[int]:
        """The source with its tags and EOS."""
        return [*self.tags.src, *self.src_ids, EOS_ID]


class BatchNumbers(NamedTuple):
    """What was computed of a batch of pairs."""

    maps: AttentionMaps
    importance: dict[HeadPlace, list[float]]
    probabilities: PieceProbabilities
    contributions_BTS: Tensor

    def without_tags(self, number: int) -> BatchNumbers:
        """The same without the positions of a number of target tags.

        Attention to a tag is added to that to the start. The rows of tags are dropped, as the model
        predicts nothing there.
        """
        if number == 0:
            return self
        decoder = [
            torch.cat(
                (w[..., number:, : number + 1].sum(-1, True), w[..., number:, number + 1 :]), -1
            )
            for w in self.maps.decoder
        ]
        cross = [w[..., number:, :] for w in self.maps.cross]
        probabilities = PieceProbabilities(*(values[:, number:] for values in self.probabilities))
        return BatchNumbers(
            self.maps._replace(decoder=decoder, cross=cross),
            self.importance,
            probabilities,
            self.contributions_BTS[:, number:],
        )


def attention_stacks(
    config: ModelConfig, pair: ExplainedPair, numbers: BatchNumbers, row: int
) -> tuple[AttentionStack, ...]:
    """The heads of all stacks, for one pair of a batch."""
    S, T = len(pair.whole_src_ids), len(pair.tgt_out_ids)
    sizes = {"encoder": (S, S), "decoder": (T, T), "cross": (T, S)}
    kinds = {
        "encoder": _in_words(config.encoder_attention),
        "decoder": _in_words(config.decoder_attention),
        "cross": "full",
    }
    stacks = []
    for kind in STACK_KINDS:
        num_queries, num_keys = sizes[kind]
        layers = tuple(
            _heads(weights[row, :, :num_queries, :num_keys], kind, layer, numbers, row)
            for layer, weights in enumerate(getattr(numbers.maps, kind))
        )
        stacks.append(AttentionStack(kind, kinds[kind], layers))
    return tuple(stacks)


def _heads(
    weights_HQM: Tensor, stack: StackKind, layer: int, numbers: BatchNumbers, row: int
) -> tuple[Head, ...]:
    entropies = torch.special.entr(weights_HQM).sum(-1).mean(-1).tolist()
    return tuple(
        Head(weights, entropy, numbers.importance[HeadPlace(stack, layer, head)][row])
        for head, (weights, entropy) in enumerate(zip(weights_HQM.tolist(), entropies, strict=True))
    )


def output_pieces(
    pair: ExplainedPair, probabilities: PieceProbabilities, row: int, tokenizer: Tokenizer
) -> tuple[OutputPiece, ...]:
    """The output pieces of one pair of a batch, with their alternatives."""
    T = len(pair.tgt_out_ids)
    rows = zip(
        pieces_of(tokenizer, pair.tgt_out_ids),
        probabilities.log_probs_BT[row, :T].exp().tolist(),
        probabilities.best_ids_BTN[row, :T].tolist(),
        probabilities.best_log_probs_BTN[row, :T].exp().tolist(),
        strict=True,
    )
    return tuple(
        OutputPiece(
            piece,
            probability,
            tuple(map(Alternative, pieces_of(tokenizer, best_ids), best_probabilities)),
        )
        for piece, probability, best_ids, best_probabilities in rows
    )


def word_of_pieces(text: str, ids: Sequence[int], tokenizer: Tokenizer) -> list[int]:
    """The word of the text that each piece belongs to, counted from 0."""
    words = words_of_pieces(pieces_of(tokenizer, ids))
    last = max(len(text.split()) - 1, 0)
    return [min(word, last) for word in words_as_written(text, words, tokenizer.normalize)]


def words_with_pieces(text: str, word_of: Sequence[int], first: int = 0) -> tuple[Word, ...]:
    """The words of a text; `word_of` is the word of each piece, of which `first` is the first."""
    words = []
    for index, word in enumerate(text.split()):
        number = word_of.count(index)
        words.append(Word(word, first, number))
        first += number
    return tuple(words)


def by_word(
    contributions_TS: Tensor, src_word_of: Sequence[int], num_words: int, first: int = 0
) -> tuple[tuple[float, ...], ...]:
    """Sums over the pieces of each source word, of which `first` is the first; EOS has none."""
    sums = contributions_TS.new_zeros(contributions_TS.size(0), num_words)
    places = torch.tensor(src_word_of, dtype=torch.int64, device=sums.device)
    sums.index_add_(1, places, contributions_TS[:, first : first + len(src_word_of)])
    return tuple(map(tuple, sums.tolist()))


def _in_words(attention: Attention) -> str:
    """What a kind of attention sees, for people."""
    match attention:
        case FullAttentionConfig():
            return "full"
        case LocalAttentionConfig(window=window, windows=windows, global_tokens=num_global):
            sizes = window if windows is None else ", ".join(map(str, windows))
            also = f", and {num_global} global positions" if num_global else ""
            if attention.sees_separators:
                also += ", and separators of sentences"
            return f"local, window {sizes}{also}"
        case LowRankAttentionConfig(rank=rank):
            return f"low rank, {rank} segments, whose positions share their weight"


def pieces_of(tokenizer: Tokenizer, ids: Sequence[int]) -> list[str]:
    """The pieces of ids, as the tokenizer writes them."""
    return [tokenizer.id_to_piece(piece_id) for piece_id in ids]
