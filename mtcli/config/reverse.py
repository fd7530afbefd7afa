"""Turn a config around: the same data, trained in the other direction."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mtcli.config.schema.data import Source
    from mtcli.config.schema.root import TrainConfig

SUFFIX = "-reverse"
"""Added to `run_dir`, so that both directions are kept."""


def reverse_config(config: TrainConfig) -> TrainConfig:
    """The same run from `tgt_lang` to `src_lang`, in a run folder of its own.

    What belongs to a language changes sides: files, columns, fields, and the tokenizers of
    `tokenizer.src_model` and `tokenizer.tgt_model`. What belongs to a side stays: subword sampling,
    normalization and noise treat a source as a source. `tokenizer.model` serves both directions.

    Args:
        config: a resolved config.
    """
    data, tokenizer = config.data, config.tokenizer
    return replace(
        config,
        src_lang=config.tgt_lang,
        tgt_lang=config.src_lang,
        run_dir=config.run_dir.with_name(config.run_dir.name + SUFFIX),
        data=replace(
            data,
            train=[_reversed(source) for source in data.train],
            valid=data.valid and [_reversed(source) for source in data.valid],
        ),
        tokenizer=replace(tokenizer, src_model=tokenizer.tgt_model, tgt_model=tokenizer.src_model),
    )


def _reversed(source: Source) -> Source:
    """The same source with every `src` field and its `tgt` twin exchanged."""
    names = {field.name for field in fields(source)}
    twins: dict[str, Any] = {}
    for name in names:
        twin = name.replace("src", "tgt") if "src" in name else name.replace("tgt", "src")
        if twin != name and twin in names:
            twins[name] = getattr(source, twin)
    return replace(source, **twins)
