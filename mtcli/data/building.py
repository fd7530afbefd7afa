"""Build a store: read, clean and tokenize the corpus, and write it in shards."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from mtcli.config.schema.data import DataConfig
from mtcli.data.dropped import Dropped
from mtcli.data.fingerprint import fingerprint
from mtcli.data.held_out_choice import Indices
from mtcli.data.holdout import read_training
from mtcli.data.rules.chosen import BAD_LINE, REASONS, first_reason, length_rules, text_rules
from mtcli.data.store import LENGTHS, META, Store, StoreMeta, open_store, shard_name
from mtcli.data.tokenized_side import TokenizedSide, regroup, tokenized_side
from mtcli.errors import DataError, RunFolderError
from mtcli.folders import new_folder, remove_leftovers, sha256_of, write_json
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

    Two processes may build the same store at once: one of them wins, and both use what it made.

    Args:
        config: sources and rules.
        holdout: indices of the training pairs that are held out, or equal those that are.
        cache_dir: folder of all stores; each is named after its fingerprint.
        tokenizers: that of the source and that of the target.
        tokenizer_files: the model files of these tokenizers.
        watch: returns the pairs that it is given; it may count them.

    Raises:
        DataError: as `read_pairs`; no pair is left; the existing store is damaged.
        RunFolderError: the store cannot be written.
    """
    path = cache_dir / _key(config, holdout, cache_dir, tokenizer_files)[:16]
    remove_leftovers(cache_dir)
    if not path.exists():
        _log.info("tokenizing the training pairs: %s", path)
        dropped = Dropped()
        pairs = watch(read_training(config, holdout, dropped))
        try:
            build_store(pairs, dropped=dropped, tokenizers=tokenizers, config=config, path=path)
        except RunFolderError:
            if not path.is_dir():  # if it is there, another process was faster
                raise
    try:
        return open_store(path)
    except DataError as error:
        raise DataError(
            error.sentence, hint=f"remove {path}; the next start builds it again"
        ) from error


def build_store(
    pairs: Iterable[tuple[str, str]],
    *,
    tokenizers: tuple[Tokenizer, Tokenizer],
    config: DataConfig,
    path: Path,
    dropped: Dropped | None = None,
    shard_size: int = SHARD_SIZE,
) -> None:
    """Write a new store of the pairs that the rules keep.

    Args:
        pairs: source and target text.
        tokenizers: that of the source and that of the target.
        config: the rules.
        path: the store's folder; must not exist.
        dropped: what the readers of the pairs leave out, complete once all pairs are read.
        shard_size: pairs of a shard.

    Raises:
        DataError: no pair is left.
        RunFolderError: `path` exists or cannot be written.
    """
    drops = _Drops()
    characters: set[str] = set()
    with new_folder(path) as folder:
        chunks = _noting(characters, _encode(pairs, tokenizers, config, drops))
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
) -> Iterator[tuple[TokenizedSide, TokenizedSide]]:
    """Clean and tokenize chunk by chunk, and count dropped pairs in `drops`."""
    pairs = iter(pairs)
    for_texts, for_lengths = text_rules(config), length_rules(config)
    num_threads = num_cores()
    while chunk := list(islice(pairs, _CHUNK_SIZE)):
        texts: list[tuple[str, str]] = []
        for src, tgt in chunk:
            reason = first_reason(for_texts, src.strip(), tgt.strip())
            if reason is None:
                texts.append((src, tgt))
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
    return hashlib.sha256(json.dumps(content).encode("ascii")).hexdigest()
