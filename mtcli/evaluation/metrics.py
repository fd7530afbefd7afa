"""Score a whole text with BLEU and chrF exactly like sacreBLEU's command, signature included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, cast

from mtcli.errors import DataError
from mtcli.evaluation.tokenization import bleu_metric

if TYPE_CHECKING:
    from sacrebleu.metrics.base import Metric


References: TypeAlias = Sequence[str] | Sequence[Sequence[str]]
"""One reference for each hypothesis, or several lists of them, each as long as the hypotheses."""


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
    references: References,
    *,
    tgt_lang: str,
    tokenize: str | None = None,
    lowercase: bool = False,
) -> list[Score]:
    """Score translations with BLEU and chrF against their references, as `mtcli eval` does.

    Args:
        hypotheses: translations, detokenized.
        references: human translations, one for each hypothesis; or a list of such lists, where each
            hypothesis has several references.
        tgt_lang: BCP 47 tag of the language, which chooses BLEU's tokenization.
        tokenize: one of sacreBLEU's tokenizations for BLEU; None follows `tgt_lang`.
        lowercase: score without regard to case.

    Returns:
        BLEU, then chrF, each from 0 to 100 with sacreBLEU's signature.

    Raises:
        ConfigError: the tokenization is unknown, or needs a package that is not installed.
        DataError: there are no lines, or not as many on all sides.
    """
    lists = reference_lists(references)
    for number, texts in enumerate(lists, start=1):
        if len(hypotheses) != len(texts) or not hypotheses:
            which = f"list {number} of `references`" if len(lists) > 1 else "`references`"
            raise DataError(
                f"{which} must have as many lines as `hypotheses`, and at least one: found"
                f" {len(texts)} and {len(hypotheses)}",
                hint="give one reference for each hypothesis",
            )
    return [
        bleu(hypotheses, lists, tgt_lang=tgt_lang, tokenize=tokenize, lowercase=lowercase),
        chrf(hypotheses, lists, lowercase=lowercase),
    ]


def reference_lists(references: References) -> list[Sequence[str]]:
    """The references as lists that are as long as the hypotheses: one list, or several."""
    if not references or isinstance(references[0], str):
        return [cast("Sequence[str]", references)]
    return list(references)


def bleu(
    hypotheses: Sequence[str],
    references: References,
    *,
    tgt_lang: str,
    tokenize: str | None = None,
    lowercase: bool = False,
) -> Score:
    """Corpus BLEU against one reference or several.

    Source: Papineni et al. 2002; Post 2018 (sacreBLEU).

    Args:
        hypotheses: translations, detokenized.
        references: human translations, as for `evaluate`.
        tgt_lang: BCP 47 tag that chooses the tokenization unless `tokenize` is given.
        tokenize: a tokenization of sacreBLEU's, or None.
        lowercase: score without regard to case.

    Raises:
        ConfigError: the tokenization is unknown, or needs a package that is not installed.
        ValueError: there are no lines, or not as many on all sides.
    """
    metric = bleu_metric(tgt_lang, tokenize, lowercase=lowercase)
    return _score("BLEU", metric, hypotheses, references)


def chrf(hypotheses: Sequence[str], references: References, *, lowercase: bool = False) -> Score:
    """Corpus chrF2 against one reference or several.

    Source: Popović 2015; Post 2018 (sacreBLEU).

    Args:
        hypotheses: translations, detokenized.
        references: human translations, as for `evaluate`.
        lowercase: score without regard to case.

    Raises:
        ValueError: there are no lines, or not as many on all sides.
    """
    from sacrebleu.metrics.chrf import CHRF

    return _score("chrF", CHRF(lowercase=lowercase), hypotheses, references)


def _score(name: str, metric: Metric, hypotheses: Sequence[str], references: References) -> Score:
    lists = reference_lists(references)
    for texts in lists:
        if len(hypotheses) != len(texts) or not hypotheses:
            raise ValueError(f"{len(hypotheses)} hypotheses for {len(texts)} references")
    # sacreBLEU's command strips line ends this way, and with them all white space.
    stripped = [[text.rstrip() for text in texts] for texts in (hypotheses, *lists)]
    result = metric.corpus_score(stripped[0], stripped[1:])
    return Score(name, float(result.score), str(metric.get_signature()))
