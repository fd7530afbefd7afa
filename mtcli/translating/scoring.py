"""Score given translations with a model."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from mtcli.engines.choice import EngineOptions
from mtcli.engines.protocol import PairEngine
from mtcli.translating.batching import longest_first_batches
from mtcli.translating.loaded_model import LoadedModel
from mtcli.translating.progress import Progress, no_progress


class PairScore(NamedTuple):
    """The score of one pair."""

    log_probs: tuple[float, ...]
    """Natural log-probabilities of the target pieces and of EOS. A pair of two blank sides has
    none; of a pair that the model cannot take, one that is -inf stands for all."""
    is_too_long: bool = False
    """Whether a side has more pieces than the model has positions."""

    @property
    def log_prob(self) -> float:
        """Their sum."""
        return math.fsum(self.log_probs)


class PairScorer:
    """Scores pairs of texts with one model, or with an ensemble.

    Args:
        model: what scores; by default `generation.batch_size` pairs at once.
    """

    def __init__(self, model: LoadedModel[PairEngine]) -> None:
        self._model = model
        self.batch_size = model.generation.batch_size
        self.max_length = model.engine.max_positions - 1
        """Longest side that is scored, in pieces."""

    @classmethod
    def load(
        cls,
        *paths: Path | str,
        checkpoint: str = "best",
        src_lang: str | None = None,
        tgt_lang: str | None = None,
        device: str = "auto",
        threads: int | None = None,
        precision: str = "fp32",
    ) -> PairScorer:
        """Load a run folder or model folder; several are loaded as an ensemble.

        Arguments and errors are those of `Translator.load`.
        """
        from mtcli.translating.request import TranslationRequest, open_scorer

        engine = EngineOptions("torch", device, precision, threads)
        return open_scorer(
            TranslationRequest(
                models=paths,
                checkpoint=checkpoint,
                src_lang=src_lang,
                tgt_lang=tgt_lang,
                engine=engine,
            )
        )

    def score(
        self,
        pairs: Sequence[tuple[str, str]],
        *,
        batch_size: int | None = None,
        progress: Progress = no_progress,
    ) -> list[PairScore]:
        """Score each pair of source and target text, in order.

        `batch_size` pairs are scored at once, by default as many as the model says. `progress` is
        told how many are done, and of how many.

        Raises:
            TypeError: a pair is a text, whose letters would be mistaken for texts.
        """
        check_pairs(pairs)
        src_ids, tgt_ids = self._model.encode_pairs(pairs)
        lengths = [max(len(src), len(tgt)) for src, tgt in zip(src_ids, tgt_ids, strict=True)]
        scores = [
            PairScore(()) if length == 0 else PairScore((-math.inf,), length > self.max_length)
            for length in lengths
        ]
        asked = [i for i, length in enumerate(lengths) if 0 < length <= self.max_length]
        asked_lengths = [lengths[i] for i in asked]
        num_done = len(pairs) - len(asked)
        for batch in longest_first_batches(asked_lengths, batch_size or self.batch_size):
            places = [asked[place] for place in batch]
            log_probs_of = self._model.engine.score(
                [src_ids[i] for i in places], [tgt_ids[i] for i in places]
            )
            for i, log_probs in zip(places, log_probs_of, strict=True):
                scores[i] = PairScore(tuple(_without_nan(log_probs)))
            num_done += len(places)
            progress(num_done, len(pairs))
        return scores


def check_pairs(pairs: Sequence[tuple[str, str]]) -> None:
    """Refuse a text where a pair of texts should be.

    Raises:
        TypeError: a pair is a text, whose letters would be mistaken for texts.
    """
    for pair in pairs:
        if isinstance(pair, str):
            raise TypeError(f"pairs must be pairs of source and target text, found {pair!r}")


def _without_nan(log_probs: Sequence[float]) -> Iterator[float]:
    """Replace NaN by -inf; it comes from damaged weights or an overflow."""
    return (-math.inf if math.isnan(log_prob) else log_prob for log_prob in log_probs)
