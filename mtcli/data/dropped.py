"""Count what the readers of files leave out: blank lines, and what they cannot use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

BAD_LINES = ("bad line", "bad lines")


@dataclass
class Unusable:
    """What one file has that cannot be used."""

    nouns: tuple[str, str]
    """What one and several are called, such as `bad line` and `bad lines`."""
    example: str
    """The first of them and what is wrong with it, such as `line 12 has 3 columns`."""
    count: int = 0


@dataclass
class Dropped:
    """What one pass over some sources left out; the readers add to it."""

    num_blank: int = 0
    """Lines without any text."""
    unusable: dict[str, Unusable] = field(default_factory=dict)
    """By the name of the file."""

    def add_unusable(self, file: str, nouns: tuple[str, str], example: str) -> None:
        """Count one more; the first of a file is kept as the example."""
        self.unusable.setdefault(file, Unusable(nouns, example)).count += 1

    @property
    def num_unusable(self) -> int:
        """What cannot be used, in all files."""
        return sum(entry.count for entry in self.unusable.values())

    def warnings(self) -> Iterator[str]:
        """A sentence for each file that has something unusable."""
        for file, entry in self.unusable.items():
            noun = entry.nouns[entry.count != 1]
            yield f"{file}: dropped {entry.count} {noun}; {entry.example}"
