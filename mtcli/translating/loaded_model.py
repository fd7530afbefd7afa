"""A model that is ready to translate: an engine, and what goes around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

from mtcli.bundle.card import LOW_CONFIDENCE_METRIC, DocumentFacts
from mtcli.bundle.languages import tags_of
from mtcli.bundle.model_folder import Bundle
from mtcli.config.schema.decoding import DecodingConfig
from mtcli.errors import ModelFolderError
from mtcli.tokenizer.protocol import Tokenizer
from mtcli.translating.answer import LOW_CONFIDENCE
from mtcli.translating.controls import without_controls

EngineT = TypeVar("EngineT")


class LoadedModel(NamedTuple, Generic[EngineT]):
    """One model, or an ensemble: from a model folder, or in memory during training."""

    engine: EngineT
    """Runs the model."""
    src_tokenizer: Tokenizer
    tgt_tokenizer: Tokenizer
    generation: DecodingConfig
    """How the model translates by default."""
    max_src_length: int
    """Longest source that the model saw in training, in pieces, EOS not counted; longer texts are
    translated in parts."""
    src_lang: str
    """BCP 47 tag of the source language, whose rules cut texts into sentences."""
    low_confidence: float = LOW_CONFIDENCE
    """Log-probability per piece below which a translation is doubtful."""
    src_characters: frozenset[str] | None = None
    """All characters of the training sources; None if the model does not say."""
    documents: DocumentFacts | None = None
    """How it reads documents; None if it was not trained on any."""
    num_tgt_tags: int = 0
    """Pieces that the engine puts before a target; see `SearchOptions.num_given`."""

    def encode_pairs(
        self, pairs: Sequence[tuple[str, str]]
    ) -> tuple[list[list[int]], list[list[int]]]:
        """The ids of the sources and of the targets, without BOS and EOS."""
        return (
            self.src_tokenizer.encode_batch([without_controls(src) for src, _ in pairs]),
            self.tgt_tokenizer.encode_batch([without_controls(tgt) for _, tgt in pairs]),
        )


def model_of(bundles: Sequence[Bundle], engine: EngineT) -> LoadedModel[EngineT]:
    """The model of a folder, or of several as an ensemble, given the engine that runs it.

    Raises:
        TokenizerError: a tokenizer cannot be read.
    """
    src_tokenizer, tgt_tokenizer = load_tokenizers(bundles[0])
    return LoadedModel(
        engine,
        src_tokenizer,
        tgt_tokenizer,
        bundles[0].generation,
        min(bundle.card.max_src_length for bundle in bundles),
        bundles[0].card.src_lang,
        _low_confidence(bundles[0]),
        _src_characters(bundles),
        bundles[0].card.documents,
        len(tags_of(bundles[0].card).tgt),
    )


def _low_confidence(bundle: Bundle) -> float:
    """What the model's validation found."""
    limits = [score.score for score in bundle.scores if score.metric == LOW_CONFIDENCE_METRIC]
    return limits[0] if limits else LOW_CONFIDENCE


def _src_characters(bundles: Sequence[Bundle]) -> frozenset[str] | None:
    """The characters that every model saw, of those that say so."""
    seen = [bundle.card.src_characters for bundle in bundles]
    known = [frozenset(characters) for characters in seen if characters is not None]
    return known[0].intersection(*known[1:]) if known else None


def load_tokenizers(bundle: Bundle) -> tuple[Tokenizer, Tokenizer]:
    """The tokenizers of source and target, with the normalization of each.

    Raises:
        TokenizerError: a tokenizer cannot be read.
        ModelFolderError: it has not the pieces that the model has.
    """
    from mtcli.tokenizer.sentencepiece import open_tokenizers

    src, tgt = open_tokenizers(
        bundle.src_tokenizer_path,
        bundle.tgt_tokenizer_path,
        src_rule=bundle.card.src_normalization,
        tgt_rule=bundle.card.tgt_normalization,
    )
    for tokenizer, size in ((src, bundle.card.src_vocab_size), (tgt, bundle.card.tgt_vocab_size)):
        if tokenizer.vocab_size != size:
            raise ModelFolderError(
                f"{tokenizer.path} has {tokenizer.vocab_size} pieces, but `model.json` says {size}"
            )
    return src, tgt
