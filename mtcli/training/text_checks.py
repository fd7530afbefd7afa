"""Say at the start of a run what is odd about its texts, and how they are scored."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from mtcli.config.languages import country_problem
from mtcli.config.schema.data import Source, TextSource
from mtcli.config.schema.root import TrainConfig
from mtcli.data.sources import describe_source, read_beginning
from mtcli.evaluation.odd_texts import (
    Finding,
    NamedTexts,
    Oddity,
    blank,
    odd_references,
    odd_text,
    short,
)
from mtcli.evaluation.tokenization import choose_tokenization
from mtcli.training.validation import ValidationSet

logger = logging.getLogger(__name__)

_MOST_PAIRS = 20_000
_MOST_PAIRS_OF_A_SOURCE = 2_000
_FEWEST_PAIRS = 100
"""What is looked at of the training text: a habit shows in its first lines."""
_MOST_WARNINGS = 6
"""Of the training sources: many of them may be alike."""

_HINTS = {
    Oddity.BLANK: "complete it, or remove these pairs",
    Oddity.TOKENIZED: "detokenize it, or set `validation.bleu_tokenize: none` if it must be so",
    Oddity.ESCAPED: "unescape it, for example with Python's `html.unescape`",
    Oddity.UNSPACED: "set `validation.bleu_tokenize: char`",
    Oddity.SHORT: "set `validation.best_by` to `accuracy`, `exact_match` or `rouge-l`;"
    " now chrF chooses the best model",
}


def report_on_texts(config: TrainConfig, valid: ValidationSet, *, reads_training: bool) -> None:
    """Log what is odd about the texts of a run, and how BLEU will count words.

    Args:
        config: the run's.
        valid: its validation pairs.
        reads_training: whether to look at the beginning of the training text as well.

    Raises:
        DataError: the training text cannot be read.
    """
    if problem := country_problem(config.src_lang):
        logger.warning("src_lang: %s", problem)
    tokenization = choose_tokenization(config.tgt_lang, config.validation.bleu_tokenize)
    if tokenization.remark:
        level = logging.WARNING if tokenization.is_makeshift else logging.INFO
        other = "`validation.bleu_tokenize` chooses another tokenization"
        logger.log(level, "%s; %s", tokenization.remark, other)
    for finding in _odd_validation(config, valid):
        _warn(finding)
    if reads_training and tokenization.name != "none":
        findings = [
            finding for source in config.data.train for finding in _odd_training(source, config)
        ]
        for finding in findings[:_MOST_WARNINGS]:
            _warn(finding)
        if len(findings) > _MOST_WARNINGS:
            logger.warning("%d more warnings of training texts", len(findings) - _MOST_WARNINGS)


def _warn(finding: Finding) -> None:
    hint = _HINTS[finding.oddity]
    if finding.languages:
        hint = f"set `tgt_lang` to its language, {finding.languages}"
    logger.warning("%s\nhint: %s", finding.sentence, hint)


def _odd_validation(config: TrainConfig, valid: ValidationSet) -> Iterator[Finding]:
    """What makes the scores of validations wrong, or lower than they should be."""
    language = config.tgt_lang, config.validation.bleu_tokenize
    src = NamedTexts("the source side of the validation pairs", valid.src_texts, "pair")
    tgt = NamedTexts("the target side of the validation pairs", valid.tgt_texts, "pair")
    if finding := blank(src, valid.tgt_texts):
        yield finding
    if config.validation.bleu_tokenize != "none":
        yield from odd_text(src)
    yield from odd_references(tgt, valid.src_texts, *language)
    if config.validation.best_by == "bleu" and (finding := short([tgt], *language)):
        yield finding


def _odd_training(source: Source, config: TrainConfig) -> Iterator[Finding]:
    """Marks of tokenization and escaping at the beginning of a training source."""
    share = _MOST_PAIRS // len(config.data.train)
    pairs = read_beginning(source, min(_MOST_PAIRS_OF_A_SOURCE, max(_FEWEST_PAIRS, share)))
    for side, name in enumerate(_names_of(source)):
        yield from odd_text(NamedTexts(name, [pair[side] for pair in pairs], "line"))


def _names_of(source: Source) -> tuple[str, str]:
    """What the source side and the target side are called."""
    if isinstance(source, TextSource):
        return str(source.src), str(source.tgt)
    name = describe_source(source)
    return f"the source side of {name}", f"the target side of {name}"
