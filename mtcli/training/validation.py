"""How good the model is now: loss, perplexity, and scores of its real translations.

Translations are made by the `Translator` that users get, from the raw source text, so that a
validation score is what `mtcli translate` and `mtcli eval` would give with the same beam.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import torch

from mtcli.config.metric_names import LOSS, is_external
from mtcli.config.schema.root import TrainConfig
from mtcli.data.batches import Batch
from mtcli.data.document_groups import group_sentences, join_sentences
from mtcli.device.precision import Numerics
from mtcli.distributed.world import World
from mtcli.engines.protocol import Engine, PairEngine
from mtcli.engines.torch import TorchEngine
from mtcli.errors import DivergedError
from mtcli.evaluation.intervals import interval
from mtcli.evaluation.measured import Scoring, Texts
from mtcli.evaluation.metrics import Score, measure, score_of
from mtcli.model.seq2seq import Seq2Seq
from mtcli.tokenizer.protocol import NO_TAGS, SEPARATOR, Tags, Tokenizer, start_id
from mtcli.training.document_facts import document_facts
from mtcli.training.metric_choice import ranking_metric
from mtcli.training.plain_batches import batches_by_length
from mtcli.training.tensors import to_tensors
from mtcli.translating.answer import LOW_CONFIDENCE_PERCENTILE
from mtcli.translating.documents import NO_FALLBACKS, sum_fallbacks
from mtcli.translating.loaded_model import LoadedModel
from mtcli.translating.progress import Progress, no_progress
from mtcli.translating.request import TranslationRequest, open_translator
from mtcli.translating.scoring import PairScorer
from mtcli.translating.whole_documents import named_documents, translate_documents

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ValidationSet:
    """The validation pairs, none dropped, and how they are tokenised."""

    src_texts: Sequence[str]
    tgt_texts: Sequence[str]
    src_tokenizer: Tokenizer
    tgt_tokenizer: Tokenizer
    max_src_length: int
    """Longest source side of a training pair, in pieces."""
    documents: Sequence[int] | None = None
    """The number of the document of each pair; None if they are translated one by one."""
    tags: Tags = NO_TAGS
    """What the model reads before each text."""

    def share(self, rank: int, world_size: int) -> list[int]:
        """The places of the pairs that a process judges; it judges whole documents."""
        if self.documents is None:
            return list(range(rank, len(self.src_texts), world_size))
        return [i for i, number in enumerate(self.documents) if number % world_size == rank]


class LossNotFiniteError(DivergedError):
    """The loss of a validation is NaN or infinite, on every process."""


@dataclass(frozen=True)
class ValidationResult:
    """Scores of one state of the weights."""

    loss_per_token: float
    """Cross-entropy without smoothing, nats per target token."""
    metrics: Mapping[str, Score]
    """Scores of the translations, by the names of `validation.metrics`."""
    hypotheses: Sequence[str]
    previous_hypotheses: Sequence[str] | None
    """Those of the validation before; None if this is the first of the invocation."""
    training_loss_per_token: float | None
    """The same loss on training pairs; None if there were none to judge."""
    low_log_prob: float | None
    """What the log-probability per piece is below in 5 % of the hypotheses; None if none has a
    piece. It marks translations as doubtful: see `LOW_CONFIDENCE`."""

    @property
    def perplexity(self) -> float:
        """Exponential of the loss; infinite where that overflows."""
        return math.exp(self.loss_per_token) if self.loss_per_token < 700 else math.inf

    @property
    def scores(self) -> dict[str, float]:
        """The figures that choose the best model, by the names of `validation.best_by`."""
        return {LOSS: self.loss_per_token} | {
            name: score.score for name, score in self.metrics.items()
        }


class Validator:
    """Validates a model that is being trained; each process takes its share of the pairs.

    Args:
        valid: the pairs.
        config: of the run; `validation` says how to judge, `decoding` how the finished model will
            translate.
        numerics: device and precision.
        world: the processes.
    """

    def __init__(
        self, valid: ValidationSet, config: TrainConfig, numerics: Numerics, world: World
    ) -> None:
        self.valid = valid
        self._config, self._numerics, self._world = config, numerics, world
        self._batches: list[Batch] | None = None
        self._hypotheses: list[str] | None = None
        names = [*config.validation.computed, ranking_metric(config, valid.tgt_texts)]
        self._metrics = [name for name in dict.fromkeys(names) if name != LOSS]

    @torch.inference_mode()
    def validate(
        self,
        model: Seq2Seq,
        training_batches: Sequence[Batch] = (),
        progress: Progress = no_progress,
    ) -> ValidationResult:
        """Scores of `model` as it is now; the same on every process.

        Args:
            model: what is judged.
            training_batches: this process's part of training pairs, to compare the loss on them.
            progress: told how many of this process's pairs are translated.

        Raises:
            LossNotFiniteError: the loss is not finite; nothing was translated.
        """
        was_training = model.training
        model.eval()
        try:
            loss_sum, num_tokens = self._loss(model, self._own_batches(model.config.max_positions))
            training_loss_sum, num_training_tokens = self._loss(model, training_batches)
            if not (math.isfinite(loss_sum) and math.isfinite(training_loss_sum)):
                raise LossNotFiniteError("the loss of the validation is not a finite number")
            loaded = self._loaded(model)
            hypotheses = self._translate(loaded, progress)
            low_log_prob = self._low_log_prob(loaded, hypotheses)
        finally:
            model.train(was_training)
        previous, self._hypotheses = self._hypotheses, hypotheses
        return ValidationResult(
            loss_per_token=loss_sum / num_tokens,
            metrics=self._score(hypotheses),
            hypotheses=hypotheses,
            previous_hypotheses=previous,
            training_loss_per_token=(
                training_loss_sum / num_training_tokens if num_training_tokens else None
            ),
            low_log_prob=low_log_prob,
        )

    def _score(self, hypotheses: Sequence[str]) -> dict[str, Score]:
        settings = self._config.validation
        texts = Texts(hypotheses, [list(self.valid.tgt_texts)], list(self.valid.src_texts))
        scoring = Scoring(self._config.tgt_lang, settings.bleu_tokenize, settings.lowercase)

        def score(name: str) -> Score:
            measured = measure(name, texts, scoring)
            if not self._world.is_main:  # which alone writes them down
                return score_of(measured)
            bounds = interval(measured)
            return replace(score_of(measured), low=bounds.low, high=bounds.high)

        scores = {}
        for name in self._metrics:
            if is_external(name):  # another program is run once, not by every process
                of_main = score(name) if self._world.is_main else Score(name, 0.0, "")
                scores[name] = self._world.broadcast_object(of_main)
            else:
                scores[name] = score(name)
        return scores

    def _loss(self, model: Seq2Seq, batches: Sequence[Batch]) -> tuple[float, float]:
        """Summed loss and number of target tokens, over all processes."""
        loss_sum, num_tokens = 0.0, 0
        for batch in batches:
            with self._numerics.autocast():
                loss_sum += model(to_tensors(batch, self._numerics.device), 0.0).item()
            num_tokens += batch.num_tgt_tokens
        total_loss, total_tokens = self._world.sum_floats([loss_sum, float(num_tokens)])
        return total_loss, total_tokens

    def _own_batches(self, max_positions: int) -> list[Batch]:
        """This process's pairs by length; sides longer than the model's positions are cut."""
        if self._batches is None:
            valid, mine = self.valid, self._mine()
            src = valid.src_tokenizer.encode_batch([valid.src_texts[i] for i in mine])
            tgt = valid.tgt_tokenizer.encode_batch([valid.tgt_texts[i] for i in mine])
            if valid.documents is not None:
                src, tgt = self._joined(src, tgt, [valid.documents[i] for i in mine])
            cut = max_positions - 1 - max(len(valid.tags.src), len(valid.tags.tgt))
            pairs = [(s[:cut], t[:cut]) for s, t in zip(src, tgt, strict=True)]
            first_id = start_id(self._config.model.target_start)
            max_cells = self._config.batch.max_cells
            self._batches = batches_by_length(pairs, max_cells, first_id, valid.tags)
        return self._batches

    def _mine(self) -> list[int]:
        return self.valid.share(self._world.rank, self._world.size)

    def _joined(
        self, src: Sequence[list[int]], tgt: Sequence[list[int]], documents: Sequence[int]
    ) -> tuple[list[list[int]], list[list[int]]]:
        """Neighbours of a document joined, as many as training joins at most."""
        limits = self._config.data.documents
        assert limits is not None
        lengths = [[len(ids) for ids in side] for side in (src, tgt)]
        groups = group_sentences(documents, lengths, limits.max_pieces, limits.max_sentences)
        joined = [
            [join_sentences([side[i] for i in group], separator) for group in groups]
            for side, separator in (
                (src, self.valid.src_tokenizer.piece_to_id(SEPARATOR)),
                (tgt, self.valid.tgt_tokenizer.piece_to_id(SEPARATOR)),
            )
        ]
        return joined[0], joined[1]

    def _loaded(self, model: Seq2Seq) -> LoadedModel[TorchEngine]:
        """The model as users get it, with the beam of the validation."""
        valid, config = self.valid, self._config
        return LoadedModel(
            TorchEngine(model, self._numerics.device, self._numerics.autocast, tags=valid.tags),
            valid.src_tokenizer,
            valid.tgt_tokenizer,
            replace(config.decoding, beam_size=config.validation.beam_size),
            valid.max_src_length,
            config.src_lang,
            documents=document_facts(config),
            num_tgt_tags=len(valid.tags.tgt),
        )

    def _translate(self, loaded: LoadedModel[TorchEngine], progress: Progress) -> list[str]:
        model = cast("LoadedModel[Engine]", loaded)  # a tuple's parts are not covariant for mypy
        documents, mine = self.valid.documents, self._mine()
        translator = open_translator(TranslationRequest(loaded=model))
        texts, fallbacks = [self.valid.src_texts[i] for i in mine], NO_FALLBACKS
        if documents is None:
            translated = translator.translate(texts, progress=progress)
        else:
            parts = named_documents(texts, [documents[i] for i in mine])
            of_documents = translate_documents(translator, parts, progress)
            translated, fallbacks = of_documents.texts, of_documents.fallbacks
        shares = self._world.gather_objects((translated, fallbacks))
        hypotheses = [""] * len(self.valid.src_texts)
        for rank, (share, _) in enumerate(shares):
            for place, text in zip(self.valid.share(rank, self._world.size), share, strict=True):
                hypotheses[place] = text
        of_all = sum_fallbacks([fallbacks for _, fallbacks in shares])
        if of_all.num_unequal and self._world.is_main:
            logger.info("validation: %s", of_all.in_words("sentences"))
        return hypotheses

    def _low_log_prob(
        self, loaded: LoadedModel[TorchEngine], hypotheses: Sequence[str]
    ) -> float | None:
        """The 5th percentile of the log-probability per piece, EOS counted, over all processes.

        One forced pass over the hypotheses: greedy search without scores saves more than it costs.
        """
        pairs = [(self.valid.src_texts[i], hypotheses[i]) for i in self._mine()]
        scores = PairScorer(cast("LoadedModel[PairEngine]", loaded)).score(pairs)
        means = [
            score.log_prob / len(score.log_probs)
            for score in scores
            if score.log_probs and math.isfinite(score.log_prob)
        ]
        of_all = [mean for share in self._world.gather_objects(means) for mean in share]
        return float(np.percentile(of_all, LOW_CONFIDENCE_PERCENTILE)) if of_all else None
