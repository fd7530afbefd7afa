"""The tokenizers of a Hugging Face folder: SentencePiece files and their vocabularies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtcli.bundle.card import LanguageTags
from mtcli.errors import TokenizerError
from mtcli.folders import check_readable, read_json
from mtcli.interchange.foreign import ForeignModelError
from mtcli.interchange.huggingface.architecture import ForeignIds
from mtcli.interchange.huggingface.settings import LARGEST_SETTINGS_BYTES
from mtcli.interchange.renumbering import Renumbering, SpecialIds, renumber
from mtcli.tokenizer.protocol import SHARED_TOKENIZER, SRC_TOKENIZER, TGT_TOKENIZER
from mtcli.tokenizer.sentencepiece import load_any, silence_sentencepiece

TOKENIZER_SETTINGS = "tokenizer_config.json"
_MOST_ROWS_A_PIECE, _FEW_PIECES = 2, 1000
"""Embeddings are padded to a multiple of some number of rows, which have no piece."""

_MARIAN_TAG = re.compile(r">>[^<>]+<<")


@dataclass(frozen=True)
class Vocabularies:
    """Both sides of a model."""

    src: Renumbering
    tgt: Renumbering
    """The same as `src` if the model has one vocabulary."""
    files: Mapping[str, bytes]
    """Contents of the tokenizer files, by their names in a model folder."""
    languages: tuple[str | None, str | None]
    """Source and target language, as far as the tokenizer names them."""
    taken: tuple[str, ...]
    tags: LanguageTags | None = None
    """The languages that pieces name; None if there are no such pieces."""

    @property
    def num_tgt_tags(self) -> int:
        """Pieces of languages that stand before a translation."""
        return 1 if self.tags is not None and self.tags.tgt_side == "tgt" else 0

    @property
    def is_shared(self) -> bool:
        """Whether one file serves both sides."""
        return SHARED_TOKENIZER in self.files


def read_marian(folder: Path, ids: ForeignIds, sizes: tuple[int, int]) -> Vocabularies:
    """`source.spm`, `target.spm` and `vocab.json`, and perhaps `target_vocab.json`.

    Args:
        folder: the folder.
        ids: what `config.json` says of ids.
        sizes: rows of the source and of the target embedding.

    Raises:
        ForeignModelError: a file is missing or damaged, or they do not fit together.
    """
    contents = [read_spm(folder / name)[0] for name in ("source.spm", "target.spm")]
    has_two = (folder / "target_vocab.json").exists()
    names = ("vocab.json", "target_vocab.json" if has_two else "vocab.json")
    settings = read_settings(folder)
    unknown = str(settings.get("unk_token") or "<unk>")
    sides = []
    for name, size in zip(names, sizes, strict=True):
        pieces = read_pieces(folder / name, size)
        if unknown not in pieces:
            raise ForeignModelError(f"{folder / name} has no `{unknown}`")
        check_ids(folder / name, ids, size)
        bos = None if ids.start in (ids.pad, ids.eos) else ids.start
        special = SpecialIds(ids.pad, pieces.index(unknown), ids.eos, bos)
        tags = [i for i, piece in enumerate(pieces) if _MARIAN_TAG.fullmatch(piece)]
        sides.append(renumber(pieces, special, [*tags, *unnamed(pieces)]))
    src, tgt = sides
    files = {
        SRC_TOKENIZER: src.tokenizer(contents[0]),
        TGT_TOKENIZER: tgt.tokenizer(contents[1]),
    }
    if files[SRC_TOKENIZER] == files[TGT_TOKENIZER]:
        files = {SHARED_TOKENIZER: files[SRC_TOKENIZER]}
    used = ", ".join(dict.fromkeys(("source.spm", "target.spm", *names)))
    num_pieces = f"{len(src.pieces)} and {len(tgt.pieces)}" if has_two else len(src.pieces)
    return Vocabularies(
        src,
        tgt,
        files,
        (language_in(settings, "source_lang"), language_in(settings, "target_lang")),
        (f"tokenizers: {num_pieces} pieces from {used}",),
        _tags_before_sources(src),
    )


def _tags_before_sources(src: Renumbering) -> LanguageTags | None:
    """The target languages that a word before a source chooses, such as `>>deu<<`."""
    tags = {piece[2:-2]: i for i, piece in enumerate(src.pieces) if _MARIAN_TAG.fullmatch(piece)}
    return LanguageTags(tgt=tags, tgt_side="src") if tags else None


def read_settings(folder: Path, name: str = TOKENIZER_SETTINGS) -> dict[str, Any]:
    """What a file of settings says, if it is there."""
    path = folder / name
    if not path.exists():
        return {}
    settings = read_json(path, ForeignModelError, LARGEST_SETTINGS_BYTES)
    if not isinstance(settings, dict):
        raise ForeignModelError(f"{path} is damaged: it is not an object")
    return settings


def language_in(settings: Mapping[str, Any], key: str) -> str | None:
    """A language that the tokenizer names."""
    value = settings.get(key)
    return value if isinstance(value, str) and value else None


def read_spm(path: Path) -> tuple[bytes, list[str]]:
    """A SentencePiece file that can be loaded, and its pieces."""
    if not path.exists():
        if (path.parent / "tokenizer.json").exists():
            raise ForeignModelError(
                f"{path.parent / 'tokenizer.json'} cannot be imported without the SentencePiece"
                f" file `{path.name}`",
                hint="copy the SentencePiece files of the original model into the folder",
            )
        raise ForeignModelError(f"{path.parent} has no `{path.name}`")
    check_readable(path, ForeignModelError)
    silence_sentencepiece()
    try:
        processor, content = load_any(path)
    except TokenizerError as error:
        raise ForeignModelError(error.sentence) from None
    return content, [processor.id_to_piece(i) for i in range(processor.vocab_size())]


def read_pieces(path: Path, size: int) -> list[str]:
    """The pieces of `{piece: id}`; rows without a piece get a name of their own."""
    ids = read_json(path, ForeignModelError)
    if not isinstance(ids, dict) or not ids:
        raise ForeignModelError(f"{path} is damaged: it is not an object of ids by piece")
    check_rows(path, len(ids), size)
    pieces: list[str | None] = [None] * size
    for piece, piece_id in ids.items():
        if type(piece_id) is not int or not 0 <= piece_id < size:
            raise ForeignModelError(
                f"{path}: the id of `{piece[:60]}` must be a number below {size}, the rows of the"
                f" embedding; found `{str(piece_id)[:60]}`"
            )
        if pieces[piece_id] is not None:
            raise ForeignModelError(
                f"{path}: `{pieces[piece_id]}` and `{piece[:60]}` have the same id, {piece_id}"
            )
        pieces[piece_id] = piece
    return [unnamed_piece(i) if piece is None else piece for i, piece in enumerate(pieces)]


def check_rows(path: Path, num_pieces: int, size: int) -> None:
    """Refuse an embedding with far more rows than pieces.

    Raises:
        ForeignModelError: it has.
    """
    if size > _MOST_ROWS_A_PIECE * max(num_pieces, _FEW_PIECES):
        raise ForeignModelError(
            f"{path} has {num_pieces} pieces, but the embedding has {size} rows"
        )


def unnamed_piece(row: int) -> str:
    """The name of a row without a piece."""
    return f"<row {row}>"


def unnamed(pieces: list[str]) -> list[int]:
    """Rows without a piece: the files pad their embeddings."""
    return [i for i, piece in enumerate(pieces) if piece == unnamed_piece(i)]


def check_ids(path: Path, ids: ForeignIds, size: int) -> None:
    """Check that special ids are rows.

    Raises:
        ForeignModelError: one is not, or two are the same.
    """
    for name, piece_id in (("pad_token_id", ids.pad), ("eos_token_id", ids.eos)):
        if piece_id >= size:
            raise ForeignModelError(
                f"{path.parent / 'config.json'}: `{name}` is {piece_id}, but {path.name} has"
                f" {size} pieces"
            )
    if ids.pad == ids.eos:
        raise ForeignModelError(
            f"{path.parent / 'config.json'}: `pad_token_id` and `eos_token_id` are the same,"
            f" {ids.pad}"
        )
