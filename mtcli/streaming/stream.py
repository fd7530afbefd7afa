"""Translate a stream of lines: one answer out for each line in, in order."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from mtcli.engines.protocol import Report, no_report
from mtcli.errors import DataError
from mtcli.streaming.lines import Line, LineReader
from mtcli.streaming.long_lines import MOST_PARTS, LongLine, refusing_longer
from mtcli.streaming.records import window_records
from mtcli.streaming.resume import Layout
from mtcli.streaming.windows import read_windows
from mtcli.system.raw_lines import MAX_LINE_BYTES
from mtcli.system.stop_signals import check_stop
from mtcli.system.stream_errors import naming_streams
from mtcli.translating.answer import Answer
from mtcli.translating.documents import (
    NO_FALLBACKS,
    Fallbacks,
    RunningDocuments,
    sum_fallbacks,
)
from mtcli.translating.translator import Running, Translator

if TYPE_CHECKING:
    from mtcli.streaming.review import Review

WINDOW_BATCHES = 64
"""Batches in a window; sorting by length pays only among many lines. 64 were about 4 %
faster than 32, and 200 no faster (12,000 lines, greedy, CTranslate2, 2026-11-26)."""

FIRST_BATCHES = 2
"""Batches in the first window, so that the first answers come after seconds; windows grow from
there."""

WINDOW_LINES = 8192
"""Most lines of a window, unless a batch is larger; three windows are in memory at once."""

WINDOW_BYTES = 4_000_000
"""Bytes after which a window takes no more lines."""


@dataclass(frozen=True)
class StreamOptions:
    """How lines are read and answers are written."""

    lists_n_best: bool = False
    """Write all translations of a line; else the best one."""
    is_jsonl: bool = False
    """Write JSON objects; else text, or Moses' n-best lists."""
    is_line_buffered: bool = False
    """Answer each line before the next is read."""
    has_prefixes: bool = False
    """What follows the first tab of a line is what its translation begins with."""
    has_alignments: bool = False
    """Answers have alignments, which stand at the end of a line."""
    max_line_bytes: int = MAX_LINE_BYTES
    """Longer lines are cut into parts while they are read."""
    num_done: int = 0
    """Lines that were answered before the first of the stream: numbering continues from there."""

    @property
    def layout(self) -> Layout:
        """What the output holds."""
        if self.is_jsonl:
            return "jsonl"
        return "n_best" if self.lists_n_best else "text"


@dataclass
class StreamReport:
    """What happened, in numbers of lines."""

    num_lines: int = 0
    num_over_limit: int = 0
    """Lines with a sentence that was longer than any in training, and so was split."""
    num_invalid: int = 0
    """Lines with bytes that are not UTF-8."""
    num_truncated: int = 0
    """Lines with a translation that was cut off at its longest length."""
    num_repeated: int = 0
    """Lines with a translation that repeats itself."""
    num_cut: int = 0
    """Lines that were cut into parts while they were read."""
    num_unseen: int = 0
    """Lines with characters that were in no source of the training."""
    fallbacks: Fallbacks = NO_FALLBACKS
    """Of documents: how often lines could not be translated together."""
    unseen: Counter[str] = field(default_factory=Counter)
    """How many lines have each of these characters."""

    def count(self, line: Line, answer: Answer) -> None:
        """Take one more line into account."""
        self.num_lines += 1
        self.num_over_limit += answer.is_over_limit
        self.num_invalid += not line.is_valid
        self.num_truncated += "truncated" in answer.flags
        self.num_repeated += "repeated" in answer.flags
        self.num_unseen += "unseen" in answer.flags
        self.unseen.update(answer.unseen)


def translate_stream(
    translator: Translator,
    source: BinaryIO,
    sink: BinaryIO,
    options: StreamOptions,
    review: Review | None = None,
    progress: Report = no_report,
) -> StreamReport:
    """Translate `source` line by line into `sink`, in order, and flush after every window.

    Without n-best lists the output has exactly the lines of the input, whatever its bytes. Lines
    of text end as their input lines do, and blank lines are copied. While a window is being
    translated the next one is read, as far as it has arrived: an answer never waits for input.
    Second attempts run behind that next window, so that the engine never idles; at most three
    windows are in memory. A line that is too long is read in parts, and as text its answer is
    written in parts; other answers are written at once, and have a longest length. With a
    batch_size of 1, which gains nothing from sorting, each line is answered before the next is
    read.

    Args:
        translator: translates.
        source: lines of text.
        sink: where the answers go.
        options: how lines are read and answers are written.
        review: collects translations for people to review, if any shall.
        progress: told about how many lines are translated so far.

    Raises:
        DataError: the input is damaged or not text, or a line is too long to be answered at once;
            every complete line before is answered.
        StreamError: reading or writing failed.
        Interrupted: a signal asked for the end, where the command lets it; see `stop_signals`.
    """
    batch_size, reads_documents = translator.options.batch_size, translator.options.reads_documents
    is_single = (options.is_line_buffered or batch_size == 1) and not reads_documents
    window_lines = max(min(WINDOW_BATCHES * batch_size, WINDOW_LINES), batch_size)
    lines = LineReader(source, options.max_line_bytes)
    running = _RunningWindows(translator, sink, options, review, progress)
    windows = read_windows(
        _answerable(lines, options, reads_documents=reads_documents, has_review=review is not None),
        max_lines=1 if is_single else window_lines,
        max_bytes=WINDOW_BYTES,
        first_lines=FIRST_BATCHES * batch_size,
        is_ready=(lambda: True) if is_single else lines.is_ready,
        ends_window=_is_blank if reads_documents else None,
    )
    try:
        for window in windows:
            check_stop()
            if window:
                running.begin(window)
            running.write_all_but(1 if window and not is_single else 0)
    except DataError:  # the input is damaged: what came before is answered
        running.write_all_but(0)
        raise
    running.write_all_but(0)
    check_stop()
    return running.report


