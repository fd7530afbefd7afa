"""The tokenized training pairs on disk, mapped into memory, so that opening them is fast."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from mtcli.data.mapped import map_arrays
from mtcli.errors import DataError
from mtcli.folders import MANIFEST, read_json, refuse_newer_format, verify_folder

META = "store.json"
LENGTHS = "lengths.safetensors"
DOCUMENTS = "documents.safetensors"
_VERIFIED = ".verified"
"""Folder beside the stores that remembers which large files were hashed."""

Side: TypeAlias = Literal["src", "tgt"]


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


class DamagedStoreError(DataError):
    """The files of a store are not what was written; it can be built again."""


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
        self.src_lengths = _of_pairs(path / LENGTHS, "src_lengths", meta)
        """Pieces of every source, EOS not counted; shape (num_pairs,)."""
        self.tgt_lengths = _of_pairs(path / LENGTHS, "tgt_lengths", meta)
        """Pieces of every target, EOS not counted; shape (num_pairs,)."""
        file = path / DOCUMENTS
        self.documents: npt.NDArray[np.int32] | None = None
        """The number of every pair's document, which never falls, shape (num_pairs,); None if the
        pairs were read one by one."""
        if file.is_file():
            self.documents = _of_pairs(file, "documents", meta)
        self._first_pairs = np.cumsum([0, *meta.shard_sizes])[:-1]
        # all at once: a store that another process replaces stays what it is for this one
        self._shards = [
            map_arrays(path / shard_name(i), DamagedStoreError)
            for i in range(len(meta.shard_sizes))
        ]
        self._check_shards()

    def text(self, side: Side, pair: int) -> str:
        """One side of a pair, normalized by its tokenizer."""
        shard, row = self._locate(pair)
        start, stop = self._shards[shard][f"{side}_text_offsets"][row : row + 2]
        text = bytes(self._shards[shard][f"{side}_text"][int(start) : int(stop)])
        try:
            return text.decode("utf-8")
        except UnicodeDecodeError:
            raise self._damaged(f"the text of pair {pair} is not UTF-8") from None

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
            arrays = self._shards[shard]
            rows = pairs[is_here] - self._first_pairs[shard]
            sizes = lengths[is_here]
            try:
                ids = arrays[f"{side}_ids"][spans(arrays[f"{side}_offsets"][rows], sizes)]
            except IndexError:
                raise self._damaged(f"shard {shard} ends before its last pair") from None
            flat[spans(out_starts[is_here], sizes)] = ids
        return flat

    def _check_shards(self) -> None:
        """Check that sizes agree, whatever the contents are: nothing is read of a shard here."""
        for side in ("src", "tgt"):
            num_ids = 0
            for index, (arrays, size) in enumerate(
                zip(self._shards, self.meta.shard_sizes, strict=True)
            ):
                found = {name: arrays[name].shape for name in arrays if name.startswith(side)}
                offsets = (f"{side}_offsets", f"{side}_text_offsets")
                flat = (f"{side}_ids", f"{side}_text")
                if any(found.get(name) != (size + 1,) for name in offsets) or any(
                    len(found.get(name, ())) != 1 for name in flat
                ):
                    raise self._damaged(f"shard {index} has other arrays")
                num_ids += found[f"{side}_ids"][0]
            if num_ids != int(self.lengths(side).sum(dtype=np.int64)):
                raise self._damaged("its lengths are not those of its ids")

    def _damaged(self, what: str) -> DamagedStoreError:
        return DamagedStoreError(f"{self.path} is damaged: {what}")

    def _locate(self, pair: int) -> tuple[int, int]:
        """Shard of a pair, and its row there."""
        shard = int(np.searchsorted(self._first_pairs, pair, side="right")) - 1
        return shard, pair - int(self._first_pairs[shard])


def open_store(path: Path) -> Store:
    """Open the store in a folder, after a check of its files: names, sizes and SHA-256.

    A large file that has not changed is hashed once a day: see `VerifiedFiles`.

    Raises:
        DamagedStoreError: the folder is not a store, or not what was written.
        DataError: the store has a newer format, or may not be read.
    """
    _refuse_newer(path)
    verify_folder(
        path, error=DamagedStoreError, required=[META, LENGTHS], memory=path.parent / _VERIFIED
    )
    content = read_json(path / META, DamagedStoreError)
    names = {entry.name for entry in fields(StoreMeta)}
    required = names - {"examples", "src_characters", "warnings", "num_blank_lines"}
    if not isinstance(content, dict) or not required <= content.keys():
        raise DamagedStoreError(
            f"{path / META} is damaged: it must have {', '.join(sorted(required))}"
        )
    meta = _checked(path / META, {name: content[name] for name in names & content.keys()})
    if sum(meta.shard_sizes) != meta.num_pairs or any(size < 0 for size in meta.shard_sizes):
        raise DamagedStoreError(f"{path / META} is damaged: its shards have other sizes")
    return Store(path, meta)


def _refuse_newer(path: Path) -> None:
    """Refuse what a newer mtcli has written, before it is taken for damage and built again."""
    with suppress(DamagedStoreError):
        manifest = read_json(path / MANIFEST, DamagedStoreError)
        version = manifest.get("format_version") if isinstance(manifest, dict) else None
        if isinstance(version, int):
            refuse_newer_format(path, version, DataError)


def _checked(path: Path, content: dict[str, object]) -> StoreMeta:
    """The content of `store.json`, every value of its type."""
    from pydantic import TypeAdapter, ValidationError

    try:
        # as JSON, because a strict object of Python would have to be a StoreMeta already
        return TypeAdapter(StoreMeta).validate_json(json.dumps(content), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise DamagedStoreError(f"{path} is damaged at `{where}`: {first['msg']}") from None


def _of_pairs(path: Path, name: str, meta: StoreMeta) -> npt.NDArray[np.int32]:
    """A number for each pair; none is negative, because memory is allocated by lengths."""
    numbers = map_arrays(path, DamagedStoreError).get(name)
    if numbers is None or numbers.shape != (meta.num_pairs,) or numbers.dtype != np.int32:
        raise DamagedStoreError(f"{path} is damaged: it has other `{name}`")
    whole: npt.NDArray[np.int32] = numbers  # type: ignore[assignment]
    if np.any(whole < 0):
        raise DamagedStoreError(f"{path} is damaged: `{name}` has a negative number")
    return whole


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
