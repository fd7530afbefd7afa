"""What is read of model folders before an engine runs them: tokenizers, and whether they agree."""

from __future__ import annotations

from collections.abc import Sequence

from mtcli.bundle.model_folder import Bundle
from mtcli.config.languages import language_of
from mtcli.errors import ModelFolderError
from mtcli.folders import sha256_of
from mtcli.tokenizer.protocol import Tokenizer


def load_tokenizers(bundle: Bundle) -> tuple[Tokenizer, Tokenizer]:
    """The tokenizers of source and target; one object where the model has one for both."""
    from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer

    src_tokenizer = SentencePieceTokenizer(bundle.src_tokenizer_path)
    if bundle.tgt_tokenizer_path == bundle.src_tokenizer_path:
        return src_tokenizer, src_tokenizer
    return src_tokenizer, SentencePieceTokenizer(bundle.tgt_tokenizer_path)


def check_ensemble(bundles: Sequence[Bundle]) -> None:
    """Raise ModelFolderError unless the models, as an ensemble must, have the same tokenizers and
    translate between the same languages; `en` and `en-GB` are the same.
    """
    first, *others = bundles
    for other in others:
        one, two = _direction(first), _direction(other)
        if one != two:
            raise ModelFolderError(
                f"{first.path} and {other.path} cannot translate together: the one is"
                f" {'-'.join(one)}, the other {'-'.join(two)}"
            )
        for own, theirs in (
            (first.src_tokenizer_path, other.src_tokenizer_path),
            (first.tgt_tokenizer_path, other.tgt_tokenizer_path),
        ):
            if sha256_of(own) != sha256_of(theirs):
                raise ModelFolderError(
                    f"{first.path} and {other.path} cannot translate together: {own.name} of the"
                    f" one and {theirs.name} of the other differ, and the models of an ensemble"
                    " need the same vocabulary"
                )


def _direction(bundle: Bundle) -> tuple[str, str]:
    """Source and target language, without script and region."""
    return language_of(bundle.card.src_lang), language_of(bundle.card.tgt_lang)
