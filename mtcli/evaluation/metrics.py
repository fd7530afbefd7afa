"""Score a whole text with BLEU and chrF exactly like sacreBLEU's command, signature included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mtcli.errors import DataError
from mtcli.evaluation.tokenization import bleu_metric

if TYPE_CHECKING:
    from sacrebleu.metrics.base import Metric


@dataclass(frozen=True)
class Score:
    """A metric of a text, with everything needed to compute it again."""

    metric: str
    """`BLEU` or `chrF`."""
    score: float
    """0 to 100, more is better."""
    signature: str
    """sacreBLEU's: references, case, tokenization, smoothing, version."""


def evaluate(
    hypotheses: Sequence[str],
    references: Sequence[str],
    *,
    tgt_lang: str,
    tokenize: str | None = None,
    lowercase: bool = False,
) -> list[Score]:
    """Score translations with BLEU and chrF against one reference each, as `mtcli eval` does.

    Args:
        hypotheses: translations, detokenized.
        references: human translations, one for each hypothesis.
        tgt_lang: BCP 47 tag of the language, which chooses BLEU's tokenization.
        tokenize: one of sacreBLEU's tokenizations for BLEU; None follows `tgt_lang`.
        lowercase: score without regard to case.

    Returns:
        BLEU, then chrF, each from 0 to 100 with sacreBLEU's signature.

    Raises:
        ConfigError: the tokenization is unknown, or needs a package that is not installed.
        DataError: there are no lines, or not as many on both sides.
    """
    if len(hypotheses) != len(references) or not hypotheses:
        raise DataError(
            "`references` must have as many lines as `hypotheses`, and at least one:"
            f" found {len(references)} and {len(hypotheses)}",
            hint="give one reference for each hypothesis",
        )
    return [
        bleu(hypotheses, references, tgt_lang=tgt_lang, tokenize=tokenize, lowercase=lowercase),
        chrf(hypotheses, references, lowercase=lowercase),
    ]


def bleu(
    hypotheses: Sequence[str],
    references: Sequence[str],
    *,
    tgt_lang: str,
    tokenize: str | None = None,
    lowercase: bool = False,
) -> Score:
    """Corpus BLEU against one reference.

    Source: Papineni et al. 2002; Post 2018 (sacreBLEU).

    Args:
        hypotheses: translations, detokenized.
        references: human translations, one for each hypothesis.
        tgt_lang: BCP 47 tag that chooses the tokenization unless `tokenize` is given.
        tokenize: a tokenization of sacreBLEU's, or None.
        lowercase: score without regard to case.

    Raises:
        ConfigError: the tokenization is unknown, or needs a package that is not installed.
        ValueError: there are no lines, or not as many on both sides.
    """
    metric = bleu_metric(tgt_lang, tokenize, lowercase=lowercase)
    return _score("BLEU", metric, hypotheses, references)


def chrf(hypotheses: Sequence[str], references: Sequence[str], *, lowercase: bool = False) -> Score:
    """Corpus chrF2 against one reference.

    Source: Popović 2015; Post 2018 (sacreBLEU).

    Args:
        hypotheses: translations, detokenized.
        references: human translations, one for each hypothesis.
        lowercase: score without regard to case.

    Raises:
        ValueError: there are no lines, or not as many on both sides.
    """
    from sacrebleu.metrics.chrf import CHRF

    return _score("chrF", CHRF(lowercase=lowercase), hypotheses, references)


def _score(
    name: str, metric: Metric, hypotheses: Sequence[str], references: Sequence[str]
) -> Score:
    if len(hypotheses) != len(references) or not hypotheses:
        raise ValueError(f"{len(hypotheses)} hypotheses for {len(references)} references")
    # sacreBLEU's command strips line ends this way, and with them all white space.
    stripped = [text.rstrip() for text in hypotheses]
    result = metric.corpus_score(stripped, [[text.rstrip() for text in references]])
    return Score(name, float(result.score), str(metric.get_signature()))
