"""Say at the start of a run what is odd about its texts, and how they are scored."""

from __future__ import annotations

import logging

from mtcli.config.languages import country_problem
from mtcli.config.schema.root import TrainConfig
from mtcli.evaluation.tokenization import choose_tokenization

logger = logging.getLogger(__name__)


def report_on_texts(config: TrainConfig) -> None:
    """Log how BLEU will count words, where that is not what one may expect."""
    if problem := country_problem(config.src_lang):
        logger.warning("src_lang: %s", problem)
    tokenization = choose_tokenization(config.tgt_lang, config.validation.bleu_tokenize)
    if tokenization.remark:
        level = logging.WARNING if tokenization.is_makeshift else logging.INFO
        other = "`validation.bleu_tokenize` chooses another tokenization"
        logger.log(level, "%s; %s", tokenization.remark, other)
