"""Check that several models can translate as an ensemble."""

from __future__ import annotations

from collections.abc import Sequence

from mtcli.bundle.model_folder import Bundle
from mtcli.config.languages import short_language_of
from mtcli.errors import ModelFolderError
from mtcli.folders import sha256_of


def check_ensemble(bundles: Sequence[Bundle]) -> None:
    """Check that models have the same tokenizers and languages; `en` and `en-GB` are the same.

    Raises:
        ModelFolderError: two of them differ.
    """
    first, *others = bundles
    for other in others:
        if _direction(first) != _direction(other):
            raise ModelFolderError(
                f"{first.path} and {other.path} cannot form an ensemble: one translates"
                f" {'-'.join(_direction(first))}, the other {'-'.join(_direction(other))}",
                hint="give models of one language pair",
            )
        starts = [bundle.card.architecture.target_start for bundle in (first, other)]
        if starts[0] != starts[1]:
            raise ModelFolderError(
                f"{first.path} and {other.path} cannot form an ensemble: `target_start` is"
                f" `{starts[0]}` in one and `{starts[1]}` in the other"
            )
        if first.card.languages != other.card.languages:
            raise ModelFolderError(
                f"{first.path} and {other.path} cannot form an ensemble: their tags of languages"
                " differ"
            )
        for first_path, other_path in (
            (first.src_tokenizer_path, other.src_tokenizer_path),
            (first.tgt_tokenizer_path, other.tgt_tokenizer_path),
        ):
            if sha256_of(first_path) != sha256_of(other_path) or _sizes(first) != _sizes(other):
                raise ModelFolderError(
                    f"{first.path} and {other.path} cannot form an ensemble: they do not share a"
                    f" vocabulary ({first_path.name} and {other_path.name} differ)",
                    hint="train the models of an ensemble with the same tokenizer",
                )


def _direction(bundle: Bundle) -> tuple[str, str]:
    """Source and target language, without script and region."""
    return short_language_of(bundle.card.src_lang), short_language_of(bundle.card.tgt_lang)


def _sizes(bundle: Bundle) -> tuple[int, int]:
    """Pieces of both sides."""
    return bundle.card.src_vocab_size, bundle.card.tgt_vocab_size
