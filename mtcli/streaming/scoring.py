"""Score a stream of pairs: one line of numbers out for each pair."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from typing import BinaryIO, NamedTuple

from mtcli.engines.protocol import Report, no_report
from mtcli.errors import DataError
from mtcli.streaming.lines import read_lines
from mtcli.system.stop_signals import check_stop
from mtcli.system.stream_errors import naming_streams
from mtcli.translating.scoring import PairScore, PairScorer

_TOO_LONG = PairScore((-math.inf,), is_too_long=True)

WINDOW_BATCHES = 32
"""Batches in a window; sorting by length pays only among many pairs."""


@dataclass(frozen=True)
class ScoreReport:
    """What happened, in numbers of pairs."""

    num_pairs: int
    num_too_long: int
    """Pairs that got -inf because a side has more pieces than the model has positions."""
    num_invalid: int
    """Pairs with bytes that are not UTF-8."""


class Pair(NamedTuple):
    """One pair of input."""

    src: str
    tgt: str
    is_valid: bool = True
    """False when bytes that are not UTF-8 were replaced by U+FFFD."""
    is_too_long: bool = False
    """Whether a side is longer than what is read of a line, and so than any model takes."""


def score_stream(
    scorer: PairScorer,
    pairs: Iterable[Pair],
    sink: BinaryIO,
    *,
    batch_size: int | None = None,
    per_token: bool = False,
    progress: Report = no_report,
) -> ScoreReport:
    """Write a line for every pair, in order, and flush after every window.

    Args:
        scorer: scores them.
        pairs: at most one window of them is held at a time.
        sink: gets a line with one number for each pair.
        batch_size: pairs that are scored at once; None takes the model's.
        per_token: write the log-probabilities of all target pieces and of EOS, with spaces between.
        progress: told how many pairs are scored so far.

    Raises:
        DataError: what `pairs` raises, after the pairs before it were scored.
        StreamError: reading or writing failed.
        Interrupted: a signal asked for the end, where the command lets it; see `stop_signals`.
    """
    num_pairs = num_too_long = num_invalid = 0
    size = batch_size or scorer.batch_size
    for window in _windows(iter(pairs), 1 if size == 1 else WINDOW_BATCHES * size):
        scored = iter(
            scorer.score(
                [(pair.src, pair.tgt) for pair in window if not pair.is_too_long],
                batch_size=size,
                progress=partial(_tell, progress, num_pairs),
            )
        )
        scores = [_TOO_LONG if pair.is_too_long else next(scored) for pair in window]
        with naming_streams():
            sink.write(b"".join(score_line(score, per_token=per_token) for score in scores))
            sink.flush()
        check_stop()
        num_pairs += len(window)
        num_too_long += sum(score.is_too_long for score in scores)
        num_invalid += sum(not pair.is_valid for pair in window)
    return ScoreReport(num_pairs, num_too_long, num_invalid)


def _tell(progress: Report, num_before: int, done: int, _total: int) -> None:
    progress(num_before + done)


def _windows(pairs: Iterator[Pair], num_pairs: int) -> Iterator[list[Pair]]:
    """Consecutive pairs in windows; those before an error come before it."""
    window: list[Pair] = []
    try:
        for pair in pairs:
            window.append(pair)
            if len(window) == num_pairs:
                yield window
                window = []
    except DataError:
        if window:
            yield window
        raise
    if window:
        yield window


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
        if line.is_continued:
            yield Pair("", "", line.is_valid, is_too_long=True)
            continue
        columns = line.text.split("\t")
        if len(columns) == 1 and not line.text.strip():
            columns = ["", ""]
        if len(columns) != 2:
            has = "1 column" if len(columns) == 1 else f"{len(columns)} columns"
            raise DataError(
                f"{name}, line {number} has {has}, but a pair has 2",
                hint="write each line as source, tab, target; texts that hold tabs can be scored"
                " from two files, with `--src FILE` and `--tgt FILE`",
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
            yield Pair(
                src_line.text,
                tgt_line.text,
                src_line.is_valid and tgt_line.is_valid,
                src_line.is_continued or tgt_line.is_continued,
            )
    if num_src != num_tgt:
        raise DataError(
            f"{names[0]} has {num_src} lines, but {names[1]} has {num_tgt}",
            hint="line N of one file must belong to line N of the other",
        )
