"""The tokenized training pairs on disk, mapped into memory, so that opening them is fast."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from mtcli.errors import DataError
from mtcli.folders import read_json, verify_folder

META = "store.json"
LENGTHS = "lengths.safetensors"

Side: TypeAlias = Literal["src", "tgt"]
Arrays: TypeAlias = dict[str, npt.NDArray[np.generic]]

_DTYPES = {"U8": "<u1", "U16": "<u2", "U32": "<u4", "I32": "<i4", "I64": "<i8"}
"""Numpy's names of the safetensors types in a store."""


@dataclass(frozen=True)
class StoreMeta:
    """The content of a store's `store.json`."""

    num_read: int
    """Pairs of the sources, without the held-out ones."""
    num_pairs: int
    """Pairs kept."""
    drops: dict[str, int]
    """Pairs dropped, by reason; it has every reason of `mtcli.data.rules.chosen.REASONS`."""
    shard_sizes: list[int]
    """Pairs of each shard."""
    num_src_tokens: int
    """Source pieces of all pairs kept, EOS not counted."""
    num_tgt_tokens: int
    """Target pieces of all pairs kept, EOS not counted."""
    longest_src: int
    """Pieces of the longest source kept, EOS not counted."""
    longest_tgt: int
    """Pieces of the longest target kept, EOS not counted."""
    max_length: int
    """Longer pairs were dropped, in pieces."""
    src_characters: str | None = None
    """All characters of the sources kept, sorted, as the tokenizer reads them; None in stores of an
    earlier mtcli."""
    examples: dict[str, list[str]] = field(default_factory=dict)
    """Source and target, shortened, of the first pair that was dropped for each reason; none in
    stores of an earlier mtcli."""
    warnings: list[str] = field(default_factory=list)
    """What the readers of files could not use, a sentence for each file."""
    num_blank_lines: int = 0
    """Lines without any text in files with a pair on each line; they are not read as pairs."""


class Store:
    """Pairs 0 .. num_pairs - 1 as ids and normalized text, read from disk on demand.

    Args:
        path: the folder.
        meta: the content of its `store.json`.
    """

    def __init__(self, path: Path, meta: StoreMeta) -> None:
        self.path = path
        self.meta = meta
        self.num_pairs = meta.num_pairs
        self.shard_sizes = meta.shard_sizes
        lengths = map_arrays(path / LENGTHS)
        self.src_lengths: npt.NDArray[np.int32] = lengths["src_lengths"]  # type: ignore[assignment]
        """Pieces of every source, EOS not counted; shape (num_pairs,)."""
        self.tgt_lengths: npt.NDArray[np.int32] = lengths["tgt_lengths"]  # type: ignore[assignment]
        """Pieces of every target, EOS not counted; shape (num_pairs,)."""
        self._first_pairs = np.cumsum([0, *meta.shard_sizes])[:-1]
        self._shards: dict[int, Arrays] = {}

    def text(self, side: Side, pair: int) -> str:
        """One side of a pair, normalized by its tokenizer."""
        shard, row = self._locate(pair)
        start, stop = self._shard(shard)[f"{side}_text_offsets"][row : row + 2]
        return bytes(self._shard(shard)[f"{side}_text"][int(start) : int(stop)]).decode("utf-8")

    def lengths(self, side: Side) -> npt.NDArray[np.int32]:
        """Pieces of one side of every pair, EOS not counted; shape (num_pairs,)."""
        return self.src_lengths if side == "src" else self.tgt_lengths

    def flat_ids(self, side: Side, pairs: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Ids of one side of several pairs, one after the other, without BOS and EOS.

        Args:
            side: which side.
            pairs: pair ids, shape (B,), in any order.

        Returns:
            shape (sum of the lengths of these pairs,).
        """
        lengths = self.lengths(side)[pairs].astype(np.int64)
        out_starts = np.cumsum(lengths) - lengths
        flat = np.empty(lengths.sum(), dtype=np.int64)
        shards = np.searchsorted(self._first_pairs, pairs, side="right") - 1
        for shard in np.unique(shards).tolist():
            is_here = shards == shard
            arrays = self._shard(shard)
            rows = pairs[is_here] - self._first_pairs[shard]
            sizes = lengths[is_here]
            ids = arrays[f"{side}_ids"][spans(arrays[f"{side}_offsets"][rows], sizes)]
            flat[spans(out_starts[is_here], sizes)] = ids
        return flat

    def _locate(self, pair: int) -> tuple[int, int]:
        """Shard of a pair, and its row there."""
        shard = int(np.searchsorted(self._first_pairs, pair, side="right")) - 1
        return shard, pair - int(self._first_pairs[shard])

    def _shard(self, shard: int) -> Arrays:
        """The arrays of a shard, mapped on first use."""
        if shard not in self._shards:
            self._shards[shard] = map_arrays(self.path / shard_name(shard))
        return self._shards[shard]


def open_store(path: Path) -> Store:
    """Open the store in a folder. Sizes of files are checked; their contents are not read.

    Raises:
        DataError: the folder is not a store, is damaged, or has a newer format.
    """
    verify_folder(path, error=DataError, required=[META, LENGTHS], hashed_below_bytes=0)
    content = read_json(path / META, DataError)
    names = {entry.name for entry in fields(StoreMeta)}
    required = names - {"examples", "src_characters", "warnings", "num_blank_lines"}
    if not isinstance(content, dict) or not required <= content.keys():
        raise DataError(f"{path / META} is damaged: it must have {', '.join(sorted(required))}")
    return Store(path, StoreMeta(**{name: content[name] for name in names & content.keys()}))


def report_of(meta: StoreMeta) -> dict[str, object]:
    """The content of a store for people: numbers and examples."""
    report = asdict(meta)
    del report["src_characters"]
    return report


def shard_name(shard: int) -> str:
    """File name of a shard."""
    return f"shard_{shard:05}.safetensors"


def spans(starts: npt.NDArray[np.generic], sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The indices of several spans, span after span.

    Args:
        starts: first index of each span, shape (B,).
        sizes: number of indices of each span, shape (B,).

    Returns:
        shape (sum of the sizes,); starts 5, 9 and sizes 3, 2 give 5, 6, 7, 9, 10.
    """
    within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    indices: npt.NDArray[np.int64] = np.repeat(starts, sizes) + within
    return indices


def map_arrays(path: Path) -> Arrays:
    """The arrays of a safetensors file, mapped into memory: a page is read when it is touched.

    (The library's own reader copies an array before it is sliced.)
    """
    # a plain array, because slicing a memmap costs more than the work on the slice
    content = np.asarray(np.memmap(path, dtype=np.uint8, mode="r"))
    data_start = 8 + int.from_bytes(content[:8].tobytes(), "little")
    header = json.loads(content[8:data_start].tobytes())
    arrays: Arrays = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        start, stop = entry["data_offsets"]
        data = content[data_start + start : data_start + stop]
        arrays[name] = data.view(_DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return arrays
