"""Say what a run reads: in the log, and in data_report.json and tokenizer_report.json."""

from __future__ import annotations

import logging
from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from mtcli.config.schema.root import TrainConfig
from mtcli.data.held_out_choice import HeldOut
from mtcli.data.holdout import HoldOutRule
from mtcli.data.sources import read_pairs
from mtcli.data.store import Store, report_of
from mtcli.errors import RunFolderError
from mtcli.folders import read_json, write_json
from mtcli.runs.folder import RunFolder
from mtcli.tokenizer.losses import Losses, name_of
from mtcli.tokenizer.report import describe_losses, report
from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer

logger = logging.getLogger(__name__)

_REPORT_SENTENCES = 2_000
"""Enough for a rate; 20,000 took 1.5 s of every start (2026-11-23, EPYC Zen 4)."""
_TOKENIZER_REPORT_VERSION = 2
"""1 had the languages as keys, so that of two equal ones a report was missing."""


def describe_drops(drops: dict[str, int]) -> str:
    """Dropped pairs by reason, as text."""
    return ", ".join(f"{count} {reason}" for reason, count in drops.items() if count) or "none"


def report_store(store: Store, run: RunFolder, rule: HoldOutRule, held_out: HeldOut) -> None:
    """Log and save what is in the store, and how pairs were held out."""
    meta = store.meta
    logger.info(
        "%d training pairs of %d read (dropped: %s); %d source and %d target tokens, EOS included",
        meta.num_pairs,
        meta.num_read,
        describe_drops(meta.drops),
        meta.num_src_tokens + meta.num_pairs,
        meta.num_tgt_tokens + meta.num_pairs,
    )
    if meta.num_blank_lines:
        logger.info("data.train: dropped %d blank lines", meta.num_blank_lines)
    for warning in meta.warnings:
        logger.warning("data.train: %s", warning)
    write_json(
        run.path / "data_report.json",
        {
            "format_version": 1,
            "store": str(store.path),
            "hold_out": {
                "rule": rule,
                "num_pairs": len(held_out.pairs),
                "num_same": held_out.num_same,
            },
        }
        | report_of(meta)
        | {"length_counts": {side: _counted(store.lengths(side)) for side in ("src", "tgt")}},
    )


def _counted(lengths: npt.NDArray[np.int32]) -> list[tuple[int, int]]:
    """Each length, and how often it comes; shortest first."""
    counts = np.bincount(lengths)
    return [(int(length), int(counts[length])) for length in counts.nonzero()[0]]


def hold_out_rule(run: RunFolder) -> HoldOutRule:
    """The rule by which a run holds pairs out: the one that it began with, perhaps an old one."""
    if not (run.all_checkpoints() or run.all_models()):
        return "content"
    try:
        report = read_json(run.path / "data_report.json", RunFolderError)
    except RunFolderError:
        return "content"
    held_out = report.get("hold_out", {}) if isinstance(report, dict) else None
    rule = held_out.get("rule") if isinstance(held_out, dict) else "content"
    is_old = rule != "content"
    return "number" if is_old else "content"


def report_tokenizers(
    config: TrainConfig,
    run: RunFolder,
    src: SentencePieceTokenizer,
    tgt: SentencePieceTokenizer,
    count: Callable[[], Losses],
) -> None:
    """Log and save how the tokenizers encode the training text, once for each run.

    Args:
        config: the training text and its languages.
        run: the folder for the report.
        src: the source's tokenizer.
        tgt: the target's.
        count: counts what `tgt` cannot give back of the training text.

    Raises:
        DataError: the training text cannot be read.
    """
    path = run.path / "tokenizer_report.json"
    if path.exists():
        return
    reports: dict[str, dict[str, Any]] = {}
    src_texts, tgt_texts = zip(
        *islice(read_pairs(config.data.train), _REPORT_SENTENCES), strict=True
    )
    # by side, because both may have one language
    for side, lang, tokenizer, texts in (
        ("src", config.src_lang, src, src_texts),
        ("tgt", config.tgt_lang, tgt, tgt_texts),
    ):
        numbers = report(tokenizer, texts)
        reports[side] = {
            "lang": lang,
            "normalization": tokenizer.normalization,
            "num_sentences": numbers.num_sentences,
            "unknown_rate": numbers.unknown_rate,
            "pieces_per_word": numbers.pieces_per_word,
            "round_trip_failures": numbers.num_failures,
        }
        logger.info(
            "tokenizer on %d %s sentences (%s): normalization %s, %.2f pieces per word, %.4f %%"
            " unknown, %d round trips failed",
            numbers.num_sentences,
            {"src": "source", "tgt": "target"}[side],
            lang,
            tokenizer.described_normalization,
            numbers.pieces_per_word,
            100 * numbers.unknown_rate,
            numbers.num_failures,
        )
    losses = count()
    for line in describe_losses(losses, tgt):
        logger.warning("%s", line)
    content = {
        "format_version": _TOKENIZER_REPORT_VERSION,
        "reports": reports,
        "target_losses": _losses_as_json(losses),
    }
    write_json(path, content)


def _losses_as_json(losses: Losses) -> dict[str, Any]:
    """What the report says of target sentences that cannot come back."""
    return {
        "num_sentences": losses.num_sentences,
        "num_changed": losses.num_changed,
        "num_only_invisible": losses.num_only_invisible,
        "characters": [
            {"character": char, "name": name_of(char), "count": count}
            for char, count in losses.characters
        ],
    }
