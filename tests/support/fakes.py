"""An engine that answers at once with its source."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from mtcli.bundle.card import DocumentFacts
from mtcli.config.schema.decoding import DecodingConfig
from mtcli.decoding.options import Hypothesis, SearchOptions
from mtcli.engines.protocol import EngineBatch, PostponedSearch, Report, RunningSearch, no_report
from mtcli.translating.loaded_model import LoadedModel
from mtcli.translating.options import TranslateOptions
from mtcli.translating.translator import Translator
from tests.support.tokenizers import ToyTokenizer


class FakeEngine:
    """Repeats its source, or what `answer` makes of it; the k-th hypothesis has k more `!`.

    Every call is noted, and what the protocol promises to an engine is asserted.
    """

    def __init__(
        self,
        max_positions: int = 1000,
        answer: Callable[[tuple[int, ...]], tuple[int, ...]] = lambda ids: ids,
        *,
        is_complete: bool = True,
        log_prob: float = -1.0,
    ) -> None:
        self.max_positions = max_positions
        self._is_complete, self._log_prob = is_complete, log_prob
        self.calls: list[tuple[list[list[int]], list[int], SearchOptions]] = []
        self._answer = answer

    def begin(
        self, batches: Sequence[EngineBatch], options: SearchOptions, report: Report = no_report
    ) -> RunningSearch:
        def translate(batch: EngineBatch) -> list[list[Hypothesis]]:
            answers = self.translate(*batch[:2], options)
            report(len(answers))
            return answers

        return PostponedSearch(lambda: [translate(batch) for batch in batches])

    def translate(
        self,
        src_ids: Sequence[Sequence[int]],
        max_lengths: Sequence[int],
        options: SearchOptions,
    ) -> list[list[Hypothesis]]:
        """The answers to one batch."""
        assert 1 <= options.num_hypotheses <= options.beam_size
        assert len(max_lengths) == len(src_ids) > 0
        assert all(1 <= length <= self.max_positions for length in max_lengths)
        assert all(1 <= len(ids) < self.max_positions for ids in src_ids)
        self.calls.append(([list(ids) for ids in src_ids], list(max_lengths), options))
        mark = (ToyTokenizer().piece_to_id("!"),)
        return [
            [
                Hypothesis(
                    self._answer(tuple(ids)) + k * mark,
                    self._is_complete,
                    self._log_prob - k,
                    -0.25 - k,
                )
                for k in range(options.num_hypotheses)
            ]
            for ids in src_ids
        ]


class BesideEngine(FakeEngine):
    """The same, working beside its caller; notes when batches are begun and asked for."""

    def __init__(self, **keywords: object) -> None:
        super().__init__(**keywords)
        self.events: list[str] = []

    def begin(
        self, batches: Sequence[EngineBatch], options: SearchOptions, report: Report = no_report
    ) -> "BesideSearch":
        self.events.append("begun")
        return BesideSearch([self.translate(*batch[:2], options) for batch in batches], self.events)


class BesideSearch:
    """What `BesideEngine` is doing."""

    def __init__(self, answers: list[list[list[Hypothesis]]], events: list[str]) -> None:
        self._answers, self._events = answers, events

    def settle(self) -> None:
        self._events.append("settled")

    def result(self) -> list[list[list[Hypothesis]]]:
        self._events.append("asked for")
        return self._answers


def fake_translator(
    engine: FakeEngine | None = None,
    max_src_length: int = 40,
    changes: dict[str, object] | None = None,
    documents: DocumentFacts | None = None,
    **generation: object,
) -> Translator:
    """A translator that gives back what it gets; `changes` are made to its options."""
    config = DecodingConfig(**generation)
    tokenizer = ToyTokenizer()
    model = LoadedModel(
        engine or FakeEngine(),
        tokenizer,
        tokenizer,
        config,
        max_src_length,
        "en",
        documents=documents,
    )
    options = replace(TranslateOptions.of_model(config), **changes or {})
    return Translator(model, options)


def n_best_options(translator: Translator, n: int) -> TranslateOptions:
    """The translator's options, for `n` translations of each text."""
    return translator.options.with_overrides({"num_hypotheses": n})
