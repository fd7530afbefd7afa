"""A tokenizer read from a SentencePiece model file."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import sentencepiece

from mtcli.errors import TokenizerError
from mtcli.folders import read_start, why_refused
from mtcli.tokenizer.invisible import Side
from mtcli.tokenizer.model_file import Algorithm, ModelFile, parse_model, read_rules, user_symbols
from mtcli.tokenizer.normalization import TextNormalizer
from mtcli.tokenizer.numbering import (
    FileNumbering,
    Numbering,
    VocabularyNumbering,
    split_vocabulary,
)
from mtcli.tokenizer.protocol import BOS_ID, EOS_ID, PAD_ID, SPACE, UNK_ID

if TYPE_CHECKING:
    from mtcli.config.schema.tokenizer import NormalizationRule
    from mtcli.tokenizer.random_segmentation import BpeDropout, UnigramSampler

_LARGEST_BYTES = 32 * 2**20
"""Of a model file; one of 256,000 pieces has 5 MB. Loading it takes ten times as much memory."""

_TRAIN_ONE = "train one with `mtcli tokenizer train`"

_SILENT = 2  # SentencePiece logs straight to the C stderr; its errors reach us as exceptions anyway


def silence_sentencepiece() -> None:
    """Keep SentencePiece's own log lines off standard error in this process."""
    sentencepiece.set_min_log_level(_SILENT)


class SentencePieceModel:
    """What a SentencePiece model file holds, for one or two tokenizers.

    Args:
        path: the file.

    Raises:
        TokenizerError: as `SentencePieceTokenizer`.
    """

    def __init__(self, path: Path) -> None:
        silence_sentencepiece()
        self.path = path
        self.processor, self._content, self.numbering = _load(path)
        try:
            self.rules = read_rules(self._content)
            """How text is normalized before the model reads it; None if the file does not say."""
        except ValueError as error:
            raise TokenizerError(
                f"{path} has the {error}", hint="upgrade mtcli; a newer version wrote this"
            ) from None
        try:
            self.symbols = user_symbols(self._content)
            """Its user-defined pieces."""
        except ValueError as error:
            raise self._damaged(error) from None

    @cached_property
    def algorithm(self) -> Algorithm:
        """The algorithm that segments text."""
        return self._parsed.algorithm

    @cached_property
    def _parsed(self) -> ModelFile:
        try:
            return parse_model(self._content)
        except ValueError as error:
            raise self._damaged(error) from None

    def _damaged(self, error: ValueError) -> TokenizerError:
        return TokenizerError(f"{self.path} is damaged: {error}", hint=_TRAIN_ONE)

    @cached_property
    def sampler(self) -> BpeDropout | UnigramSampler:
        """Draws random segmentations.

        Raises:
            TokenizerError: the algorithm has only one segmentation of a text.
        """
        # imported here, because translating does not sample
        from mtcli.tokenizer.random_segmentation import BpeDropout, UnigramSampler, Vocabulary

        vocabulary = Vocabulary(self.numbering.renumbered(self._parsed))
        match self.algorithm:
            case Algorithm.BPE:
                return BpeDropout(vocabulary)
            case Algorithm.UNIGRAM:
                return UnigramSampler(vocabulary)
            case other:
                raise TokenizerError(
                    f"{self.path} is a {other.name.lower()} model, which has only one segmentation"
                    " of a text",
                    hint="set `tokenizer.sample_src` and `tokenizer.sample_tgt` to 0, or use a"
                    " unigram or BPE model",
                )


