"""Build a store: read, clean and tokenize the corpus, and write it in shards."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from itertools import islice
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from mtcli.config.schema.data import DataConfig
from mtcli.data.documents import noting_documents, read_documents
from mtcli.data.dropped import Dropped
from mtcli.data.fingerprint import fingerprint
from mtcli.data.held_out_choice import Indices
from mtcli.data.holdout import read_training
from mtcli.data.kept_documents import KeptDocuments
from mtcli.data.rules.chosen import BAD_LINE, REASONS, first_reason, length_rules, text_rules
from mtcli.data.store import (
    DOCUMENTS,
    LENGTHS,
    META,
    DamagedStoreError,
    Store,
    StoreMeta,
    open_store,
    shard_name,
)
from mtcli.data.tokenized_side import TokenizedSide, regroup, tokenized_side
from mtcli.errors import DataError, RunFolderError
from mtcli.folders import new_folder, remove_folder, remove_leftovers, sha256_of, write_json
from mtcli.system.cores import num_cores
from mtcli.tokenizer.protocol import Tokenizer

SHARD_SIZE = 2**20
"""Pairs of a shard; the last one has fewer."""

_CHUNK_SIZE = 10_000
"""Pairs that are tokenized at once, so that memory stays bounded for any corpus."""
_EXAMPLE_CHARACTERS = 200
_RULES_VERSION = 1
"""Raise it if the same sources, tokenizer and config would give another store."""

_log = logging.getLogger(__name__)


def open_or_build(
    config: DataConfig,
    holdout: Indices,
    *,
    cache_dir: Path,
    tokenizers: tuple[Tokenizer, Tokenizer],
    tokenizer_files: Sequence[Path],
    watch: Callable[[Iterator[tuple[str, str]]], Iterator[tuple[str, str]]] = iter,
) -> Store:
    """Open the store of the training pairs in `cache_dir`, or build it first.

    A damaged one is built again, with a warning. Two processes may build the same store at once:
    one of them wins, and both use what it made.

    Args:
        config: sources and rules.
        holdout: indices of the training pairs that are held out, or equal those that are.
        cache_dir: folder of all stores; each is named after its fingerprint.
        tokenizers: that of the source and that of the target.
        tokenizer_files: the model files of these tokenizers.
        watch: returns the pairs that it is given; it may count them.

    Raises:
        DataError: as `read_pairs`; no pair is left; the existing store may not be read, or is of a
            newer format.
        RunFolderError: the store cannot be written, or a damaged one not removed.
    """
    path = cache_dir / _key(config, holdout, cache_dir, tokenizer_files)[:16]
    remove_leftovers(cache_dir)
    if os.path.lexists(path):
        found = path.lstat()
        try:
            return open_store(path)
        except DamagedStoreError as error:
            if _is_unreadable(error):
                raise
            _log.warning("a tokenized store is damaged, and is built again: %s", error.sentence)
            _discard(path, found)
    _log.info("tokenizing the training pairs: %s", path)
    dropped = Dropped()
    if config.documents is None:
        pairs, numbers = read_training(config, holdout, dropped), None
    else:
        numbers = deque[int]()
        pairs = noting_documents(read_documents(config.train, config.documents, dropped), numbers)
    try:
        build_store(
            watch(pairs),
            dropped=dropped,
            tokenizers=tokenizers,
            config=config,
            path=path,
            documents=numbers,
        )
    except RunFolderError:
        if not path.is_dir():  # if it is there, another process was faster
            raise
    try:
        return open_store(path)
    except DamagedStoreError as error:
        raise DataError(
            error.sentence, hint=f"remove {path}; the next start builds it again"
        ) from error


def _is_unreadable(error: DamagedStoreError) -> bool:
    """Whether the system refuses to read a store, which says nothing about its content."""
    cause = error.__cause__
    return isinstance(cause, OSError) and not isinstance(cause, FileNotFoundError)


def _discard(path: Path, found: os.stat_result) -> None:
    """Remove a damaged store, unless another process has replaced it in the meantime.

    Args:
        path: the store.
        found: status of the folder that was found damaged.

    Raises:
        RunFolderError: it cannot be removed.
    """
    with suppress(FileNotFoundError):
        now = path.lstat()
        # the number of a folder that was removed is soon that of another
        if (now.st_ino, now.st_ctime_ns) == (found.st_ino, found.st_ctime_ns):
            remove_folder(path)


def build_store(
    pairs: Iterable[tuple[str, str]],
    *,
    tokenizers: tuple[Tokenizer, Tokenizer],
    config: DataConfig,
    path: Path,
    dropped: Dropped | None = None,
    shard_size: int = SHARD_SIZE,
    documents: deque[int] | None = None,
) -> None:
    """Write a new store of the pairs that the rules keep.

    Args:
        pairs: source and target text.
        tokenizers: that of the source and that of the target.
        config: the rules.
        path: the store's folder; must not exist.
        dropped: what the readers of the pairs leave out, complete once all pairs are read.
        shard_size: pairs of a shard.
        documents: the number of the document of each pair that was read and is not yet tokenized,
            taken from here; None if pairs are read one by one.

    Raises:
        DataError: no pair is left.
        RunFolderError: `path` exists or cannot be written.
    """
    drops = _Drops()
    characters: set[str] = set()
    kept_documents = None if documents is None else KeptDocuments(documents)
    with new_folder(path) as folder:
        encoded = _encode(pairs, tokenizers, config, drops, kept_documents)
        chunks = _noting(characters, encoded)
        src_lengths, tgt_lengths = [], []
        for shard, (src, tgt) in enumerate(regroup(chunks, shard_size)):
            save_file(src.arrays("src") | tgt.arrays("tgt"), folder / shard_name(shard))
            src_lengths.append(src.lengths)
            tgt_lengths.append(tgt.lengths)
        shard_sizes = [len(lengths) for lengths in src_lengths]
        num_pairs = sum(shard_sizes)
        if dropped is not None:
            drops.counts[BAD_LINE] += dropped.num_unusable
        if num_pairs == 0:
            counts = drops.counts.items()
            reasons = ", ".join(f"{count} {reason}" for reason, count in counts if count)
            raise DataError(
                f"all {sum(drops.counts.values())} training pairs were dropped: {reasons}",
                hint="check the corpus, and the cleaning rules in the `data` section",
            )
        all_src, all_tgt = np.concatenate(src_lengths), np.concatenate(tgt_lengths)
        save_file({"src_lengths": all_src, "tgt_lengths": all_tgt}, folder / LENGTHS)
        if kept_documents is not None:
            save_file({"documents": kept_documents.numbers()}, folder / DOCUMENTS)
        meta = StoreMeta(
            num_read=num_pairs + sum(drops.counts.values()),
            num_pairs=num_pairs,
            drops=drops.counts,
            shard_sizes=shard_sizes,
            num_src_tokens=int(all_src.sum()),
            num_tgt_tokens=int(all_tgt.sum()),
            longest_src=int(all_src.max()),
            longest_tgt=int(all_tgt.max()),
            max_length=config.max_length,
            src_characters="".join(sorted(characters)),
            examples=drops.examples,
            warnings=[] if dropped is None else list(dropped.warnings()),
            num_blank_lines=0 if dropped is None else dropped.num_blank,
        )
        write_json(folder / META, asdict(meta))


class _Drops:
    """How many pairs were dropped for each reason, and the first of each."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(REASONS, 0)
        self.examples: dict[str, list[str]] = {}

    def add(self, reason: str, pair: tuple[str, str]) -> None:
        """Count a pair."""
        self.counts[reason] += 1
        if reason not in self.examples:
            self.examples[reason] = [text.strip()[:_EXAMPLE_CHARACTERS] for text in pair]


