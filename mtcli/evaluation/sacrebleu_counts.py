"""Count what BLEU, chrF, chrF++ and TER need, line by line, with sacreBLEU.

sacreBLEU gives scores of whole texts; its own bootstrap takes memory for a thousand copies of the
text. What it counts in a line is behind names with an underscore, which only this file uses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mtcli.evaluation.measured import Measured, Scoring, Texts
from mtcli.evaluation.tokenization import bleu_metric

if TYPE_CHECKING:
    from sacrebleu.metrics.base import Metric


def count_bleu(texts: Texts, scoring: Scoring) -> Measured:
    """BLEU.

    Source: Papineni et al. 2002; Post 2018 (sacreBLEU).

    Raises:
        ConfigError: the tokenization is unknown, or needs a package that is not installed.
    """
    metric = bleu_metric(scoring.tgt_lang, scoring.tokenize, lowercase=scoring.lowercase)
    of_lines = bleu_metric(scoring.tgt_lang, scoring.tokenize, lowercase=scoring.lowercase)
    of_lines.effective_order = True  # as sacreBLEU's command does with --sentence-level
    return _counted("BLEU", metric, texts, of_lines)


def count_chrf(texts: Texts, scoring: Scoring, *, word_order: int = 0) -> Measured:
    """The chrF2 of characters; with a `word_order` of 2 chrF2++, which also looks at words.

    Source: Popović 2015; Popović 2017 (chrF++); Post 2018 (sacreBLEU).
    """
    from sacrebleu.metrics.chrf import CHRF

    metric = CHRF(lowercase=scoring.lowercase, word_order=word_order)
    return _counted("chrF" + "+" * word_order, metric, texts)


def count_ter(texts: Texts) -> Measured:
    """The translation edit rate: edits and shifts for 100 words of the reference; 0 is best.

    It ignores case, as Tercom and sacreBLEU do by default.

    Source: Snover et al. 2006; Post 2018 (sacreBLEU).
    """
    from sacrebleu.metrics.ter import TER

    return _counted("TER", TER(), texts)


def _counted(name: str, metric: Metric, texts: Texts, of_lines: Metric | None = None) -> Measured:
    import numpy as np

    # sacreBLEU's command strips line ends this way, and with them all white space.
    hypotheses, *references = [
        [text.rstrip() for text in lines] for lines in (texts.hypotheses, *texts.references)
    ]
    counts = metric._extract_corpus_statistics(hypotheses, references)
    is_ter = name == "TER"
    return Measured(
        metric=name,
        counts_NC=np.array(counts, dtype=np.float64),
        signature=str(metric.get_signature()),
        score_of=lambda sums: _score(metric, sums),
        score_of_line=lambda sums: _score(of_lines or metric, sums),
        highest=None if is_ter else 100.0,
        is_error_rate=is_ter,
    )


def _score(metric: Metric, sums: Sequence[float]) -> float:
    score: float = metric._compute_score_from_stats(sums).score  # type: ignore[arg-type]
    return score
