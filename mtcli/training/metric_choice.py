"""Which metrics a validation computes, and which of them chooses the best model."""

from __future__ import annotations

from collections.abc import Sequence

from mtcli.config.schema.root import TrainConfig
from mtcli.evaluation.external import check_program
from mtcli.evaluation.odd_texts import has_four_words
from mtcli.evaluation.tokenization import check_tokenization


def check_metrics(config: TrainConfig) -> None:
    """See that everything that validation needs is installed, before the hours of training.

    Raises:
        ConfigError: a tokenization is unknown, or a package or a program is not installed.
    """
    check_tokenization(config.tgt_lang, config.validation.bleu_tokenize)
    for name in config.validation.computed:
        check_program(name)


def ranking_metric(config: TrainConfig, references: Sequence[str]) -> str:
    """`validation.best_by`, unless that is BLEU and can only be 0.

    Where no reference has four words, a perfect translation has a BLEU of 0 and a wrong one that
    is too long has more. Then chrF chooses.

    Args:
        config: of the run.
        references: the target side of the validation pairs.
    """
    settings = config.validation
    if settings.best_by == "bleu" and not has_four_words(
        references, config.tgt_lang, settings.bleu_tokenize
    ):
        return "chrf"
    return settings.best_by