def _encode(
    pairs: Iterable[tuple[str, str]],
    tokenizers: tuple[Tokenizer, Tokenizer],
    config: DataConfig,
    drops: _Drops,
    documents: KeptDocuments | None,
) -> Iterator[tuple[TokenizedSide, TokenizedSide]]:
    """Clean and tokenize chunk by chunk, and count dropped pairs in `drops`."""
    pairs = iter(pairs)
    for_texts, for_lengths = text_rules(config), length_rules(config)
    num_threads = num_cores()
    while chunk := list(islice(pairs, _CHUNK_SIZE)):
        texts: list[tuple[str, str]] = []
        rows: list[int] = []
        for row, (src, tgt) in enumerate(chunk):
            if documents is not None and not src.strip() and not tgt.strip():
                continue  # the end of a document, not a pair
            reason = first_reason(for_texts, src.strip(), tgt.strip())
            if reason is None:
                texts.append((src, tgt))
                rows.append(row)
            else:
                drops.add(reason, (src, tgt))
        (src_texts, src_ids), (tgt_texts, tgt_ids) = (
            tokenizer.normalize_and_encode([pair[side] for pair in texts], num_threads)
            for side, tokenizer in enumerate(tokenizers)
        )
        kept = []
        for row in range(len(texts)):
            reason = first_reason(for_lengths, len(src_ids[row]), len(tgt_ids[row]))
            if reason is None:
                kept.append(row)
            else:
                drops.add(reason, texts[row])
        if documents is not None:
            documents.add(len(chunk), [rows[row] for row in kept])
        yield (
            tokenized_side(src_ids, src_texts, kept, tokenizers[0].vocab_size),
            tokenized_side(tgt_ids, tgt_texts, kept, tokenizers[1].vocab_size),
        )


def _noting(
    characters: set[str], chunks: Iterable[tuple[TokenizedSide, TokenizedSide]]
) -> Iterator[tuple[TokenizedSide, TokenizedSide]]:
    """The same chunks; the characters of their sources are added to `characters`."""
    for src, tgt in chunks:
        characters.update(src.text.tobytes().decode("utf-8"))
        yield src, tgt


def _key(
    config: DataConfig, holdout: Indices, cache_dir: Path, tokenizer_files: Sequence[Path]
) -> str:
    """A hash of everything that decides the content of the store."""
    content = {
        "rules_version": _RULES_VERSION,
        "sources": fingerprint(config.train, cache_dir),
        "holdout": hashlib.sha256(holdout.tobytes()).hexdigest(),
        "tokenizers": [sha256_of(path) for path in tokenizer_files],
        "max_length": config.max_length,
        "max_length_ratio": config.max_length_ratio,
        "drop_identical": config.drop_identical,
        "drop_duplicates": config.drop_duplicates,
    }
    if config.documents is not None:
        content["documents"] = config.documents.column
    return hashlib.sha256(json.dumps(content).encode("ascii")).hexdigest()
