"""Number the documents of the pairs that the rules keep."""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt


class KeptDocuments:
    """The documents of the pairs that are kept; a pair that is dropped ends a document.

    A model that reads sentences together must not take those for neighbours that were not.

    Args:
        read: the number of the document of each pair that was read; taken from here.
    """

    def __init__(self, read: deque[int]) -> None:
        self._read = read
        self._kept: list[int] = []
        self._last = -1
        """Number of the document of the last pair kept, as it was read."""
        self._is_interrupted = False

    def add(self, num_read: int, kept: list[int]) -> None:
        """Take the next `num_read` pairs into account; their rows `kept` are kept, rising."""
        numbers = [self._read.popleft() for _ in range(num_read)]
        expected = 0
        for row in kept:
            is_interrupted = self._is_interrupted or row > expected
            if numbers[row] != self._last or is_interrupted:
                self._kept.append(self._kept[-1] + 1 if self._kept else 0)
            else:
                self._kept.append(self._kept[-1])
            self._last, self._is_interrupted, expected = numbers[row], False, row + 1
        self._is_interrupted = self._is_interrupted or expected < num_read

    def numbers(self) -> npt.NDArray[np.int32]:
        """The number of each kept pair's document, from 0, never falling; shape (num_pairs,)."""
        return np.array(self._kept, dtype=np.int32)
