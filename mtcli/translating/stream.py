"""A stream of lines in, a stream of translations out, one line for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from mtcli.config.schema import DecodingConfig
from mtcli.translating.lines import Line, encode_line, read_lines
from mtcli.translating.translator import Answer, Translator
from mtcli.translating.windows import read_windows

WINDOW_BATCHES = 32
"""Batches that a window holds: sorting by length pays only among many lines."""

WINDOW_CHARACTERS = 4_000_000
"""Characters after which a window takes no more lines."""


@dataclass(frozen=True)
class StreamOptions:
    """How a stream is translated."""

    generation: DecodingConfig
    num_hypotheses: int | None = None
    """None writes one translation a line; a number writes n-best lists."""
    is_interactive: bool = False
    """Answer each line before the next is read."""


@dataclass(frozen=True)
class StreamReport:
    """What happened."""

    num_lines: int
    num_split: int
    """Lines that were translated in parts."""
    num_invalid: int
    """Lines that held bytes which are not UTF-8."""


def translate_stream(
    translator: Translator, source: BinaryIO, sink: BinaryIO, options: StreamOptions
) -> StreamReport:
    """Translate `source` line by line into `sink`, in order, and flush after every window.

    Without n-best lists the output has exactly the lines of the input, whatever its bytes: each
    ends as its input line does, and blank lines come back as they are. At most one window is held
    in memory; a batch_size of 1, for which sorting is of no use, reads one line at a time.

    Raises:
        ConfigError: more hypotheses are asked for than the beam gives.
        OSError: reading or writing failed.
    """
    batch_size = options.generation.batch_size
    is_single = options.is_interactive or batch_size == 1
    num_lines = num_split = num_invalid = 0
    for window in read_windows(
        read_lines(source),
        max_lines=1 if is_single else WINDOW_BATCHES * batch_size,
        max_characters=WINDOW_CHARACTERS,
    ):
        answers = translator.answer(
            [line.text for line in window], options.generation, options.num_hypotheses or 1
        )
        output = []
        for index, (line, answer) in enumerate(zip(window, answers, strict=True), num_lines):
            if options.num_hypotheses is None:
                output.append(_answer_line(line, answer))
            else:
                output += n_best_lines(index, answer)
        sink.write(b"".join(output))
        sink.flush()
        num_lines += len(window)
        num_split += sum(answer.num_parts > 1 for answer in answers)
        num_invalid += sum(not line.is_valid for line in window)
    return StreamReport(num_lines, num_split, num_invalid)


def n_best_lines(index: int, answer: Answer) -> list[bytes]:
    """Moses' n-best format: `index ||| text ||| logprob= LOG_PROB ||| SCORE`, best first.

    Args:
        index: number of the input line, counted from 0.
        answer: its translations.
    """
    return [
        encode_line(f"{index} ||| {text} ||| logprob= {log_prob:.4f} ||| {score:.4f}", b"\n")
        for text, log_prob, score in answer.translations
    ]


def _answer_line(line: Line, answer: Answer) -> bytes:
    if line.blank is not None:
        return line.blank + line.ending
    text = answer.translations[0].text
    # an empty answer to a last line that nothing ends would be no line at all
    return encode_line(text, line.ending if text else line.ending or b"\n")
