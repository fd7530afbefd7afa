"""Sentences of any number into batches of about equal lengths, through the engine, and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from mtcli.config.schema import DecodingConfig
from mtcli.translating.engine import (
    Engine,
    EngineBatch,
    EngineHypothesis,
    ParallelEngine,
    TranslateOptions,
)
from mtcli.translating.windows import batches_by_length, output_limit


class Searcher:
    """Gives sentences to an engine in the order that is fastest.

    Args:
        engine: runs the model.
        base: what a search has besides a `DecodingConfig`: samples, blocked n-grams, a penalty of
            repetitions; None has nothing of that.
    """

    def __init__(self, engine: Engine, base: TranslateOptions | None) -> None:
        self._engine, self._base = engine, base

    @property
    def is_sampling(self) -> bool:
        """Whether outputs are drawn, not searched."""
        return self._base is not None and self._base.sampling is not None

    def begin(
        self,
        src_ids: Sequence[Sequence[int]],
        generation: DecodingConfig,
        num_hypotheses: int,
        prefix_ids: Sequence[tuple[int, ...]] | None = None,
    ) -> Callable[[], list[list[EngineHypothesis]]]:
        """Start a search; the call that is returned waits for the hypotheses of each sentence.

        Args:
            src_ids: pieces of each sentence.
            generation: how to search.
            num_hypotheses: hypotheses wanted of each.
            prefix_ids: pieces that the outputs of each begin with; None: of none any.
        """
        options = self._options(generation, num_hypotheses)
        max_length = min(generation.max_length, self._engine.max_positions)
        lengths = [len(ids) for ids in src_ids]
        prefixes = prefix_ids or [()] * len(src_ids)
        places = list(batches_by_length(lengths, generation.batch_size))
        batches = [
            EngineBatch(
                [src_ids[i] for i in own],
                [
                    min(output_limit(lengths[i], max_length) + len(prefixes[i]), max_length)
                    for i in own
                ],
            )
            for own in places
        ]
        if prefix_ids is None:
            answers = self._begin_batches(batches, options)
        else:
            with_prefixes = [
                replace(options, prefix_ids=tuple(prefix_ids[i] for i in own)) for own in places
            ]
            answers = self._postpone(batches, with_prefixes)

        def finish() -> list[list[EngineHypothesis]]:
            found: list[list[EngineHypothesis]] = [[] for _ in src_ids]
            for own, of_batch in zip(places, answers(), strict=True):
                for i, of_sentence in zip(own, of_batch, strict=True):
                    found[i] = of_sentence
            return found

        return finish

    def _options(self, generation: DecodingConfig, num_hypotheses: int) -> TranslateOptions:
        options = TranslateOptions(
            beam_size=generation.beam_size,
            num_hypotheses=num_hypotheses,
            normalization=generation.normalization,
            length_penalty=generation.length_penalty,
        )
        if self._base is None:
            return options
        return replace(
            options,
            no_repeat_ngram=self._base.no_repeat_ngram,
            repetition_penalty=self._base.repetition_penalty,
            sampling=self._base.sampling,
        )

    def _begin_batches(
        self, batches: Sequence[EngineBatch], options: TranslateOptions
    ) -> Callable[[], list[list[list[EngineHypothesis]]]]:
        if isinstance(self._engine, ParallelEngine):
            return self._engine.begin(batches, options)
        return self._postpone(batches, [options] * len(batches))

    def _postpone(
        self, batches: Sequence[EngineBatch], options: Sequence[TranslateOptions]
    ) -> Callable[[], list[list[list[EngineHypothesis]]]]:
        """An engine that works in this thread: it translates when it is asked for its answers."""
        return lambda: [
            self._engine.translate(*batch, of_batch)
            for batch, of_batch in zip(batches, options, strict=True)
        ]
