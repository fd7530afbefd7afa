"""A model that is ready to translate: an engine, and what goes around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

from mtcli.bundle.card import LOW_CONFIDENCE_METRIC
from mtcli.bundle.model_folder import Bundle
from mtcli.config.schema.decoding import DecodingConfig
from mtcli.tokenizer.protocol import Tokenizer
from mtcli.translating.answer import LOW_CONFIDENCE

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
    )


def _low_confidence(bundle: Bundle) -> float:
    """What the model's validation found."""
    limits = [score.score for score in bundle.scores if score.metric == LOW_CONFIDENCE_METRIC]
    return limits[0] if limits else LOW_CONFIDENCE


def load_tokenizers(bundle: Bundle) -> tuple[Tokenizer, Tokenizer]:
    """The tokenizers of source and target, with the normalization of each."""
    from mtcli.tokenizer.sentencepiece import open_tokenizers

    return open_tokenizers(
        bundle.src_tokenizer_path,
        bundle.tgt_tokenizer_path,
        src_rule=bundle.card.src_normalization,
        tgt_rule=bundle.card.tgt_normalization,
    )
