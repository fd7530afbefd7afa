"""Random segmentations that can be repeated: functions of text, amount and seed alone.

SentencePiece can sample but not repeat: version 0.2.3 salts its generator in each process, so the
same seed gives other segmentations after a restart (seen 2026-11-23, Linux wheel), and earlier
versions ignore a second seed. A run could not be resumed exactly, hence this module. It segments as
SentencePiece does: if no merge fails, BPE-dropout equals `encode`.
"""

from __future__ import annotations

import heapq
import math
import random
import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate

from mtcli.tokenizer.model_file import ModelFile, PieceKind
from mtcli.tokenizer.protocol import SPACE, UNK_ID

_WORD = re.compile(f".[^{SPACE}]*", re.DOTALL)  # a word and the space before it
_CACHED_UNITS = 2**16  # words (with what happened to them) whose segmentations are remembered
_UNKNOWN_PENALTY = 10.0  # a character without a piece scores this much below the worst piece


class Vocabulary:
    """The pieces of a tokenizer, and how to spell text that has no piece.

    Args:
        model: the pieces.
    """

    def __init__(self, model: ModelFile) -> None:
        pieces = list(enumerate(model.pieces))
        self.ids = {p.text: i for i, p in pieces if p.kind is PieceKind.NORMAL}
        self.scores = {p.text: p.score for _, p in pieces if p.kind is PieceKind.NORMAL}
        self.symbol_ids = {p.text: i for i, p in pieces if p.kind is PieceKind.USER_DEFINED}
        self.byte_ids = [
            i for _, i in sorted((p.text, i) for i, p in pieces if p.kind is PieceKind.BYTE)
        ]
        self.longest = max(map(len, self.ids), default=1)
        self.worst_score = min(self.scores.values(), default=0.0)
        symbols = sorted(self.symbol_ids, key=len, reverse=True)
        self._symbol_pattern = re.compile(f"({'|'.join(map(re.escape, symbols))})")
        # a word is a unit, unless some pieces cross spaces
        self._has_crossing_pieces = any(SPACE in text[1:] for text in self.ids)

    def units(self, escaped: str) -> list[str]:
        """Split a text where no piece crosses: into user-defined symbols and the words between."""
        spans = self._symbol_pattern.split(escaped) if self.symbol_ids else [escaped]
        units: list[str] = []
        for span in spans:
            if span in self.symbol_ids or (span and self._has_crossing_pieces):
                units.append(span)
            else:
                units.extend(_WORD.findall(span))
        return units

    def spell(self, piece: str) -> list[int]:
        """The id of a piece; of text that is not a piece, the ids of its bytes, or UNK_ID."""
        piece_id = self.ids.get(piece)
        if piece_id is not None:
            return [piece_id]
        if self.byte_ids:
            return [self.byte_ids[byte] for byte in piece.encode()]
        return [UNK_ID]


