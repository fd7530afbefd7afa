"""Sentences of any number into batches of about equal lengths, through the engine, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mtcli.config.schema.decoding import DecodingConfig
from mtcli.decoding.options import Hypothesis
from mtcli.engines.protocol import Engine, EngineBatch, RunningSearch, TranslateOptions
from mtcli.translating.batching import batches_by_length, output_limit


class SentenceSearch:
    """Sentences that are being searched.

    Args:
        running: their batches.
        places: for each batch, the places of its sentences among all.
    """

    def __init__(self, running: RunningSearch, places: Sequence[Sequence[int]]) -> None:
        self._running, self._places = running, places

    def settle(self) -> None:
        """See `RunningSearch`."""
        self._running.settle()

    def result(self) -> list[list[Hypothesis]]:
        """The hypotheses of each sentence; call it once."""
        hypotheses_of: dict[int, list[Hypothesis]] = {}
        for places, of_batch in zip(self._places, self._running.result(), strict=True):
            hypotheses_of.update(zip(places, of_batch, strict=True))
        return [hypotheses_of[i] for i in range(len(hypotheses_of))]


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
        *,
        with_scores: bool = True,
        no_repeat_ngram: int | None = None,
    ) -> SentenceSearch:
        """Start a search of sentences.

        Args:
            src_ids: pieces of each sentence.
            generation: how to search.
            num_hypotheses: hypotheses wanted of each.
            prefix_ids: pieces that the outputs of each begin with; None: of none any.
            with_scores: False where nobody will look at them; see `TranslateOptions`.
            no_repeat_ngram: in place of that of `base`.
        """
        options = replace(self._options(generation, num_hypotheses), with_scores=with_scores)
        if no_repeat_ngram is not None:
            options = replace(options, no_repeat_ngram=no_repeat_ngram)
        max_length = min(generation.max_length, self._engine.max_positions)
        lengths = [len(ids) for ids in src_ids]
        prefixes = prefix_ids or [()] * len(src_ids)
        limits = [
            min(output_limit(length, max_length) + len(prefix), max_length)
            for length, prefix in zip(lengths, prefixes, strict=True)
        ]
        places_of = list(batches_by_length(lengths, generation.batch_size))
        batches = [
            EngineBatch(
                [src_ids[i] for i in places],
                [limits[i] for i in places],
                () if prefix_ids is None else [prefix_ids[i] for i in places],
            )
            for places in places_of
        ]
        return SentenceSearch(self._engine.begin(batches, options), places_of)

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
