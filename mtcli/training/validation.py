"""How good the model is now: loss, perplexity, and BLEU and chrF of its real translations.

Translations are made by the `Translator` that users get, from the raw source text, so that a
validation score is what `mtcli translate` and `mtcli eval` would give with the same beam.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import torch

from mtcli.config.schema.root import TrainConfig
from mtcli.data.batches import Batch, make_batch
from mtcli.data.ragged import RaggedIds
from mtcli.device.precision import Numerics
from mtcli.distributed.world import World
from mtcli.engines.protocol import Engine, PairEngine
from mtcli.engines.torch import TorchEngine
from mtcli.evaluation.metrics import Score, bleu, chrf
from mtcli.model.seq2seq import Seq2Seq
from mtcli.tokenizer.protocol import Tokenizer
from mtcli.training.tensors import to_tensors
from mtcli.translating.answer import LOW_CONFIDENCE_PERCENTILE
from mtcli.translating.loaded_model import LoadedModel
from mtcli.translating.progress import Progress, no_progress
from mtcli.translating.request import TranslationRequest, open_translator
from mtcli.translating.scoring import PairScorer


@dataclass(frozen=True)
class ValidationSet:
    """The validation pairs, none dropped, and how they are tokenised."""

    src_texts: Sequence[str]
    tgt_texts: Sequence[str]
    src_tokenizer: Tokenizer
    tgt_tokenizer: Tokenizer
    max_src_length: int
    """Longest source side of a training pair, in pieces."""


@dataclass(frozen=True)
class ValidationResult:
    """Scores of one state of the weights."""

    loss_per_token: float
    """Cross-entropy without smoothing, nats per target token."""
    bleu: Score
    chrf: Score
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
        return {
            "loss": self.loss_per_token,
            "bleu": self.bleu.score,
            "chrf": self.chrf.score,
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
        """
        was_training = model.training
        model.eval()
        try:
            loss_sum, num_tokens = self._loss(model, self._own_batches(model.config.max_positions))
            training_loss_sum, num_training_tokens = self._loss(model, training_batches)
            loaded = self._loaded(model)
            hypotheses = self._translate(loaded, progress)
            low_log_prob = self._low_log_prob(loaded, hypotheses)
        finally:
            model.train(was_training)
        previous, self._hypotheses = self._hypotheses, hypotheses
        references, settings = list(self.valid.tgt_texts), self._config.validation
        return ValidationResult(
            loss_per_token=loss_sum / num_tokens,
            bleu=bleu(
                hypotheses,
                references,
                tgt_lang=self._config.tgt_lang,
                tokenize=settings.bleu_tokenize,
                lowercase=settings.lowercase,
            ),
            chrf=chrf(hypotheses, references, lowercase=settings.lowercase),
            hypotheses=hypotheses,
            previous_hypotheses=previous,
            training_loss_per_token=(
                training_loss_sum / num_training_tokens if num_training_tokens else None
            ),
            low_log_prob=low_log_prob,
        )

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
            mine = slice(self._world.rank, None, self._world.size)
            valid = self.valid
            src = valid.src_tokenizer.encode_batch(list(valid.src_texts)[mine])
            tgt = valid.tgt_tokenizer.encode_batch(list(valid.tgt_texts)[mine])
            cut = max_positions - 1
            pairs = [(s[:cut], t[:cut]) for s, t in zip(src, tgt, strict=True)]
            self._batches = list(batches_by_length(pairs, self._config.batch.max_tokens))
        return self._batches

    def _loaded(self, model: Seq2Seq) -> LoadedModel[TorchEngine]:
        """The model as users get it, with the beam of the validation."""
        valid, config = self.valid, self._config
        return LoadedModel(
            TorchEngine(model, self._numerics.device, self._numerics.autocast),
            valid.src_tokenizer,
            valid.tgt_tokenizer,
            replace(config.decoding, beam_size=config.validation.beam_size),
            valid.max_src_length,
            config.src_lang,
        )

    def _translate(self, loaded: LoadedModel[TorchEngine], progress: Progress) -> list[str]:
        model = cast("LoadedModel[Engine]", loaded)  # a tuple's parts are not covariant for mypy
        translator = open_translator(TranslationRequest(loaded=model))
        mine = list(self.valid.src_texts)[self._world.rank :: self._world.size]
        shares = self._world.gather_objects(translator.translate(mine, progress=progress))
        hypotheses = [""] * len(self.valid.src_texts)
        for rank, share in enumerate(shares):
            hypotheses[rank :: self._world.size] = share
        return hypotheses

    def _low_log_prob(
        self, loaded: LoadedModel[TorchEngine], hypotheses: Sequence[str]
    ) -> float | None:
        """The 5th percentile of the log-probability per piece, EOS counted, over all processes.

        One forced pass over the hypotheses: greedy search without scores saves more than it costs.
        """
        mine = slice(self._world.rank, None, self._world.size)
        pairs = list(zip(list(self.valid.src_texts)[mine], list(hypotheses)[mine], strict=True))
        scores = PairScorer(cast("LoadedModel[PairEngine]", loaded)).score(pairs)
        means = [
            score.log_prob / len(score.log_probs)
            for score in scores
            if score.log_probs and math.isfinite(score.log_prob)
        ]
        of_all = [mean for share in self._world.gather_objects(means) for mean in share]
        return float(np.percentile(of_all, LOW_CONFIDENCE_PERCENTILE)) if of_all else None


def batches_by_length(
    pairs: Sequence[tuple[Sequence[int], Sequence[int]]], max_tokens: int
) -> list[Batch]:
    """All pairs, in batches of at most `max_tokens` padded cells of the longer side."""
    batches: list[Batch] = []
    chosen: list[tuple[Sequence[int], Sequence[int]]] = []
    for pair in sorted(pairs, key=lambda pair: max(len(pair[0]), len(pair[1]))):
        longest = max(len(pair[0]), len(pair[1])) + 1  # pairs come shortest first
        if chosen and (len(chosen) + 1) * longest > max_tokens:
            batches.append(batch_of(chosen))
            chosen = []
        chosen.append(pair)
    if chosen:
        batches.append(batch_of(chosen))
    return batches


def batch_of(pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> Batch:
    """One batch of some pairs of ids, BOS and EOS not among them."""
    src, tgt = (
        RaggedIds(
            np.array([i for pair in pairs for i in pair[side]], dtype=np.int64),
            np.array([len(pair[side]) for pair in pairs], dtype=np.int64),
        )
        for side in (0, 1)
    )
    return make_batch(src, tgt)
