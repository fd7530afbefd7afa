"""Write the least certain translations to a file, for people to review."""

from __future__ import annotations

import math
import tempfile
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from mtcli.errors import ConfigError, MtcliError
from mtcli.folders import write_bytes_atomically
from mtcli.streaming.lines import Line
from mtcli.translating.answer import Answer

HEADER = ("line", "confidence", "reason", "source", "translation")
LEAST_CERTAIN = "least_certain"
"""The reason where no flag says another: the model is less sure of it than of the others."""

_ESCAPES = str.maketrans({"\t": " ", "\r": " ", "\n": " "})


@dataclass(frozen=True)
class Worst:
    """How many translations to review."""

    share: float | None = None
    """Of the lines that are not blank, 0 to 1."""
    number: int | None = None
    """Or so many."""

    def count(self, num_lines: int) -> int:
        """How many of `num_lines`; of any share at least one."""
        if self.number is not None:
            return min(self.number, num_lines)
        assert self.share is not None
        return min(num_lines, math.ceil(self.share * num_lines))


def parse_worst(text: str) -> Worst:
    """How many translations `20%` or `100` means.

    Raises:
        ConfigError: it is neither a share above 0 % nor a whole number of at least 1.
    """
    number = text.strip().removesuffix("%").strip()
    is_share = text.strip().endswith("%")
    try:
        if is_share and 0 < float(number) <= 100:
            return Worst(share=float(number) / 100)
        if not is_share and int(number) >= 1:
            return Worst(number=int(number))
    except ValueError:
        pass
    raise ConfigError(
        f"`{text}` is not a valid number of lines for `--worst`",
        hint="use for example `20%` or `100`",
    )


class Review:
    """Collects translations, and writes the worst of them, the least certain first.

    The texts wait in a temporary file: of a line only its confidence and its place are in memory.

    Args:
        path: the file to write. Its folder holds the temporary file.
        worst: how many are written.

    Raises:
        OSError: the folder cannot be written.
    """

    def __init__(self, path: Path, worst: Worst) -> None:
        self._path, self._worst = path, worst
        self._rows = tempfile.TemporaryFile(dir=path.parent)  # noqa: SIM115 closed by __exit__
        self._confidences, self._starts = array("d"), array("q")
        self._end = 0

    def __enter__(self) -> Review:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._rows.close()

    def add(self, number: int, line: Line, answer: Answer) -> None:
        """Take a line into account; blank ones have nothing to review.

        Args:
            number: of the line, counted from 1.
            line: the source.
            answer: its translation.

        Raises:
            MtcliError: the temporary file cannot be written.
        """
        if line.blank is not None:
            return
        # what is empty or was lost on the way is the worst, whatever its probability
        confidence = answer.confidence if answer.translations[0].text else 0.0
        row = (
            str(number),
            f"{confidence:.3f}",
            ",".join(answer.flags) or LEAST_CERTAIN,
            line.text.translate(_ESCAPES),
            answer.translations[0].text.translate(_ESCAPES),
        )
        data = "\t".join(row).encode("utf-8", "replace") + b"\n"
        try:
            self._rows.write(data)
        except OSError as error:
            why = error.strerror or error
            raise MtcliError(
                f"cannot keep the translations to review, for {self._path}: {why}"
            ) from None
        self._confidences.append(confidence)
        self._starts.append(self._end)
        self._end += len(data)

    def write(self) -> int:
        """Write the worst, tab-separated with a header. Returns their number.

        Raises:
            OSError: the temporary file cannot be read.
            RunFolderError: the file cannot be written.
        """
        num_lines = len(self._confidences)
        order = sorted(range(num_lines), key=self._confidences.__getitem__)
        chosen = order[: self._worst.count(num_lines)]
        header = "\t".join(HEADER).encode() + b"\n"
        write_bytes_atomically(self._path, b"".join([header, *self._read(chosen)]))
        return len(chosen)

    def _read(self, places: Sequence[int]) -> Iterator[bytes]:
        for place in places:
            self._rows.seek(self._starts[place])
            yield self._rows.readline()
