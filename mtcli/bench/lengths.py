"""Measure how the cost of configs grows with the length of the source, in fresh processes."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mtcli.bench.jobs import Job, run_job
from mtcli.bench.variants import Variant
from mtcli.config.dump import dump_config
from mtcli.config.flops import forward_flops, training_flops
from mtcli.config.schema.root import TrainConfig
from mtcli.errors import ConfigError
from mtcli.system.temporary import temporary_folder

logger = logging.getLogger(__name__)

FORMAT_VERSION = 1
TGT_LENGTH = 64
"""Target pieces, whatever the length of the source."""
MEASURED = ("encode_s", "train_step_s", "decode_step_s", "peak_bytes", "encode_peak_bytes")


def parse_lengths(text: str) -> list[int]:
    """The lengths of `256,512,...`, in ascending order.

    Raises:
        ConfigError: there are fewer than two, or one is not a whole number above 1.
    """
    parts = [part.strip() for part in text.split(",")]
    lengths = sorted({int(part) for part in parts if part.isdecimal()})
    if not all(part.isdecimal() for part in parts) or len(lengths) < 2 or lengths[0] < 2:
        raise ConfigError(
            f"`{text}` is not a valid list for `--lengths`",
            hint="use two or more whole numbers from 2 on, for example `--lengths 256,512,1024`",
        )
    return lengths


def bench_lengths(
    variants: Sequence[Variant], lengths: Sequence[int], repeats: int
) -> dict[str, Any]:
    """Measure all variants at all lengths; returns a report of plain values, ready for JSON.

    A batch has as many source pieces at every length, those of one sentence of the longest.

    Args:
        variants: what is compared; what their data is does not matter.
        lengths: source pieces, ascending.
        repeats: how often each is measured; the least counts.

    Raises:
        MtcliError: a config or its device is wrong.
    """
    variants = [
        replace(variant, config=_made_long(variant.config, lengths)) for variant in variants
    ]
    all_work = sum(_work(variant.config, length) for variant in variants for length in lengths)
    num_all = len(variants) * len(lengths)
    logger.info("measuring %d lengths of %d configs", len(lengths), len(variants))
    rows: list[list[dict[str, Any]]] = [[] for _ in variants]
    done_work, spent_s = 0.0, 0.0
    with temporary_folder(prefix="mtcli-bench-") as temporary:
        for length in lengths:  # the shortest first, which tell how long the others will take
            for variant, own in zip(variants, rows, strict=True):
                began_s = time.monotonic()
                row = _measure(variant, length, lengths[-1], repeats, Path(temporary))
                own.append(row)
                done_work += _work(variant.config, length)
                spent_s += time.monotonic() - began_s
                logger.info(
                    "%d of %d, %s at %d pieces: %.2f ms a sentence to encode, %.2f ms to train on;"
                    " about %s left",
                    sum(map(len, rows)),
                    num_all,
                    variant.label or "config",
                    length,
                    1e3 * row["encode_s"],
                    1e3 * row["train_step_s"],
                    _described(spent_s * (all_work / done_work - 1)),
                )
    return {
        "format_version": FORMAT_VERSION,
        "tgt_length": TGT_LENGTH,
        "configs": [
            {"label": variant.label, "lengths": own, "exponents": exponents_of(own)}
            for variant, own in zip(variants, rows, strict=True)
        ],
    }


def exponents_of(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """With which power of the length each figure grows: the slope of the logarithms.

    A least-squares fit over all lengths; figures that are 0 or below have no power.
    """
    x = [math.log(row["length"]) for row in rows]
    mean_x = sum(x) / len(x)
    exponents = {}
    for name in MEASURED:
        if any(row[name] <= 0 for row in rows):
            continue
        y = [math.log(row[name]) for row in rows]
        mean_y = sum(y) / len(y)
        covariance = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
        exponents[name.removesuffix("_s").removesuffix("_bytes")] = covariance / sum(
            (a - mean_x) ** 2 for a in x
        )
    return exponents


def _made_long(config: TrainConfig, lengths: Sequence[int]) -> TrainConfig:
    """The same config with positions for the longest source."""
    longest = max(config.model.max_positions, lengths[-1], TGT_LENGTH)
    return replace(config, model=replace(config.model, max_positions=longest))


def _measure(
    variant: Variant, length: int, longest: int, repeats: int, folder: Path
) -> dict[str, Any]:
    config_file = folder / "config.yaml"
    config_file.write_text(dump_config(variant.config), encoding="utf-8")
    job = Job(
        kind="length",
        config=str(config_file),
        result=str(folder / "result.json"),
        steps=repeats,
        num_sentences=max(1, longest // length),
        length=length,
        tgt_length=TGT_LENGTH,
    )
    return run_job(job, threads=variant.threads)


def _work(config: TrainConfig, length: int) -> float:
    """Operations of a measurement, per piece: what its time is roughly proportional to."""
    pair, num_pieces = [(length, TGT_LENGTH)], config.tokenizer.num_pieces
    flops = forward_flops(config.model, num_pieces, pair)
    return (flops + training_flops(config.model, num_pieces, pair)) / length


def _described(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
