"""Fingerprints of corpora: hashes that change when a byte of a source changes."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from mtcli.config.schema.data import (
    DelimitedSource,
    HubSource,
    JsonLinesSource,
    Source,
    SpreadsheetSource,
    TableSource,
    TextSource,
    TmxSource,
)
from mtcli.data.delimited import find_layout
from mtcli.data.lines import unreadable
from mtcli.data.sources import local_paths, refuse_pipe
from mtcli.data.tables import hub_fingerprint
from mtcli.errors import DataError, RunFolderError
from mtcli.folders import read_sealed_json, sha256_of, write_sealed_json

_CACHE = "fingerprints.json"
_SETTLED_AFTER_NS = 2_000_000_000
"""The hash of a younger file is not cached: it may change again within one tick of its clock."""


def fingerprint(sources: Sequence[Source], cache_dir: Path) -> str:
    """SHA-256, in hexadecimal, of the contents of all sources and the choice of their columns.

    The names and places of files do not matter. The hash of a file is cached in
    `cache_dir/fingerprints.json` under its path, its size, and all by which the file system shows
    that it was written or replaced. A cache that cannot be written is only slower.

    Raises:
        DataError: a file is missing or unreadable, or a data set is not available.
    """
    cache_path = cache_dir / _CACHE
    known = _read_cache(cache_path)
    entries = dict(known)
    described = [_describe(source, entries) for source in sources]
    if entries != known:
        with suppress(RunFolderError):  # a cache that others prepared may be read-only
            write_sealed_json(cache_path, entries)
    return hashlib.sha256(json.dumps(described).encode("utf-8")).hexdigest()


def _describe(source: Source, entries: dict[str, str]) -> list[object]:
    """Everything that decides which pairs a source gives."""
    hashes = [_hash_of(path, entries) for path in local_paths(source)]
    match source:
        case TextSource():
            return ["text", *hashes, *_unless("encoding", source.encoding, "utf-8")]
        case DelimitedSource():
            return [source.kind, *hashes, *source.columns, *_reading(source)]
        case SpreadsheetSource():
            return ["xlsx", *hashes, source.sheet, *source.columns, source.header]
        case TmxSource():
            return ["tmx", *hashes, source.src_lang, source.tgt_lang]
        case JsonLinesSource():
            how = [
                *_unless("encoding", source.encoding, "utf-8"),
                *_unless("bad_lines", source.bad_lines, "refuse"),
            ]
            return ["jsonl", *hashes, source.src_field, source.tgt_field, *how]
        case TableSource():
            return [source.kind, *hashes, source.src_field, source.tgt_field]
        case HubSource():
            fields = (source.split, source.src_field, source.tgt_field)
            return ["hub", source.name, source.subset, hub_fingerprint(source), *fields]


def _reading(source: DelimitedSource) -> list[object]:
    """How the file is read, as far as mtcli 0.1 would have read it otherwise."""
    delimiter, has_quotes, columns = find_layout(source)
    is_named = any(isinstance(column, str) for column in source.columns)
    usual_delimiter, usual_quotes = (",", True) if source.kind == "csv" else ("\t", False)
    return [
        *_unless("delimiter", delimiter, usual_delimiter),
        *_unless("quoting", has_quotes, usual_quotes),
        *_unless("header", columns.has_header, is_named),
        *_unless("encoding", source.encoding, "utf-8"),
        *_unless("bad_lines", source.bad_lines, "refuse"),
    ]


def _unless(key: str, value: object, usual: object) -> list[object]:
    """The key and its value, unless that is the usual one."""
    return [] if value == usual else [key, value]


def _hash_of(path: Path, entries: dict[str, str]) -> str:
    try:
        refuse_pipe(path)
        status = path.stat()
        # `cp -p`, `rsync -t` and archives set the time of writing, but none can set the other two
        times = f"{status.st_mtime_ns}:{status.st_ctime_ns}:{status.st_ino}"
        key = f"{path.absolute()}:{status.st_size}:{times}"
        if key in entries:
            return entries[key]
        digest = sha256_of(path)
    except OSError as error:
        raise DataError(unreadable(path, error)) from None
    if time.time_ns() - status.st_mtime_ns > _SETTLED_AFTER_NS:
        entries[key] = digest
    return digest


def _read_cache(path: Path) -> dict[str, str]:
    """The cached hashes; none if the cache is missing or damaged, as it can be made again."""
    try:
        cache = read_sealed_json(path, DataError)
    except DataError:
        return {}
    is_cache = isinstance(cache, dict) and all(isinstance(item, str) for item in cache.values())
    return cache if is_cache else {}
