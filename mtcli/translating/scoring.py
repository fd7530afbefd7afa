"""Log-probabilities of given translations."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from mtcli.bundle.model_folder import Bundle, read_model
from mtcli.engines.loading import load_tokenizers
from mtcli.engines.protocol import PairEngine
from mtcli.runs.resolve import resolve_model
from mtcli.tokenizer.protocol import Tokenizer
from mtcli.translating.batching import batches_by_length
from mtcli.translating.controls import without_controls


class PairScore(NamedTuple):
    """What the model says of one pair."""

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
        engine: runs the model.
        src_tokenizer: cuts sources.
        tgt_tokenizer: cuts targets.
        batch_size: pairs that are scored at once unless told otherwise.
    """

    def __init__(
        self,
        engine: PairEngine,
        *,
        src_tokenizer: Tokenizer,
        tgt_tokenizer: Tokenizer,
        batch_size: int,
    ) -> None:
        self._engine = engine
        self._src_tokenizer, self._tgt_tokenizer = src_tokenizer, tgt_tokenizer
        self.batch_size = batch_size
        self.max_length = engine.max_positions - 1
        """Longest side that is scored, in pieces."""

    @classmethod
    def load(
        cls,
        *paths: Path | str,
        checkpoint: str = "best",
        device: str = "auto",
        threads: int | None = None,
        precision: str = "fp32",
    ) -> PairScorer:
        """The scorer of a run folder or model folder; of several, that of their ensemble.

        Arguments and errors are those of `Translator.load`; besides, the models of an ensemble need
        the same tokenizers (ModelFolderError).
        """
        bundles = [read_model(resolve_model(Path(path), checkpoint)) for path in paths]
        return cls.of_bundles(bundles, device=device, threads=threads, precision=precision)

    @classmethod
    def of_bundles(
        cls, bundles: Sequence[Bundle], *, device: str, threads: int | None, precision: str
    ) -> PairScorer:
        """The scorer of model folders that were read already; see `load`."""
        # here, for torch takes seconds, and a wrong path should be told at once
        from mtcli.engines.torch_loading import load_ensemble

        src_tokenizer, tgt_tokenizer = load_tokenizers(bundles[0])
        return cls(
            load_ensemble(bundles, device=device, precision=precision, threads=threads),
            src_tokenizer=src_tokenizer,
            tgt_tokenizer=tgt_tokenizer,
            batch_size=bundles[0].generation.batch_size,
        )

    def score(
        self, pairs: Sequence[tuple[str, str]], *, batch_size: int | None = None
    ) -> list[PairScore]:
        """What the model says of each pair of source and target text, in their order.

        Raises:
            TypeError: a pair is a text: two letters of it would be taken for a pair of texts.
        """
        for pair in pairs:
            if isinstance(pair, str):
                raise TypeError(f"pairs of source and target text are wanted, found {pair!r}")
        src_ids = self._src_tokenizer.encode_batch([without_controls(src) for src, _ in pairs])
        tgt_ids = self._tgt_tokenizer.encode_batch([without_controls(tgt) for _, tgt in pairs])
        lengths = [max(len(src), len(tgt)) for src, tgt in zip(src_ids, tgt_ids, strict=True)]
        scores = [
            PairScore(()) if length == 0 else PairScore((-math.inf,), length > self.max_length)
            for length in lengths
        ]
        asked = [i for i, length in enumerate(lengths) if 0 < length <= self.max_length]
        asked_lengths = [lengths[i] for i in asked]
        for batch in batches_by_length(asked_lengths, batch_size or self.batch_size):
            places = [asked[place] for place in batch]
            found = self._engine.score([src_ids[i] for i in places], [tgt_ids[i] for i in places])
            for i, log_probs in zip(places, found, strict=True):
                scores[i] = PairScore(tuple(_without_nan(log_probs)))
        return scores


def _without_nan(log_probs: Sequence[float]) -> Iterator[float]:
    """What is no number is no probability either (damaged weights, or an overflow)."""
    return (-math.inf if math.isnan(log_prob) else log_prob for log_prob in log_probs)
