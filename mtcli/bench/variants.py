"""The variants that a benchmark compares: configs, overrides and varied keys."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mtcli.config.load import load_config
from mtcli.config.overrides import parse_values
from mtcli.config.schema.root import TrainConfig
from mtcli.errors import ConfigError
from mtcli.training.settling import settle

_PROCESS_KEYS = ("nproc", "threads")
"""What `vary` may name besides config keys."""


@dataclass(frozen=True)
class Variant:
    """One variant of a training run."""

    label: str
    config: TrainConfig
    nproc: int = 1
    threads: int | None = None
    """OMP_NUM_THREADS of each process; None keeps the environment's."""


def make_variants(
    configs: Sequence[Path],
    overrides: Sequence[str],
    varied: Sequence[str],
    *,
    nproc: int,
    threads: int | None,
) -> list[Variant]:
    """Every config in every combination of the varied keys.

    Args:
        configs: config files.
        overrides: `KEY=VALUE`, for all.
        varied: `KEY=V1,V2,...`; KEY is a config key, `nproc` or `threads`. A value with commas of
            its own stands in brackets or quotes, as in YAML.
        nproc: processes where they are not varied.
        threads: threads of each process where they are not varied; None leaves them.

    Raises:
        ConfigError: a config, an override or a varied key is wrong.
    """
    choices = [_choices(text) for text in varied]
    variants = []
    for path, chosen in itertools.product(configs, itertools.product(*choices)):
        processes = {"nproc": nproc, "threads": threads}
        own = list(overrides)
        for key, value in chosen:
            if key not in _PROCESS_KEYS:
                own.append(f"{key}={value}")
            elif value.isdecimal() and int(value) > 0:
                processes[key] = int(value)
            else:
                raise ConfigError(
                    f"`--vary {key}` must be a whole number, at least 1, found `{value}`"
                )
        names = [path.stem] if len(configs) > 1 or not chosen else []
        variants.append(
            Variant(
                label=" ".join([*names, *(f"{key}={value}" for key, value in chosen)]),
                config=settle(load_config(path, own)).config,
                nproc=processes["nproc"] or 1,
                threads=processes["threads"],
            )
        )
    return variants


def _choices(text: str) -> list[tuple[str, str]]:
    """The (key, value) pairs of `KEY=V1,V2,...`."""
    key, equals, values = text.partition("=")
    try:
        items = parse_values(key, values)
    except ConfigError:
        items = []
    if not equals or not items:
        raise ConfigError(
            f"`{text}` is not a valid `KEY=V1,V2` for `--vary`",
            hint="use for example `--vary training.precision=fp32,bf16`",
        )
    return [(key.strip(), _as_yaml(item)) for item in items]


def _as_yaml(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return json.dumps(value) if isinstance(value, dict) else str(value)
