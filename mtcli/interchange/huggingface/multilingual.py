"""The tokenizers of M2M100 and NLLB: one SentencePiece file, its vocabulary, and tags of languages.

Source: transformers 5.24, models/m2m_100/tokenization_m2m_100.py and
models/nllb/tokenization_nllb.py; of NLLB also its 4.57, which still reads the SentencePiece file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mtcli.bundle.card import LanguageTags
from mtcli.folders import read_json
from mtcli.interchange.foreign import ForeignModelError
from mtcli.interchange.huggingface.architecture import ForeignIds
from mtcli.interchange.huggingface.settings import LARGEST_SETTINGS_BYTES
from mtcli.interchange.huggingface.vocabularies import (
    TOKENIZER_SETTINGS,
    Vocabularies,
    check_ids,
    check_rows,
    language_in,
    read_pieces,
    read_settings,
    read_spm,
    unnamed,
    unnamed_piece,
)
from mtcli.interchange.renumbering import SpecialIds, renumber
from mtcli.tokenizer.protocol import SHARED_TOKENIZER

_SPM, _VOCABULARY = "sentencepiece.bpe.model", "vocab.json"
_M2M100, _NLLB = "M2M100Tokenizer", "NllbTokenizer"

CODES = {
    "m2m100": (
        "af am ar ast az ba be bg bn br bs ca ceb cs cy da de el en es et fa ff fi fr fy ga gd gl"
        " gu ha he hi hr ht hu hy id ig ilo is it ja jv ka kk km kn ko lb lg ln lo lt lv mg mk ml"
        " mn mr ms my ne nl no ns oc or pa pl ps pt ro ru sd si sk sl so sq sr ss su sv sw ta th tl"
        " tn tr uk ur uz vi wo xh yi yo zh zu"
    ),
    "wmt21": "en ha is ja cs ru zh de",
}
"""Languages of M2M100 by `language_codes`, in the order of their ids, which no file says."""

_TAGS = {_M2M100: re.compile(r"__([^_]+(?:_[^_]+)*)__"), _NLLB: re.compile(r"([a-z]{3}_[A-Z]\w+)")}
_SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
"""The first ids of fairseq, and so of both."""


def read_multilingual(folder: Path, ids: ForeignIds, size: int) -> Vocabularies:
    """`sentencepiece.bpe.model`, and `vocab.json` of M2M100.

    Args:
        folder: the folder.
        ids: what `config.json` says of ids.
        size: rows of the embedding.

    Raises:
        ForeignModelError: a file is missing or damaged, or they do not fit together.
    """
    content, spm_pieces = read_spm(folder / _SPM)
    settings = read_settings(folder)
    kind = _kind(folder, settings)
    if kind == _M2M100:
        pieces = read_pieces(folder / _VOCABULARY, size)
        used, first = f"{_SPM}, {_VOCABULARY}", size - len(unnamed(pieces))
        tag_ids = dict(enumerate(map(_m2m100_tag, _codes(folder, settings)), start=first))
        tag_ids |= dict(_numbered_tags(folder, settings, kind))
    else:
        pieces = _numbered_by_fairseq(folder / _SPM, spm_pieces, size)
        used, first = _SPM, len(spm_pieces) + 1
        tag_ids = dict(_numbered_tags(folder, settings, kind)) or dict(
            enumerate(_listed_tags(folder, settings), start=first)
        )
    if not tag_ids:
        raise ForeignModelError(
            f"{folder} does not name its languages: neither {TOKENIZER_SETTINGS} nor"
            " special_tokens_map.json has them",
            hint="copy both files of the original model into the folder",
        )
    _place(folder, pieces, tag_ids)
    check_ids(folder / used.rpartition(" ")[2], ids, size)
    for name in ("<unk>", "<s>"):
        if name not in pieces:
            raise ForeignModelError(f"{folder / _VOCABULARY} has no `{name}`")
    special = SpecialIds(ids.pad, pieces.index("<unk>"), ids.eos, pieces.index("<s>"))
    numbering = renumber(pieces, special, [*tag_ids, *unnamed(pieces)])
    ours = {int(theirs): i for i, theirs in enumerate(numbering.rows)}
    names = {_TAGS[kind].sub(r"\1", tag): ours[i] for i, tag in sorted(tag_ids.items())}
    return Vocabularies(
        numbering,
        numbering,
        {SHARED_TOKENIZER: numbering.tokenizer(content)},
        (language_in(settings, "src_lang"), language_in(settings, "tgt_lang")),
        (f"tokenizer: {size} pieces from {used}, {len(names)} of them tags of languages",),
        LanguageTags(src=names, tgt=dict(names)),
    )


def _kind(folder: Path, settings: Mapping[str, Any]) -> str:
    """The class of the tokenizer.

    Raises:
        ForeignModelError: it is another one, or does something that no tokenizer of ours does.
    """
    name = settings.get("tokenizer_class")
    kind = str(name).removesuffix("Fast")
    if name is None:
        kind = _M2M100 if (folder / _VOCABULARY).exists() else _NLLB
    if kind not in (_M2M100, _NLLB):
        raise ForeignModelError(
            f"{folder / TOKENIZER_SETTINGS}: the tokenizer `{kind[:60]}` cannot be imported: only"
            f" `{_M2M100}` and `{_NLLB}` can"
        )
    if settings.get("legacy_behaviour"):
        raise ForeignModelError(
            f"{folder / TOKENIZER_SETTINGS}: `legacy_behaviour: true`, which puts the tag of the"
            " source language behind EOS, cannot be represented",
            hint="set it to false if the model was trained with the tag before the text",
        )
    return kind


def _codes(folder: Path, settings: Mapping[str, Any]) -> list[str]:
    name = settings.get("language_codes", "m2m100")
    if not isinstance(name, str) or name not in CODES:
        raise ForeignModelError(
            f"{folder / TOKENIZER_SETTINGS}: `language_codes` must be one of"
            f" {', '.join(f'`{codes}`' for codes in CODES)}, found `{str(name)[:60]}`"
        )
    return CODES[name].split()


def _m2m100_tag(code: str) -> str:
    return f"__{code}__"


def _numbered_by_fairseq(path: Path, spm_pieces: Sequence[str], size: int) -> list[str]:
    """The pieces of NLLB: fairseq's special ones, then those of the file, shifted by one."""
    if list(spm_pieces[:3]) != ["<unk>", "<s>", "</s>"]:
        raise ForeignModelError(
            f"{path} is not a file of NLLB: its first pieces must be `<unk>`, `<s>` and `</s>`"
        )
    pieces = [*_SPECIAL, *spm_pieces[3:]]
    check_rows(path, len(pieces), size)
    if len(pieces) > size:
        raise ForeignModelError(
            f"{path} has {len(spm_pieces)} pieces, but the embedding has {size} rows"
        )
    return [*pieces, *map(unnamed_piece, range(len(pieces), size))]


