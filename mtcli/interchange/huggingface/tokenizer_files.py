"""Write the tokenizer files of an export to Hugging Face."""

from __future__ import annotations

import json
from pathlib import Path

from mtcli.bundle.card import ModelCard
from mtcli.bundle.model_folder import Bundle
from mtcli.errors import ConfigError
from mtcli.folders import write_json
from mtcli.interchange.huggingface.multilingual import CODES
from mtcli.interchange.huggingface.vocabularies import TOKENIZER_SETTINGS, unnamed_piece
from mtcli.interchange.huggingface.written import Side
from mtcli.tokenizer.model_file import with_rule_for_others
from mtcli.tokenizer.numbering import split_vocabulary
from mtcli.tokenizer.protocol import EOS_ID, PAD_ID, UNK_ID
from mtcli.translating.loaded_model import load_tokenizers


def has_target_tags(card: ModelCard) -> bool:
    """Whether every output begins with the tag of its language."""
    return card.languages is not None and card.languages.tgt_side == "tgt"


def language_codes(bundle: Bundle) -> tuple[str, int]:
    """The name of the languages of `M2M100Tokenizer` that are the model's, and their first id.

    Raises:
        ConfigError: the model has others, or numbers them differently.
    """
    languages = bundle.card.languages
    tags = sorted(languages.tgt.items(), key=lambda tag: tag[1]) if languages else []
    names, ids = [name for name, _ in tags], [piece_id for _, piece_id in tags]
    _, tgt = load_tokenizers(bundle)
    pieces = [tgt.id_to_piece(i) for i in range(tgt.vocab_size)]
    fits = (
        languages is not None
        and len(ids) > 0
        and languages.src == languages.tgt
        and ids == list(range(ids[0], ids[0] + len(ids)))
        and [pieces[i] for i in ids] == [f"__{name}__" for name in names]
        and pieces[ids[-1] + 1 :] == [unnamed_piece(i) for i in range(ids[-1] + 1, len(pieces))]
    )
    for code, listed in CODES.items():
        if fits and names == listed.split():
            return code, ids[0]
    raise ConfigError(
        f"the model cannot be exported to huggingface: its {len(names)} tags of languages are not"
        " those of `M2M100Tokenizer`",
        hint="use the model as it is, or export it to ctranslate2",
    )


def write_m2m100_tokenizer(bundle: Bundle, folder: Path, side: Side) -> None:
    """The files of an `M2M100Tokenizer`, which numbers tags behind the pieces by itself."""
    card = bundle.card
    code, first = language_codes(bundle)
    content, _ = split_vocabulary(bundle.tgt_tokenizer_path.read_bytes())
    (folder / "sentencepiece.bpe.model").write_bytes(content)
    _write_ids(folder / "vocab.json", side.pieces[:first])
    settings = {
        "tokenizer_class": "M2M100Tokenizer",
        "language_codes": code,
        "model_max_length": card.architecture.max_positions,
        "clean_up_tokenization_spaces": False,
    }
    known = card.languages.tgt if card.languages else {}
    for key, lang in (("src_lang", card.src_lang), ("tgt_lang", card.tgt_lang)):
        if lang in known:
            settings[key] = lang
    write_json(folder / TOKENIZER_SETTINGS, settings)


def write_marian_tokenizer(bundle: Bundle, folder: Path, src: Side, tgt: Side) -> None:
    """The files of a `MarianTokenizer`."""
    card = bundle.card
    is_one = src.pieces == tgt.pieces
    for name, path, rule in (
        ("source.spm", bundle.src_tokenizer_path, card.src_normalization),
        ("target.spm", bundle.tgt_tokenizer_path, card.tgt_normalization),
    ):
        content, _ = split_vocabulary(path.read_bytes())
        content = with_rule_for_others(content, rule)
        (folder / name).write_bytes(content)
    _write_ids(folder / "vocab.json", src.pieces)
    if not is_one:
        _write_ids(folder / "target_vocab.json", tgt.pieces)
    settings = {
        "tokenizer_class": "MarianTokenizer",
        "source_lang": card.src_lang,
        "target_lang": card.tgt_lang,
        "unk_token": tgt.pieces[tgt.id_of(UNK_ID)],
        "eos_token": tgt.pieces[tgt.id_of(EOS_ID)],
        "pad_token": tgt.pieces[tgt.id_of(PAD_ID)],
        "model_max_length": card.architecture.max_positions,
        "separate_vocabs": not is_one,
        "clean_up_tokenization_spaces": False,
    }
    write_json(folder / TOKENIZER_SETTINGS, settings)


def _write_ids(path: Path, pieces: tuple[str, ...]) -> None:
    ids = {piece: i for i, piece in enumerate(pieces)}
    path.write_text(json.dumps(ids, indent=2), encoding="utf-8")