def _is_blank(line: Line) -> bool:
    return not line.text.strip()


def _answerable(
    lines: LineReader, options: StreamOptions, *, reads_documents: bool, has_review: bool
) -> Iterable[Line]:
    """The lines, none of which is too long for what is asked."""
    limit, num_done = options.max_line_bytes, options.num_done
    if options.has_prefixes:
        return refusing_longer(lines, limit, 1, num_done, "a line with a prefix")
    if reads_documents:
        return refusing_longer(lines, limit, 1, num_done, "a line of a document")
    if options.layout != "text" or options.has_alignments or has_review:
        what = "a line whose answer is written at once (JSON, n-best, alignment, review)"
        return refusing_longer(lines, limit, MOST_PARTS, num_done, what)
    return lines


class _RunningWindows:
    """Windows that are being translated; they are written in their order.

    Args:
        translator: translates them.
        sink: where the answers go.
        options: how they are written.
        review: told of every answer that was written.
        progress: told about how many lines are translated so far.
    """

    def __init__(
        self,
        translator: Translator,
        sink: BinaryIO,
        options: StreamOptions,
        review: Review | None,
        progress: Report,
    ) -> None:
        self._translator, self._sink, self._options = translator, sink, options
        self._review, self._progress = review, progress
        self._begun: deque[tuple[list[Line], Running]] = deque()
        self._is_retried = False
        """Whether second attempts at the oldest window run behind the window after it."""
        self._long: LongLine | None = None
        """The line whose parts are being written."""
        self.report = StreamReport()

    def begin(self, window: list[Line]) -> None:
        """Start to translate a window, while the one before it is still being translated."""
        prefixes = None
        if self._options.has_prefixes:
            columns = [line.text.partition("\t") for line in window]
            window = [line._replace(text=c[0]) for line, c in zip(window, columns, strict=True)]
            prefixes = [c[2] for c in columns]
        before = self._begun[-1][1] if self._begun else None
        texts = [line.text for line in window]
        num_before = self.report.num_lines + sum(_num_lines(begun) for begun, _ in self._begun)
        num_lines = _num_lines(window)

        def tell(done: int, total: int) -> None:
            self._progress(num_before + num_lines * done // total)

        running = self._translator.begin(texts, prefixes=prefixes, after=before, progress=tell)
        self._begun.append((window, running))

    def write_all_but(self, num_running: int) -> None:
        """Wait for windows and write them, until `num_running` are left."""
        while len(self._begun) > num_running:
            if num_running and not self._is_retried and self._begun[0][1].retry():
                self._is_retried = True
                break
            self._write(*self._begun.popleft())
            self._is_retried = False

    def _write(self, window: list[Line], running: Running) -> None:
        answers = running.result()
        if isinstance(running, RunningDocuments):
            self.report.fallbacks = sum_fallbacks([self.report.fallbacks, running.fallbacks])
        if self._long is None and _num_lines(window) == len(window):
            records = self._records(window, answers)
        else:
            records = [
                self._part(line, answer) for line, answer in zip(window, answers, strict=True)
            ]
        with naming_streams():
            self._sink.write(b"".join(records))
            self._sink.flush()

    def _records(self, window: Sequence[Line], answers: Sequence[Answer]) -> list[bytes]:
        """The bytes to write for each line, which is counted."""
        num_before = self._options.num_done + self.report.num_lines
        records = window_records(
            list(zip(window, answers, strict=True)),
            num_before,
            self._options.layout,
            self._translator.pieces,
            with_n_best=self._options.lists_n_best,
        )
        for number, (line, answer) in enumerate(zip(window, answers, strict=True), num_before + 1):
            self.report.count(line, answer)
            if self._review is not None:
                self._review.add(number, line, answer)
        return records

    def _part(self, line: Line, answer: Answer) -> bytes:
        """The bytes to write for a line, or a part of one."""
        if self._long is None and not line.is_continued:
            return self._records([line], [answer])[0]
        is_text = self._options.layout == "text" and not self._options.has_alignments
        if self._long is None:
            keeps_texts = not is_text or self._review is not None
            self._long = LongLine(keeps_texts=keeps_texts)
        text = self._long.add(line, answer)
        if line.is_continued:
            return text if is_text else b""
        whole = self._long.whole()
        self._long = None
        self.report.num_cut += 1
        record = self._records([whole.line], [whole.answer])[0]
        return text if is_text else record


def _num_lines(window: Sequence[Line]) -> int:
    """Lines that end in a window."""
    return sum(not line.is_continued for line in window)
