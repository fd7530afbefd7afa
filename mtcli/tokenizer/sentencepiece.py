"""A tokenizer read from a SentencePiece model file."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import sentencepiece

from mtcli.errors import TokenizerError
from mtcli.folders import why_refused
from mtcli.tokenizer.protocol import BOS_ID, EOS_ID, PAD_ID, SPACE, UNK_ID

if TYPE_CHECKING:
    from mtcli.tokenizer.model_file import Algorithm, ModelFile
    from mtcli.tokenizer.random_segmentation import BpeDropout, UnigramSampler

_SILENT = 2  # SentencePiece logs straight to the C stderr; its errors reach us as exceptions anyway


def silence_sentencepiece() -> None:
    """Keep SentencePiece's own log lines off standard error in this process."""
    sentencepiece.set_min_log_level(_SILENT)


class SentencePieceTokenizer:
    """A `Tokenizer` that uses one SentencePiece model file.

    Args:
        path: a model whose special ids are ours (pad 0, unk 1, bos 2, eos 3).

    Raises:
        TokenizerError: the file is missing, is not a SentencePiece model, or numbers its special
            pieces differently.
    """

    def __init__(self, path: Path) -> None:
        silence_sentencepiece()
        self.path = path
        self._processor = _load(path)
        # a model trained with add_dummy_prefix puts a space before the text; decoding removes it
        self._has_prefix = self._processor.normalize("a").startswith(SPACE)

    @property
    def vocab_size(self) -> int:
        """Number of pieces, special ones included."""
        return int(self._processor.vocab_size())

    def normalize(self, text: str) -> str:
        """The text as the tokenizer reads it: what decode(encode(text)) gives back."""
        escaped = self._escape(text)
        if self._has_prefix:
            escaped = escaped.removeprefix(SPACE)
        return escaped.replace(SPACE, " ")

    def encode(self, text: str) -> list[int]:
        """Ids of the best segmentation, without BOS and EOS; empty for blank text."""
        ids: list[int] = self._processor.encode(encodable(text), num_threads=1)
        return ids

    def encode_batch(self, texts: Sequence[str], num_threads: int = 1) -> list[list[int]]:
        """The same as encode, text by text, on num_threads threads."""
        safe_texts = [encodable(text) for text in texts]
        batch: list[list[int]] = self._processor.encode(safe_texts, num_threads=num_threads)
        return batch

    def encode_pieces(self, text: str) -> list[str]:
        """The pieces of encode(text); a character without a piece becomes `<unk>`."""
        return [self.id_to_piece(piece_id) for piece_id in self.encode(text)]

    def sample(self, text: str, *, amount: float, seed: int) -> list[int]:
        """Ids of a random segmentation, a function of its arguments alone."""
        if amount == 0:
            return self.encode(text)
        return self._sampler.sample(self._escape(text), amount=amount, seed=seed)

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids; PAD, BOS and EOS give nothing, UNK gives U+2047 between spaces."""
        text: str = self._processor.decode([int(piece_id) for piece_id in ids])
        return text

    def decode_batch(self, batch: Sequence[Sequence[int]]) -> list[str]:
        """The same as decode, sequence by sequence."""
        return [self.decode(ids) for ids in batch]

    def id_to_piece(self, piece_id: int) -> str:
        """The piece of an id."""
        piece: str = self._processor.id_to_piece(int(piece_id))
        return piece

    def piece_to_id(self, piece: str) -> int:
        """The id of a piece, UNK_ID if there is no such piece."""
        return int(self._processor.piece_to_id(piece))

    @cached_property
    def algorithm(self) -> Algorithm:
        """The algorithm that segments text."""
        return self._model_file.algorithm

    @cached_property
    def _model_file(self) -> ModelFile:
        from mtcli.tokenizer.model_file import parse_model

        return parse_model(self._processor.serialized_model_proto())

    @cached_property
    def _sampler(self) -> BpeDropout | UnigramSampler:
        # imported here, because translating does not sample
        from mtcli.tokenizer.model_file import Algorithm
        from mtcli.tokenizer.random_segmentation import BpeDropout, UnigramSampler, Vocabulary

        vocabulary = Vocabulary(self._model_file)
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

    def _escape(self, text: str) -> str:
        escaped: str = self._processor.normalize(encodable(text))
        return escaped


def _load(path: Path) -> sentencepiece.SentencePieceProcessor:
    processor = sentencepiece.SentencePieceProcessor()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TokenizerError(
            f"cannot read the tokenizer {path}: {why_refused(path, error)}"
        ) from None
    try:
        processor.load_from_serialized_proto(content)
    except (RuntimeError, ValueError):
        raise TokenizerError(
            f"{path} is not a SentencePiece model ({len(content)} bytes)",
            hint="train one with `mtcli tokenizer train`",
        ) from None
    special_ids = (processor.pad_id(), processor.unk_id(), processor.bos_id(), processor.eos_id())
    if special_ids != (PAD_ID, UNK_ID, BOS_ID, EOS_ID):
        pad_id, unk_id, bos_id, eos_id = special_ids
        raise TokenizerError(
            f"{path} has the special ids pad {pad_id}, unk {unk_id}, bos {bos_id}, eos {eos_id},"
            f" but mtcli needs pad {PAD_ID}, unk {UNK_ID}, bos {BOS_ID}, eos {EOS_ID}",
            hint=f"train it with `--pad_id={PAD_ID} --unk_id={UNK_ID} --bos_id={BOS_ID}"
            f" --eos_id={EOS_ID}`",
        )
    return processor


def encodable(text: str) -> str:
    """The text without characters that break the round trip.

    U+2581 becomes a space, because three of the five normalization rules keep it, and decoding
    reads it as a space. Surrogates, which UTF-8 cannot encode, are paired or become U+FFFD.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace(SPACE, " ")
