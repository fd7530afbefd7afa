"""Seeded choices that are the same under every version of Python."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Choices drawn from `random.Random.random` alone.

    Python promises that `random()` gives the same sequence for a seed in every version, and
    promises nothing about `choice`, `choices` and `shuffle`; the committed corpus needs it.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed).random

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self._random() < probability

    def pick(self, items: Sequence[T]) -> T:
        """One of the items, each as likely as the other."""
        return items[int(self._random() * len(items))]

    def weighted(self, items: Sequence[tuple[float, T]]) -> T:
        """One of the items, as likely as the weight before it says."""
        left = self._random() * sum(weight for weight, _ in items)
        for weight, item in items:
            left -= weight
            if left < 0:
                return item
        return items[-1][1]