class SentencePieceTokenizer:
    """A `Tokenizer` that uses one SentencePiece model file.

    Args:
        path: a model whose special ids are ours (pad 0, unk 1, bos 2, eos 3).
        side: the side whose texts it reads; it decides the normalization.
        rule: how the side is normalized; None: as the file says, or by the model alone if it says
            nothing.
        model: the content of the file, if it was read before.

    Raises:
        TokenizerError: the file is missing, is not a SentencePiece model, or numbers its special
            pieces differently.
    """

    def __init__(
        self,
        path: Path,
        *,
        side: Side = "tgt",
        rule: NormalizationRule | None = None,
        model: SentencePieceModel | None = None,
    ) -> None:
        self.path = path
        self.model = SentencePieceModel(path) if model is None else model
        """What is read from the file; the tokenizers of two sides can share it."""
        if rule is None:
            rule = "identity" if self.model.rules is None else self.model.rules.of(side)
        self._normalizer = TextNormalizer(rule, side, self.model.symbols)
        self._processor = self.model.processor
        # a model trained with add_dummy_prefix puts a space before the text; decoding removes it
        self._has_prefix = self._processor.normalize("a").startswith(SPACE)

    @property
    def normalization(self) -> NormalizationRule:
        """How text is normalized before the model reads it."""
        return self._normalizer.rule

    @property
    def described_normalization(self) -> str:
        """The same for people; a file that says nothing may have a normalization of its own."""
        return self.normalization if self.model.rules is not None else "of the tokenizer's own file"

    @property
    def vocab_size(self) -> int:
        """Number of pieces, special ones included."""
        return self.model.numbering.vocab_size

    def normalize(self, text: str) -> str:
        """The text as the tokenizer reads it: what decode(encode(text)) gives back."""
        return self._read(self._normalizer(text))

    def _read(self, text: str) -> str:
        """What the model reads of text that went through the normalizer."""
        if self.model.rules is not None:
            # a model of ours only reduces spaces, which is faster here
            return " ".join(filter(None, text.split(" "))) if "  " in f" {text} " else text
        escaped: str = self._processor.normalize(text)
        if self._has_prefix:
            escaped = escaped.removeprefix(SPACE)
        return escaped.replace(SPACE, " ")

    def encode(self, text: str) -> list[int]:
        """Ids of the best segmentation, without BOS and EOS; empty for blank text."""
        return self.model.numbering.encode(self._normalizer(text))

    def encode_batch(self, texts: Sequence[str], num_threads: int = 1) -> list[list[int]]:
        """The same as encode, text by text, on num_threads threads."""
        return self._encode_batch(list(map(self._normalizer, texts)), num_threads)

    def normalize_and_encode(
        self, texts: Sequence[str], num_threads: int = 1
    ) -> tuple[list[str], list[list[int]]]:
        """The same as normalize and encode, text by text; faster than both one after the other."""
        normalized = list(map(self._normalizer, texts))
        return list(map(self._read, normalized)), self._encode_batch(normalized, num_threads)

    def _encode_batch(self, normalized: list[str], num_threads: int) -> list[list[int]]:
        return self.model.numbering.encode_batch(normalized, num_threads)

    def encode_pieces(self, text: str) -> list[str]:
        """The pieces of encode(text); a character without a piece becomes `<unk>`."""
        return [self.id_to_piece(piece_id) for piece_id in self.encode(text)]

    def sample(self, text: str, *, amount: float, seed: int) -> list[int]:
        """Ids of a random segmentation, a function of its arguments alone."""
        if amount == 0:
            return self.encode(text)
        ids = self.model.sampler.sample(self._escape(text), amount=amount, seed=seed)
        return self.model.numbering.known(ids)

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids; PAD, BOS and EOS give nothing, UNK gives U+2047 between spaces."""
        return self.model.numbering.decode(ids)

    def decode_batch(self, batch: Sequence[Sequence[int]]) -> list[str]:
        """The same as decode, sequence by sequence."""
        return [self.decode(ids) for ids in batch]

    def id_to_piece(self, piece_id: int) -> str:
        """The piece of an id."""
        return self.model.numbering.id_to_piece(piece_id)

    def piece_to_id(self, piece: str) -> int:
        """The id of a piece, UNK_ID if there is no such piece."""
        return self.model.numbering.piece_to_id(piece)

    def _escape(self, text: str) -> str:
        escaped: str = self._processor.normalize(self._normalizer(text))
        return escaped


def load_any(path: Path) -> tuple[sentencepiece.SentencePieceProcessor, bytes]:
    """The model that any SentencePiece file holds, and the file's content.

    Raises:
        TokenizerError: the file cannot be read, or is not a SentencePiece model.
    """
    processor = sentencepiece.SentencePieceProcessor()
    try:
        content = read_start(path, _LARGEST_BYTES + 1)  # what it names may have no end
    except OSError as error:
        raise TokenizerError(
            f"cannot read the tokenizer {path}: {why_refused(path, error)}"
        ) from None
    if len(content) > _LARGEST_BYTES:
        raise TokenizerError(
            f"{path} is not a SentencePiece model: it has more than {_LARGEST_BYTES >> 20} MiB",
            hint=_TRAIN_ONE,
        )
    try:
        processor.load_from_serialized_proto(content)
    except (RuntimeError, ValueError):
        raise TokenizerError(
            f"{path} is not a SentencePiece model ({len(content)} bytes)",
            hint=_TRAIN_ONE,
        ) from None
    try:
        processor.id_to_piece(list(range(processor.vocab_size())))
    except UnicodeDecodeError as error:  # else it would come in the middle of a translation
        raise TokenizerError(
            f"{path} is damaged: a piece is not UTF-8 ({error.reason})", hint=_TRAIN_ONE
        ) from None
    return processor, content


def _load(path: Path) -> tuple[sentencepiece.SentencePieceProcessor, bytes, Numbering]:
    """The model that a file holds, the file's content, and what its ids are."""
    processor, content = load_any(path)
    try:
        _, vocabulary = split_vocabulary(content)
    except ValueError as error:
        raise TokenizerError(f"{path} is damaged: {error}") from None
    if vocabulary is not None:
        return processor, content, VocabularyNumbering(processor, *vocabulary)
    special_ids = (processor.pad_id(), processor.unk_id(), processor.bos_id(), processor.eos_id())
    if special_ids != (PAD_ID, UNK_ID, BOS_ID, EOS_ID):
        pad_id, unk_id, bos_id, eos_id = special_ids
        raise TokenizerError(
            f"{path} has the special ids pad {pad_id}, unk {unk_id}, bos {bos_id}, eos {eos_id},"
            f" but mtcli needs pad {PAD_ID}, unk {UNK_ID}, bos {BOS_ID}, eos {EOS_ID}",
            hint=f"train it with `--pad_id={PAD_ID} --unk_id={UNK_ID} --bos_id={BOS_ID}"
            f" --eos_id={EOS_ID}`",
        )
    return processor, content, FileNumbering(processor)


def open_tokenizers(
    src_path: Path,
    tgt_path: Path,
    *,
    src_rule: NormalizationRule | None = None,
    tgt_rule: NormalizationRule | None = None,
) -> tuple[SentencePieceTokenizer, SentencePieceTokenizer]:
    """The tokenizers of source and target; one file may serve both.

    Args:
        src_path: the model file of the source.
        tgt_path: that of the target; the same path where both share a vocabulary.
        src_rule: how the source is normalized; None: as the file says.
        tgt_rule: the same for the target.

    Raises:
        TokenizerError: as `SentencePieceTokenizer`.
    """
    src = SentencePieceTokenizer(src_path, side="src", rule=src_rule)
    shared = src.model if tgt_path == src_path else None
    return src, SentencePieceTokenizer(tgt_path, side="tgt", rule=tgt_rule, model=shared)
