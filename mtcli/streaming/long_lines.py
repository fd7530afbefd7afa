"""Lines that are read in parts, because they are too long: one answer for all parts of a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from mtcli.errors import DataError
from mtcli.streaming.lines import Line, encode_line
from mtcli.translating.answer import Answer
from mtcli.translating.joining import join_answers
from mtcli.translating.parts import joint

MOST_PARTS = 16
"""Times the longest line that an answer may be made of which is written at once, as a JSON object
is; a line of text is written as it is translated, and may be of any length."""


class Whole(NamedTuple):
    """A line that came in parts, and its answer."""

    line: Line
    """Without its text, unless the texts are kept."""
    answer: Answer


class LongLine:
    """Takes the parts of a line, and gives what is to be written of each as text.

    Args:
        keeps_texts: whether the whole line and its whole answer are wanted at the end; else they
            hold no text, so that memory stays bounded.
    """

    def __init__(self, *, keeps_texts: bool) -> None:
        self._keeps_texts = keeps_texts
        self._lines: list[Line] = []
        self._answers: list[Answer] = []
        self._is_blank = True
        self._last_text = ""

    def add(self, line: Line, answer: Answer) -> bytes:
        """Take a part. Returns what follows of the line of text, its ending included."""
        written = self._text(line, answer)
        if not self._keeps_texts:
            best = answer.translations[0]._replace(text="", token_ids=())
            answer = answer._replace(translations=(best,))
            line = line._replace(text="", blank=line.blank and b"")
        self._lines.append(line)
        self._answers.append(answer)
        return written

    def whole(self) -> Whole:
        """The line and its answer; every part must have been taken."""
        last = self._lines[-1]
        blanks = [line.blank for line in self._lines]
        line = Line(
            text="".join(line.text for line in self._lines),
            ending=last.ending,
            blank=None if None in blanks else b"".join(filter(None, blanks)),
            is_valid=all(line.is_valid for line in self._lines),
            num_bytes=sum(line.num_bytes for line in self._lines),
        )
        return Whole(line, join_answers(self._answers, [line.text for line in self._lines]))

    def _text(self, line: Line, answer: Answer) -> bytes:
        ending = b"" if line.is_continued else line.ending
        if self._is_blank and line.blank is not None:
            return line.blank + ending  # as of a line of its own
        text = "" if line.blank is not None else answer.translations[0].text
        self._is_blank = False
        separator = joint(self._last_text) if text else ""
        self._last_text = text or self._last_text
        is_nothing = not self._last_text and not line.is_continued
        return encode_line(separator + text, ending or (b"\n" if is_nothing else b""))


def refusing_longer(
    lines: Iterable[Line], max_bytes: int, most_parts: int, num_done: int, what: str
) -> Iterator[Line]:
    """The same lines, as long as none is too long to be answered at once.

    Args:
        lines: lines, and parts of lines.
        max_bytes: most bytes of a part.
        most_parts: so many times as many bytes a line may have.
        num_done: lines before the first one.
        what: what may not be longer, in the words of an error.

    Raises:
        DataError: a line is longer.
    """
    number, num_bytes = num_done + 1, 0
    for line in lines:
        is_part = line.is_continued or num_bytes > 0
        num_bytes += line.num_bytes
        if is_part and (most_parts == 1 or num_bytes > most_parts * max_bytes):
            raise DataError(
                f"line {number} of the input has more than {most_parts * max_bytes:,} bytes, the"
                f" most that {what} may have",
                hint="split it, or raise `--max-line-bytes`",
            )
        yield line
        if not line.is_continued:
            number, num_bytes = number + 1, 0
