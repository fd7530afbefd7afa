"""What a model folder says about the model that was just validated."""

from __future__ import annotations

from dataclasses import replace

from mtcli.bundle.card import LOW_CONFIDENCE_METRIC, ModelCard, ModelScore, TrainingFacts
from mtcli.config.schema.attention import Attention
from mtcli.config.schema.root import TrainConfig
from mtcli.data.sources import source_name
from mtcli.training.corpus import Corpus
from mtcli.training.document_facts import document_facts
from mtcli.training.progress import Progress
from mtcli.training.validation import ValidationResult


def make_card(config: TrainConfig, corpus: Corpus, progress: Progress) -> ModelCard:
    """What the model folder says of the model."""
    languages = corpus.languages
    return ModelCard(
        src_lang=config.src_lang if languages is None else languages.src_lang,
        tgt_lang=config.tgt_lang if languages is None else languages.tgt_lang,
        languages=None if languages is None else languages.languages,
        architecture=config.model,
        src_vocab_size=corpus.src_tokenizer.vocab_size,
        tgt_vocab_size=corpus.tgt_tokenizer.vocab_size,
        shared_vocab=config.tokenizer.shared,
        src_normalization=corpus.src_tokenizer.normalization,
        tgt_normalization=corpus.tgt_tokenizer.normalization,
        max_src_length=corpus.store.meta.longest_src,
        # a model that the run started from has seen others, too
        src_characters=None if config.training.init_from else corpus.store.meta.src_characters,
        training=TrainingFacts(
            num_steps=progress.step,
            num_tgt_tokens=progress.total_tgt_tokens,
            num_pairs=corpus.store.num_pairs,
            num_tgt_tokens_computed=progress.total_tgt_tokens_computed,
            sources=[source_name(source) for source in config.data.train],
        ),
        documents=document_facts(config),
        src_separator_id=_separator(config.model.encoder_attention, corpus.separators, 0),
        tgt_separator_id=_separator(config.model.decoder_attention, corpus.separators, 1),
        about=config.model_card,
    )


def _separator(attention: Attention, separators: tuple[int, int] | None, side: int) -> int | None:
    """The piece that an attention must know; None if to it all pieces are alike."""
    return separators[side] if attention.sees_separators and separators is not None else None


def make_scores(config: TrainConfig, result: ValidationResult) -> list[ModelScore]:
    """What the model folder says of its validation."""
    num_pairs, beam = len(result.hypotheses), config.validation.beam_size
    scores = [
        ModelScore(
            metric=score.metric,
            score=score.score,
            signature=score.signature,
            split="valid",
            beam_size=beam,
            num_pairs=num_pairs,
            low=score.low,
            high=score.high,
        )
        for score in result.metrics.values()
    ]
    loss = ModelScore(
        metric="loss",
        score=result.loss_per_token,
        signature="",
        split="valid",
        num_pairs=num_pairs,
    )
    if result.low_log_prob is None:
        return [*scores, loss]
    limit = replace(loss, metric=LOW_CONFIDENCE_METRIC, score=result.low_log_prob, beam_size=beam)
    return [*scores, loss, limit]
