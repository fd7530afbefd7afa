"""The languages that a Hugging Face model translates by default."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from mtcli.bundle.languages import MULTIPLE, TextSide, find_language
from mtcli.config.languages import languages_like
from mtcli.interchange.foreign import ForeignModelError, Languages
from mtcli.interchange.huggingface.architecture import read_forced_bos
from mtcli.interchange.huggingface.settings import Settings
from mtcli.interchange.huggingface.vocabularies import Vocabularies

_NAMED_PAIR = re.compile(r"opus-mt-(?:tc-\w+-)?([A-Za-z]{2,3})-([A-Za-z]{2,3})$")
"""The languages in the names of OPUS-MT's models."""


def choose_languages(
    folder: Path, given: Languages, vocabularies: Vocabularies, files: Sequence[Settings]
) -> tuple[str, str]:
    """What the user says, or the settings, or the tokenizer, or the name of the folder.

    Raises:
        ConfigError: the model does not know a language that the user gave.
        ForeignModelError: a language is missing, or the settings name another piece.
    """
    forced = _forced_language(files, vocabularies)
    named = _NAMED_PAIR.search(given.model_name or folder.name)
    src = vocabularies.languages[0] or (named and named[1])
    tgt = forced or vocabularies.languages[1] or (named and named[2])
    tags = vocabularies.tags
    if tags is not None:
        if tags.src and not (given.tgt or tgt):
            src = None  # the tokenizer's own default, which nobody chose
        src = _known(folder, "src", tags.src, given.src, src) if tags.src else given.src or src
        tgt = _known(folder, "tgt", tags.tgt, given.tgt, tgt)
    else:
        src, tgt = given.src or src, given.tgt or tgt
    if not src or not tgt:
        raise ForeignModelError(
            f"{folder} does not say its {'target' if src else 'source'} language",
            hint="give `--src-lang` and `--tgt-lang`, for example `en` and `de`",
        )
    return src, tgt


def _known(
    folder: Path, side: TextSide, names: Mapping[str, int], given: str | None, found: str | None
) -> str:
    """The name of a language among those with a tag; `mul` if none is meant."""
    if given is not None:
        return find_language(folder, names, given, side)
    like = languages_like(found, names) if found else list(names)
    return like[0] if len(like) == 1 else MULTIPLE


def _forced_language(files: Sequence[Settings], vocabularies: Vocabularies) -> str | None:
    """The target language whose tag every output begins with.

    Raises:
        ForeignModelError: outputs begin with another piece.
    """
    file, forced_id = read_forced_bos(files)
    if forced_id is None:
        return None
    tags = vocabularies.tags
    if tags is not None and tags.tgt_side == "tgt":
        for name, tag_id in tags.tgt.items():
            if vocabularies.tgt.rows[tag_id] == forced_id:
                return name
    raise file.wrong("forced_bos_token_id", "must be the tag of a target language")
