"""The section `validation`: how a model is judged while it is trained."""

from __future__ import annotations

from mtcli.config.metric_names import DEFAULT_METRICS, LOSS, metric_problem
from mtcli.config.schema.bounds import Positive
from mtcli.config.schema.sections import Conflict, refuse, section


@section
class ValidationConfig:
    """How the model is validated during training."""

    every_steps: Positive | None = None
    """Steps between validations; null: once per epoch."""
    metrics: tuple[str, ...] = DEFAULT_METRICS
    """Metrics that are computed: bleu, chrf, chrf++, ter, accuracy (of labels), exact_match (of
    answers), rouge-1, rouge-2, rouge-l (of summaries), comet, comet:MODEL or command:..., which run
    another program. That of `best_by` is computed in any case, and so is the loss."""
    best_by: str = "bleu"
    """Metric that chooses the best model, one of those above or loss; the loss, then chrF if it is
    computed, decide between equal scores."""
    patience: Positive | None = None
    """Stop after this many validations without a better score; null: never. While BLEU is 0.00, a
    lower loss is better, too."""
    beam_size: Positive = 1
    """Beam width of validation; 1 is greedy search."""
    bleu_tokenize: str | None = None
    """sacreBLEU's tokenisation; null follows tgt_lang: zh, ja-mecab, ko-mecab, char for Thai and
    other languages without spaces between words, else 13a."""
    lowercase: bool = False
    """Ignore case in BLEU and chrF."""
    max_pairs: Positive | None = None
    """Use only the first N validation pairs; null: all."""

    def __post_init__(self) -> None:
        best_by = [] if self.best_by == LOSS else [("best_by", self.best_by)]
        refuse(
            Conflict((key,), f"validation.{key}: {problem}")
            for key, name in [*(("metrics", name) for name in self.metrics), *best_by]
            if (problem := metric_problem(name, with_loss=key == "best_by"))
        )

    @property
    def computed(self) -> list[str]:
        """The metrics to compute, without the loss, each once."""
        return [name for name in dict.fromkeys([*self.metrics, self.best_by]) if name != LOSS]