def _numbered_tags(
    folder: Path, settings: Mapping[str, Any], kind: str
) -> Iterator[tuple[int, str]]:
    """Tags whose ids the files say: `added_tokens_decoder`, and `added_tokens.json`."""
    tokens = settings.get("added_tokens_decoder")
    for token_id, token in (tokens if isinstance(tokens, dict) else {}).items():
        name = token.get("content") if isinstance(token, dict) else token
        if not isinstance(name, str) or not _TAGS[kind].fullmatch(name):
            continue
        if token_id.isascii() and token_id.isdigit():
            yield int(token_id[:18]), name
    path = folder / "added_tokens.json"
    if not path.exists():
        return
    added = read_json(path, ForeignModelError, LARGEST_SETTINGS_BYTES)
    for name, token_id in (added if isinstance(added, dict) else {}).items():
        if type(token_id) is int and _TAGS[kind].fullmatch(name):
            yield token_id, name


def _listed_tags(folder: Path, settings: Mapping[str, Any]) -> list[str]:
    """The tags of NLLB in the order of their ids, from whichever file lists them."""
    lists = [settings]
    if (folder / "special_tokens_map.json").exists():
        lists.append(read_settings(folder, "special_tokens_map.json"))
    for values in lists:
        for key in ("additional_special_tokens", "extra_special_tokens"):
            names = values.get(key)
            tags = [
                name
                for name in (names if isinstance(names, list) else [])
                if isinstance(name, str) and _TAGS[_NLLB].fullmatch(name)
            ]
            if tags:
                return list(dict.fromkeys(tags))
    return []


def _place(folder: Path, pieces: list[str], tag_ids: Mapping[int, str]) -> None:
    """Put the tags into their places, which must be free."""
    for tag_id, tag in tag_ids.items():
        if not 0 <= tag_id < len(pieces):
            raise ForeignModelError(
                f"{folder}: the tag `{tag[:60]}` has the id {tag_id}, but the embedding has"
                f" {len(pieces)} rows"
            )
        if pieces[tag_id] not in (tag, unnamed_piece(tag_id)):
            raise ForeignModelError(
                f"{folder}: the tag `{tag[:60]}` and the piece `{pieces[tag_id][:60]}` have the"
                f" same id, {tag_id}"
            )
        pieces[tag_id] = tag
    if len(set(pieces)) < len(pieces):
        twice = next(tag for tag in tag_ids.values() if pieces.count(tag) > 1)
        raise ForeignModelError(f"{folder}: the tag `{twice[:60]}` has two ids")
