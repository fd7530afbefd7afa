"""The languages of a model that translates between several: which is meant, and which is chosen."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from mtcli.bundle.card import LanguageTags, ModelCard
from mtcli.config.languages import languages_like, short_language_of
from mtcli.config.problems import nearest
from mtcli.errors import ConfigError, ModelFolderError, in_backticks
from mtcli.tokenizer.protocol import EOS_ID, NO_TAGS, Tags

MULTIPLE = "mul"
"""The language of a side on which none was chosen; so ISO 639-2 names several languages."""

TextSide: TypeAlias = Literal["src", "tgt"]
_DIRECTION = {"src": "from", "tgt": "into"}
_MOST_SHOWN, _LONGEST_SHOWN = 8, 60


def with_languages(
    path: Path, card: ModelCard, src_lang: str | None, tgt_lang: str | None
) -> ModelCard:
    """The card of a model that translates from one language into one.

    Args:
        path: the model, for errors.
        card: its card.
        src_lang: the source language; None: that of the card. Of a model that names languages
            otherwise, every code of the language will do if only one name fits.
        tgt_lang: the same of the target.

    Raises:
        ConfigError: the model does not know a language, or none is chosen.
    """
    src = _chosen(path, card, "src", src_lang)
    return replace(card, src_lang=src, tgt_lang=_chosen(path, card, "tgt", tgt_lang))


def with_any_languages(card: ModelCard) -> ModelCard:
    """The same; where none is chosen, with the first that there is."""
    if card.languages is None:
        return card
    src, tgt = (
        next(iter(names), lang) if lang == MULTIPLE else lang
        for names, lang in (
            (card.languages.src, card.src_lang),
            (card.languages.tgt, card.tgt_lang),
        )
    )
    return replace(card, src_lang=src, tgt_lang=tgt)


class HasLanguages(Protocol):
    """A model card, or what else says which languages are chosen, among which."""

    @property
    def src_lang(self) -> str:
        """The source language."""
        ...

    @property
    def tgt_lang(self) -> str:
        """The target language."""
        ...

    @property
    def languages(self) -> LanguageTags | None:
        """Those that the model translates between; None: the two."""
        ...


def tags_of(card: HasLanguages) -> Tags:
    """What stands before the texts of the languages that were chosen."""
    if card.languages is None:
        return NO_TAGS
    src = [card.languages.src[card.src_lang]] if card.languages.src else []
    tgt = [card.languages.tgt[card.tgt_lang]] if card.languages.tgt else []
    if card.languages.tgt_side == "src":
        src, tgt = tgt + src, []
    return Tags(tuple(src), tuple(tgt))


def check_languages(path: Path, card: ModelCard) -> None:
    """Check that tags are pieces, and that chosen languages have one.

    Raises:
        ModelFolderError: no model has such a card.
    """
    languages = card.languages
    if languages is None:
        return
    of_tgt = card.src_vocab_size if languages.tgt_side == "src" else card.tgt_vocab_size
    for side, tags, lang, size in (
        ("src", languages.src, card.src_lang, card.src_vocab_size),
        ("tgt", languages.tgt, card.tgt_lang, of_tgt),
    ):
        for name, tag_id in tags.items():
            if not EOS_ID < tag_id < size:
                raise ModelFolderError(
                    f"{path} is invalid: `languages.{side}` has {tag_id} for `{name[:60]}`, which"
                    f" must be a piece from {EOS_ID + 1} to {size - 1}"
                )
        if tags and lang not in tags and lang != MULTIPLE:
            raise ModelFolderError(
                f"{path} is invalid: `{side}_lang` is `{lang[:60]}`, which `languages.{side}` lacks"
            )


def find_language(path: Path, names: Collection[str], wanted: str, side: TextSide) -> str:
    """The one name that a language means.

    Raises:
        ConfigError: none does, or several do.
    """
    like = languages_like(wanted, names)
    if len(like) == 1:
        return like[0]
    shown = wanted[:_LONGEST_SHOWN]
    if like:
        raise ConfigError(
            f"`{shown}` is more than one language of {path}", hint=f"use one of {_shortened(like)}"
        )
    near = nearest(wanted, names)
    raise ConfigError(
        f"{path} does not translate {_DIRECTION[side]} `{shown}`",
        hint=f"use one of {_shortened(names)}" if near is None else f"did you mean `{near}`?",
    )


def _chosen(path: Path, card: ModelCard, side: TextSide, wanted: str | None) -> str:
    lang = card.src_lang if side == "src" else card.tgt_lang
    tags = None if card.languages is None else getattr(card.languages, side)
    if not tags:
        return lang if wanted is None else _untagged(path, card, side, wanted)
    if wanted is not None:
        return find_language(path, tags, wanted, side)
    if lang != MULTIPLE:
        return lang
    if len(tags) == 1:
        return str(next(iter(tags)))
    raise ConfigError(
        f"{path} translates {_DIRECTION[side]} {len(tags)} languages, and none is chosen:"
        f" {_shortened(tags)}",
        hint=f"give `--{side}-lang`, or import the model with it to make it the default",
    )


def _untagged(path: Path, card: ModelCard, side: TextSide, wanted: str) -> str:
    """A language that the model is not told: its own, or any of a model with a group of them."""
    lang = card.src_lang if side == "src" else card.tgt_lang
    is_group = card.languages is not None and len(short_language_of(lang)) > len("en")
    if is_group and side == "src":
        return wanted
    find_language(path, [lang], wanted, side)
    return lang


def _shortened(names: Collection[str]) -> str:
    """Some names, and how many more there are."""
    shown = list(names)[:_MOST_SHOWN]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return in_backticks(shown) + more
