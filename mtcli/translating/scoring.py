"""Log-probabilities of given translations: pairs in, one line of numbers out for each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path
from typing import BinaryIO, NamedTuple

from mtcli.bundle.model_folder import Bundle, read_model
from mtcli.engines.loading import load_tokenizers
from mtcli.engines.protocol import PairEngine
from mtcli.errors import DataError
from mtcli.runs.resolve import resolve_model
from mtcli.tokenizer.protocol import Tokenizer
from mtcli.translating.lines import read_lines, without_controls
from mtcli.translating.windows import batches_by_length

WINDOW_BATCHES = 32
"""Batches that are read at once: sorting by length pays only among many pairs."""


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


@dataclass(frozen=True)
class ScoreReport:
    """What happened."""

    num_pairs: int
    num_too_long: int
    """Pairs that got -inf because a side has more pieces than the model has positions."""
    num_invalid: int
    """Pairs that held bytes which are not UTF-8."""


class Pair(NamedTuple):
    """One pair of input."""

    src: str
    tgt: str
    is_valid: bool = True
    """False when bytes that are not UTF-8 were replaced by U+FFFD."""


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


def score_stream(
    scorer: PairScorer,
    pairs: Iterable[Pair],
    sink: BinaryIO,
    *,
    batch_size: int | None = None,
    per_token: bool = False,
) -> ScoreReport:
    """Write a line for every pair, in order, and flush after every window.

    Args:
        scorer: scores them.
        pairs: at most one window of them is held at a time.
        sink: gets a line with one number for each pair.
        batch_size: pairs that are scored at once; None is as the model folder says.
        per_token: write the log-probabilities of all target pieces and of EOS, with spaces between.

    Raises:
        DataError: what `pairs` raises.
        OSError: writing failed.
    """
    num_pairs = num_too_long = num_invalid = 0
    remaining = iter(pairs)
    size = batch_size or scorer.batch_size
    while window := list(islice(remaining, 1 if size == 1 else WINDOW_BATCHES * size)):
        scores = scorer.score([(pair.src, pair.tgt) for pair in window], batch_size=size)
        sink.write(b"".join(score_line(score, per_token=per_token) for score in scores))
        sink.flush()
        num_pairs += len(window)
        num_too_long += sum(score.is_too_long for score in scores)
        num_invalid += sum(not pair.is_valid for pair in window)
    return ScoreReport(num_pairs, num_too_long, num_invalid)


def score_line(score: PairScore, *, per_token: bool = False) -> bytes:
    """The line of one pair: a number of six decimals, or one for each target piece and EOS."""
    numbers = score.log_probs if per_token and score.log_probs else (score.log_prob,)
    return " ".join(f"{number + 0.0:.6f}" for number in numbers).encode("ascii") + b"\n"


def read_tsv_pairs(source: BinaryIO, name: str) -> Iterator[Pair]:
    """Pairs of lines that hold a source, a tab and a target; a blank line is a blank pair.

    Raises:
        DataError: a line has another number of columns; `name` is what it is called.
    """
    for number, line in enumerate(read_lines(source), 1):
        columns = line.text.split("\t")
        if len(columns) == 1 and not line.text.strip():
            columns = ["", ""]
        if len(columns) != 2:
            has = "1 column" if len(columns) == 1 else f"{len(columns)} columns"
            raise DataError(
                f"{name}, line {number}: has {has}, and a pair is two: the source, a tab and"
                " the target"
            )
        yield Pair(columns[0], columns[1], line.is_valid)


def read_file_pairs(src: BinaryIO, tgt: BinaryIO, names: tuple[str, str]) -> Iterator[Pair]:
    """Pairs of a line of one file and the same line of another.

    Raises:
        DataError: one has more lines; `names` are what they are called.
    """
    num_src = num_tgt = 0
    for src_line, tgt_line in zip_longest(read_lines(src), read_lines(tgt)):
        num_src += src_line is not None
        num_tgt += tgt_line is not None
        if src_line is not None and tgt_line is not None:
            yield Pair(src_line.text, tgt_line.text, src_line.is_valid and tgt_line.is_valid)
    if num_src != num_tgt:
        raise DataError(
            f"{names[0]} has {num_src} lines and {names[1]} has {num_tgt}: line N of the one"
            " belongs to line N of the other"
        )


def _without_nan(log_probs: Sequence[float]) -> Iterator[float]:
    """What is no number is no probability either (damaged weights, or an overflow)."""
    return (-math.inf if math.isnan(log_prob) else log_prob for log_prob in log_probs)
