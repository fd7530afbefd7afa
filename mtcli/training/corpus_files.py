"""Look at the files that a config names before a run starts, so that mistakes show at once."""

from __future__ import annotations

import logging

from mtcli.config.schema.root import TrainConfig
from mtcli.data.looking import copied_sources, look_at
from mtcli.data.sources import check_files
from mtcli.errors import DataError
from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer

logger = logging.getLogger(__name__)


def check_files_of(config: TrainConfig) -> None:
    """Check the files that the config names, before a run starts or an old one is moved.

    Raises:
        DataError: a file of the corpus is missing or unreadable, or both sides are the same text.
        TokenizerError: a tokenizer that the config names is missing or unreadable.
    """
    check_files([*config.data.train, *(config.data.valid or [])])
    _refuse_copies(config)
    named = (config.tokenizer.model, config.tokenizer.src_model, config.tokenizer.tgt_model)
    for path in named:
        if path is not None:
            SentencePieceTokenizer(path)


def _refuse_copies(config: TrainConfig) -> None:
    """Refuse a corpus whose two sides are the same text, unless its languages are.

    Copied text among other sources is allowed, and named.
    """
    if config.src_lang == config.tgt_lang:
        return
    for key, sources in (("train", config.data.train), ("valid", config.data.valid or [])):
        copied = list(copied_sources(sources))
        if copied and (key == "valid" or len(copied) == len(sources)):
            raise DataError(
                f"data.{key}: {copied[0]}",
                hint=f"give the {config.tgt_lang} side a file of its own; two columns of one file"
                " need `kind: tsv` or `kind: csv`",
            )
        for sentence in copied:
            logger.warning("data.%s: %s", key, sentence)


def look_at_files(config: TrainConfig) -> None:
    """Log what a user should know of how the files are read.

    Raises:
        DataError: a file does not hold what its source says.
    """
    for sentence in look_at([*config.data.train, *(config.data.valid or [])]):
        logger.info("%s", sentence)
