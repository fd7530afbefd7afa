"""Count what the target tokenizer cannot give back of the training text, once for a text."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict
from itertools import islice
from pathlib import Path

from mtcli.config.schema.data import DataConfig
from mtcli.data.fingerprint import fingerprint
from mtcli.data.sources import read_pairs
from mtcli.errors import DataError, RunFolderError
from mtcli.folders import read_json, sha256_of, write_json
from mtcli.tokenizer.losses import Losses, count_losses
from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer

_FORMAT_VERSION = 1
"""Of the cached file. Raise it if the same text and tokenizer would give other counts."""
_NUM_SENTENCES = 100_000
"""They are read and normalized only, which takes 0.6 s (2026-11-29, Xeon)."""


def target_losses(
    config: DataConfig, cache_dir: Path, tokenizer: SentencePieceTokenizer, file: Path
) -> Losses:
    """The losses of the first target sentences.

    The counts are kept in `cache_dir`, under a hash of the text and of the tokenizer: reading the
    text took 6 % of the time to the first update of the demo.

    Args:
        config: the training sources.
        cache_dir: where counts are kept.
        tokenizer: the target's.
        file: its file.

    Raises:
        DataError: as `read_pairs`.
    """
    hashes = [fingerprint(config.train, cache_dir), sha256_of(file), tokenizer.normalization]
    key = json.dumps([_FORMAT_VERSION, _NUM_SENTENCES, *hashes]).encode("utf-8")
    path = cache_dir / f"losses_{hashlib.sha256(key).hexdigest()[:16]}.json"
    losses = _read(path)
    if losses is None:
        pairs = islice(read_pairs(config.train), _NUM_SENTENCES)
        losses = count_losses(tokenizer, (tgt for _, tgt in pairs))
        with suppress(RunFolderError):  # then the next start reads the text again
            write_json(path, {"format_version": _FORMAT_VERSION} | asdict(losses))
    return losses


def _read(path: Path) -> Losses | None:
    """The cached counts; None if there are none, or the file is damaged."""
    try:
        content = read_json(path, DataError)
        del content["format_version"]
        content["characters"] = tuple((char, count) for char, count in content["characters"])
        src, back = content["example"]
        return Losses(**content | {"example": (src, back)})
    except (DataError, KeyError, TypeError, ValueError):
        return None
