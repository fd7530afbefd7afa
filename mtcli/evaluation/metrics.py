"""Score a whole text with BLEU and chrF exactly like sacreBLEU's command, signature included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mtcli.config.languages import language_of
from mtcli.errors import ConfigError, DataError

if TYPE_CHECKING:
    from sacrebleu.metrics.base import Metric

_TOKENIZATIONS = {"zh": "zh", "ja": "ja-mecab", "ko": "ko-mecab"}
_DEFAULT_TOKENIZATION = "13a"
_EXTRAS = {"ja-mecab": "ja", "ko-mecab": "ko"}


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


def tokenization_for(lang: str) -> str:
    """Choose sacreBLEU's tokenization for a language: zh, ja-mecab, ko-mecab, otherwise 13a.

    Args:
        lang: a BCP 47 tag; only its language counts (`zh-Hans` is zh).
    """
    return _TOKENIZATIONS.get(language_of(lang), _DEFAULT_TOKENIZATION)


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
    metric = _bleu_metric(tokenize or tokenization_for(tgt_lang), lowercase=lowercase)
    return _score("BLEU", metric, hypotheses, references)


def check_tokenization(tgt_lang: str, tokenize: str | None = None) -> None:
    """Raise what `bleu` would raise, before the translations exist.

    Raises:
        ConfigError: the tokenization is unknown, or needs a package that is not installed.
    """
    tokenization = tokenize or tokenization_for(tgt_lang)
    if tokenization != _DEFAULT_TOKENIZATION:  # that is always there; a look costs an import
        _bleu_metric(tokenization, lowercase=False)


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


def _bleu_metric(tokenization: str, *, lowercase: bool) -> Metric:
    from sacrebleu.metrics.bleu import BLEU

    if tokenization not in BLEU.TOKENIZERS:
        raise ConfigError(
            f"sacreBLEU has no tokenization `{tokenization}`",
            hint=f"use one of: {', '.join(sorted(BLEU.TOKENIZERS))}",
        )
    try:
        # force only keeps sacreBLEU from warning about tokenized text on its own logger
        return BLEU(tokenize=tokenization, lowercase=lowercase, force=True)
    except (RuntimeError, ImportError) as error:
        if tokenization not in _EXTRAS:
            raise
        raise ConfigError(
            f"BLEU's tokenization `{tokenization}` needs a package that is not installed",
            hint=f"run `pip install 'sacrebleu[{_EXTRAS[tokenization]}]'`",
        ) from error
    except OSError as error:  # some tokenizations fetch a model from the network
        raise ConfigError(
            f"BLEU's tokenization `{tokenization}` needs a file that cannot be fetched: {error}",
            hint="connect to the network once, or choose another tokenization",
        ) from error


def _score(
    name: str, metric: Metric, hypotheses: Sequence[str], references: Sequence[str]
) -> Score:
    if len(hypotheses) != len(references) or not hypotheses:
        raise ValueError(f"{len(hypotheses)} hypotheses for {len(references)} references")
    # sacreBLEU's command strips line ends this way, and with them all white space.
    stripped = [text.rstrip() for text in hypotheses]
    result = metric.corpus_score(stripped, [[text.rstrip() for text in references]])
    return Score(name, float(result.score), str(metric.get_signature()))