class BpeDropout:
    """Byte-pair encoding in which every merge fails with a probability.

    Source: Provilkov et al. 2020, algorithm 1, in SentencePiece's form: a merge that failed is
    tried again only when a neighbour changes, not at every step.

    Args:
        vocabulary: the pieces, scored by rank.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._cut = lru_cache(_CACHED_UNITS)(self._cut_uncached)

    def sample(self, escaped: str, *, amount: float, seed: int) -> list[int]:
        """Ids of a random segmentation.

        Args:
            escaped: normalized text with U+2581 for spaces.
            amount: probability that a merge fails, at least 0 and below 1.
            seed: any integer from 0.
        """
        ids: list[int] = []
        failures = _failures(amount, random.Random(seed))
        next_failure = next(failures)
        offset = 0  # attempts of the units before
        for unit in self._vocabulary.units(escaped):
            symbol_id = self._vocabulary.symbol_ids.get(unit)
            if symbol_id is not None:
                ids.append(symbol_id)
                continue
            # n characters make n - 1 pairs, and each of at most n - 1 merges makes two new ones
            end = offset + 3 * (len(unit) - 1)
            failing = 0
            while next_failure < end:
                failing |= 1 << (next_failure - offset)
                next_failure = next(failures)
            ids.extend(self._cut(unit, failing))
            offset = end
        return _without_unknown_runs(ids)

    def _cut_uncached(self, unit: str, failing: int) -> list[int]:
        """Ids of one unit; the k-th attempt to merge fails if bit k of `failing` is set."""
        scores = self._vocabulary.scores
        parts = list(unit)
        before, after = list(range(-1, len(parts) - 1)), [*range(1, len(parts)), -1]
        queue: list[tuple[float, int, int, int]] = []

        def consider(left: int, right: int) -> None:
            if left >= 0 and right >= 0:
                score = scores.get(parts[left] + parts[right])
                if score is not None:
                    length = len(parts[left]) + len(parts[right])
                    heapq.heappush(queue, (-score, left, right, length))

        for left in range(len(parts) - 1):
            consider(left, left + 1)
        attempt = 0
        while queue:
            _, left, right, length = heapq.heappop(queue)
            is_stale = not parts[left] or not parts[right]
            if is_stale or len(parts[left]) + len(parts[right]) != length:
                continue
            attempt += 1
            if failing >> (attempt - 1) & 1:
                continue
            parts[left] += parts[right]
            parts[right] = ""
            after[left] = after[right]
            if after[left] >= 0:
                before[after[left]] = left
            consider(before[left], left)
            consider(left, after[left])
        return [piece_id for part in parts if part for piece_id in self._vocabulary.spell(part)]


class UnigramSampler:
    """Segmentations drawn in proportion to their probability to the power of alpha.

    Source: Kudo 2018, section 3.3, over all segmentations (l = infinity) by forward filtering and
    backward sampling.

    Args:
        vocabulary: the pieces, scored by log-probability.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._lattice = lru_cache(_CACHED_UNITS)(self._lattice_uncached)

    def sample(self, escaped: str, *, amount: float, seed: int) -> list[int]:
        """Ids of a random segmentation.

        Args:
            escaped: normalized text with U+2581 for spaces.
            amount: the exponent alpha; near 0 all segmentations are equally likely, 1 is the
                model's own distribution.
            seed: any integer from 0.
        """
        ids: list[int] = []
        generator = random.Random(seed)
        for unit in self._vocabulary.units(escaped):
            symbol_id = self._vocabulary.symbol_ids.get(unit)
            if symbol_id is not None:
                ids.append(symbol_id)
                continue
            lattice = self._lattice(unit, amount)
            parts: list[str] = []
            end = len(unit)
            while end:
                starts, cumulative = lattice[end]
                chosen = bisect_right(cumulative, generator.random() * cumulative[-1])
                start = starts[min(chosen, len(starts) - 1)]
                parts.append(unit[start:end])
                end = start
            for part in reversed(parts):
                ids.extend(self._vocabulary.spell(part))
        return _without_unknown_runs(ids)

    def _lattice_uncached(self, unit: str, alpha: float) -> list[tuple[list[int], list[float]]]:
        """For every end in the unit, where its last piece may start, and the cumulative weights."""
        scores = self._vocabulary.scores
        unknown_score = self._vocabulary.worst_score - _UNKNOWN_PENALTY
        log_sums = [0.0]  # log of the summed weights of all segmentations of unit[:end]
        lattice: list[tuple[list[int], list[float]]] = [([], [])]
        for end in range(1, len(unit) + 1):
            starts: list[int] = []
            log_weights: list[float] = []
            for start in range(max(0, end - self._vocabulary.longest), end):
                score = scores.get(unit[start:end])
                if score is None and start == end - 1:
                    score = unknown_score
                if score is not None:
                    starts.append(start)
                    log_weights.append(log_sums[start] + alpha * score)
            top = max(log_weights)
            weights = [math.exp(log_weight - top) for log_weight in log_weights]
            log_sums.append(top + math.log(sum(weights)))
            lattice.append((starts, list(accumulate(weights))))
        return lattice


def _failures(probability: float, generator: random.Random) -> Iterator[int]:
    """Ascending indices of the failures in an endless sequence of trials; gaps are geometric."""
    log_success = math.log1p(-probability)
    index = -1
    while True:
        index += 1 + int(math.log(1.0 - generator.random()) / log_success)
        yield index


def _without_unknown_runs(ids: list[int]) -> list[int]:
    """The ids with one UNK_ID for several in a row, as SentencePiece encodes."""
    if UNK_ID not in ids:
        return ids
    return [
        piece_id
        for i, piece_id in enumerate(ids)
        if piece_id != UNK_ID or i == 0 or ids[i - 1] != UNK_ID
    ]
