"""Check that several models can translate as an ensemble."""

from __future__ import annotations

from collections.abc import Sequence

from mtcli.bundle.model_folder import Bundle
from mtcli.config.languages import language_of
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
        for first_path, other_path in (
            (first.src_tokenizer_path, other.src_tokenizer_path),
            (first.tgt_tokenizer_path, other.tgt_tokenizer_path),
        ):
            if sha256_of(first_path) != sha256_of(other_path):
                raise ModelFolderError(
                    f"{first.path} and {other.path} cannot form an ensemble: they do not share a"
                    f" vocabulary ({first_path.name} and {other_path.name} differ)",
                    hint="train the models of an ensemble with the same tokenizer",
                )


def _direction(bundle: Bundle) -> tuple[str, str]:
    """Source and target language, without script and region."""
    return language_of(bundle.card.src_lang), language_of(bundle.card.tgt_lang)
