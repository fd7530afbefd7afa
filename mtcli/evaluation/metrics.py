"""Score a whole text, with BLEU, chrF and TER exactly like sacreBLEU's command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

from mtcli.config.metric_names import DEFAULT_METRICS, comet_model, command_of, metric_name
from mtcli.errors import DataError
from mtcli.evaluation.external import check_program, count_by_command, count_comet
from mtcli.evaluation.intervals import NUM_RESAMPLES, SEED, interval
from mtcli.evaluation.measured import Measured, Scoring, Texts
from mtcli.evaluation.rouge import count_rouge
from mtcli.evaluation.sacrebleu_counts import count_bleu, count_chrf, count_ter
from mtcli.evaluation.short_outputs import count_exact_matches, count_right_labels

References: TypeAlias = Sequence[str] | Sequence[Sequence[str]]
"""One reference for each hypothesis, or several lists of them, each as long as the hypotheses."""


@dataclass(frozen=True)
class Score:
    """A metric of a text, with everything needed to compute it again."""

    metric: str
    """As it is printed, such as `BLEU` or `chrF`."""
    score: float
    """On the metric's own scale, mostly 0 to 100; less is better for TER."""
    signature: str
    """sacreBLEU's: references, resamples, case, tokenization, smoothing, version."""
    low: float | None = None
    """Lower end of the 95 % interval; None if it was not computed."""
    high: float | None = None
    """Upper end of it."""


def evaluate(
    hypotheses: Sequence[str],
    references: References,
    *,
    tgt_lang: str,
    tokenize: str | None = None,
    lowercase: bool = False,
    metrics: Sequence[str] = DEFAULT_METRICS,
    with_interval: bool = False,
    sources: Sequence[str] | None = None,
) -> list[Score]:
    """Score translations against their references, as `mtcli eval` does.

    Args:
        hypotheses: translations, detokenized.
        references: human translations, one for each hypothesis; or a list of such lists, where each
            hypothesis has several references.
        tgt_lang: BCP 47 tag of the language, which chooses BLEU's tokenization.
        tokenize: one of sacreBLEU's tokenizations for BLEU; None follows `tgt_lang`.
        lowercase: score without regard to case.
        metrics: names of metrics, as for `mtcli eval --metric`.
        with_interval: whether to compute 95 % intervals, by bootstrap.
        sources: what was translated, which `comet` needs.

    Returns:
        A score for each metric, in their order, with sacreBLEU's signature.

    Raises:
        ConfigError: there is no such metric; the tokenization is unknown, or needs a package that
            is not installed.
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
    scoring, texts_to_score = (
        Scoring(tgt_lang, tokenize, lowercase),
        Texts(hypotheses, lists, sources),
    )
    return [
        score_of(measure(name, texts_to_score, scoring), with_interval=with_interval)
        for name in map(metric_name, metrics)
    ]


def choose_metrics(names: Sequence[str] | None) -> list[str]:
    """The metrics that a user named, each once, or the default ones.

    Raises:
        ConfigError: there is no such metric, or the program that computes it is missing.
    """
    chosen = list(dict.fromkeys(map(metric_name, names or DEFAULT_METRICS)))
    for name in chosen:
        check_program(name)
    return chosen


def measure(name: str, texts: Texts, scoring: Scoring) -> Measured:
    """Count what a metric needs in each line.

    Args:
        name: one of `METRICS`, `comet`, `comet:MODEL` or `command:...`.
        texts: what is scored; at least one line.
        scoring: how.

    Raises:
        ConfigError: BLEU's tokenization is unknown, or needs a package that is not installed; an
            external metric lacks its program or the sources.
        DataError: an external metric failed.
        ValueError: there are no lines, or not as many on all sides.
    """
    for references in texts.references:
        if len(texts.hypotheses) != len(references) or not texts.hypotheses:
            raise ValueError(f"{len(texts.hypotheses)} hypotheses for {len(references)} references")
    match name:
        case "bleu":
            return count_bleu(texts, scoring)
        case "chrf":
            return count_chrf(texts, scoring)
        case "chrf++":
            return count_chrf(texts, scoring, word_order=2)
        case "ter":
            return count_ter(texts)
        case "accuracy":
            return count_right_labels(texts, scoring)
        case "exact_match":
            return count_exact_matches(texts)
        case "rouge-1" | "rouge-2":
            return count_rouge(texts, int(name[-1]))
        case "rouge-l":
            return count_rouge(texts, None)
        case _ if command_of(name):
            return count_by_command(texts, name)
        case _ if (model := comet_model(name)) is not None:
            return count_comet(texts, model)
        case _:
            raise ValueError(f"no metric is called {name}")


def score_of(measured: Measured, *, with_interval: bool = False) -> Score:
    """The score of all lines, with its 95 % interval if that is asked for."""
    if not with_interval:
        return Score(measured.metric, measured.score, measured.signature)
    bounds = interval(measured)
    signature = with_resampling(measured.signature)
    return Score(measured.metric, measured.score, signature, bounds.low, bounds.high)


def with_resampling(signature: str) -> str:
    """A signature with what sacreBLEU adds to it where it resamples the lines."""
    references, _, rest = signature.partition("|")
    return f"{references}|bs:{NUM_RESAMPLES}|seed:{SEED}|{rest}"


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
    """Corpus BLEU against one reference or several, without an interval.

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
    texts = Texts(hypotheses, reference_lists(references))
    return score_of(measure("bleu", texts, Scoring(tgt_lang, tokenize, lowercase)))


def chrf(hypotheses: Sequence[str], references: References, *, lowercase: bool = False) -> Score:
    """Corpus chrF2 against one reference or several, without an interval.

    Args:
        hypotheses: translations, detokenized.
        references: human translations, as for `evaluate`.
        lowercase: score without regard to case.

    Raises:
        ValueError: there are no lines, or not as many on all sides.
    """
    texts = Texts(hypotheses, reference_lists(references))
    return score_of(measure("chrf", texts, Scoring(lowercase=lowercase)))
