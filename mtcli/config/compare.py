"""Compare two configs: which keys differ, and which of them make it a different run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from mtcli.config.dump import plain_values
from mtcli.config.problems import KeyPath, dotted

if TYPE_CHECKING:
    from mtcli.config.schema.root import TrainConfig

IDENTITY_PREFIXES = (
    "src_lang",
    "tgt_lang",
    "seed",
    "data",
    "tokenizer",
    "model",
    "optim.kind",
    "batch.tokens_per_update",
    "training.ema_decay",
    "training.init_from",
    "training.init_tokenizer",
    "training.freeze",
    "regularization",
)
"""Keys and sections that define the identity of a run; see `identity_differences`."""

FREE_WITHIN_IDENTITY = (
    "data.root",
    "data.valid",
    "data.cache_dir",
    "data.prefetch_batches",
    "tokenizer.src_normalization",
    "tokenizer.tgt_normalization",
    "regularization.rdrop",
    "regularization.layer_dropout",
)
"""Exceptions from IDENTITY_PREFIXES."""

_ABSENT = object()


def differences(old: TrainConfig, new: TrainConfig) -> list[str]:
    """Dotted keys whose values differ, in the order of the schema.

    A key or list entry that only one of the configs has (another `kind`, one source more) is
    named, too. Lists of plain values count as one value.
    """
    return [dotted(path) for path in _differing(plain_values(old), plain_values(new), ())]


def _differing(old: Any, new: Any, path: KeyPath) -> Iterator[KeyPath]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in dict.fromkeys([*old, *new]):
            yield from _differing(old.get(name, _ABSENT), new.get(name, _ABSENT), (*path, name))
    elif _holds_sections(old) and _holds_sections(new):
        for place, (one, other) in enumerate(zip_longest(old, new, fillvalue=_ABSENT)):
            yield from _differing(one, other, (*path, place))
    elif old != new:
        yield path


def _holds_sections(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)


def identity_differences(old: TrainConfig, new: TrainConfig) -> list[str]:
    """Dotted keys that differ and make `new` another run than `old`.

    Identity is what decides which updates are made on which numbers: languages, seed, data,
    tokenizer, model, the kind of optimizer, `batch.tokens_per_update` (it cuts the data into
    updates), what `regularization` does to the data (R-Drop and layer dropout are free), and
    `training.ema_decay` (the average is part of the state). The rest is free:
    stop conditions, device and precision, micro-batches (`batch.max_tokens`), logging,
    validation, decoding, checkpoints, `run_dir`, and the knobs of the optimizer, the schedule
    and the loss, which may be turned on the way.

    Normalization is free because it is that of the tokenizer, which is trained once; a checkpoint
    refuses another tokenizer by its hash.

    Of the data, prefetching and `cache_dir` are free, and `root`, whose work is done in a
    resolved config. `data.valid` is free as long as both have validation sources or both hold
    pairs out: otherwise the held-out pairs leave or join the training data.
    """
    keys = [
        key
        for key in differences(old, new)
        if _is_within(key, IDENTITY_PREFIXES) and not _is_within(key, FREE_WITHIN_IDENTITY)
    ]
    if (old.data.valid is None) != (new.data.valid is None):
        keys.append("data.valid")
    return keys


def _is_within(key: str, prefixes: Iterable[str]) -> bool:
    return any(key == prefix or key.startswith((f"{prefix}.", f"{prefix}[")) for prefix in prefixes)
