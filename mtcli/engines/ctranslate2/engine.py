"""The engine that runs a model's export by CTranslate2, on the CPU, without torch.

It answers as the torch engine does. CTranslate2 differs in three things, each mended here:

- It has one longest length for a call. A batch is searched with its longest; a sentence that came
  to its own limit is searched again with just that. An output of greedy search is only cut there,
  unless its score is wanted.
- What it suppresses, it takes out before the softmax, which changes every probability. So
  forbidden pieces (padding, unknown, start) are declared to end a hypothesis: they cannot go on,
  and show in the answer. Such a sentence is searched again with them suppressed, and what is found
  is scored without. So is what greedy search finds with blocked n-grams; in a beam, the changed
  probabilities would choose others.
- Its scores are normalised already; log-probabilities are what they were before.

Source: CTranslate2 4.8, src/decoding.cc.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from mtcli.decoding.options import SearchOptions
from mtcli.engines.ctranslate2.package import import_translator, search_obstacle
from mtcli.engines.ctranslate2.searches import (
    FORBIDDEN_IDS,
    Asked,
    Finish,
    Found,
    Search,
    SearchesOfBatches,
)
from mtcli.engines.protocol import EngineBatch, RunningSearch
from mtcli.errors import ConfigError, ModelFolderError
from mtcli.tokenizer.protocol import EOS_ID

_AGAIN, _SCORED = 16, 64
"""Sentences of a batch of those that are searched again, and hypotheses of one of those that are
scored again: mostly a few dozen, which all threads should have a share of."""


class CTranslate2Engine:
    """Implements `Engine` over an exported folder.

    Args:
        folder: what `mtcli export --to ctranslate2` wrote.
        max_positions: longest source, and longest output, in pieces, EOS counted.
        inter_threads: batches translated at once.
        intra_threads: threads of each.

    Raises:
        ConfigError: the package is not installed.
        ModelFolderError: the folder cannot be loaded.
    """

    def __init__(
        self, folder: Path, *, max_positions: int, inter_threads: int, intra_threads: int
    ) -> None:
        translator_class = import_translator()
        self.max_positions = max_positions
        try:
            self._translator = translator_class(
                str(folder),
                inter_threads=inter_threads,
                intra_threads=intra_threads,
                # no end to the queue: the caller bounds what is running, and is not made to wait
                max_queued_batches=-1,
            )
        except (RuntimeError, ValueError) as error:
            raise ModelFolderError(f"{folder}: CTranslate2 cannot load it ({error})") from error
        self._src_pieces = _read_pieces(folder, "source")
        self._tgt_pieces = _read_pieces(folder, "target")
        self._tgt_ids = {piece: index for index, piece in enumerate(self._tgt_pieces)}
        self._end_ids = [EOS_ID, *FORBIDDEN_IDS]
        self._suppressed = [[self._tgt_pieces[i]] for i in FORBIDDEN_IDS]
        self._warm_up()

    def begin(self, batches: Sequence[EngineBatch], options: SearchOptions) -> RunningSearch:
        """Start to search; `inter_threads` batches run in parallel.

        Raises:
            ConfigError: CTranslate2 cannot search that way.
        """
        obstacle = search_obstacle(options, has_prefixes=any(b.prefix_ids for b in batches))
        if obstacle is not None:
            raise ConfigError(
                f"engine ctranslate2 does not support {obstacle}", hint="use engine torch"
            )
        asked = [
            [
                Asked(self._pieces(ids), max_length, max(batch.max_lengths))
                for ids, max_length in zip(batch.src_ids, batch.max_lengths, strict=True)
            ]
            for batch in batches
        ]
        running = [
            self._begin([one.source for one in of_batch], Search(of_batch[0].searched), options)
            for of_batch in asked
            if of_batch
        ]
        return SearchesOfBatches(self, asked, running, options)

    def _warm_up(self) -> None:
        """Let the kernels be compiled (0.04 s, oneDNN) while the caller does something else."""
        self._translator.translate_batch(
            [self._src_pieces[-1:]], asynchronous=True, beam_size=2, max_decoding_length=2
        )

    def begin_again(
        self,
        searches: Mapping[Search, Sequence[int]],
        asked: Sequence[Asked],
        options: SearchOptions,
    ) -> list[tuple[Sequence[int], Finish]]:
        """Start to search sentences again, by their places: together, in a few batches."""
        return [
            (places, self._begin([asked[i].source for i in places], search, options, _AGAIN))
            for search, places in searches.items()
        ]

    def _begin(
        self,
        sources: Sequence[list[str]],
        search: Search,
        options: SearchOptions,
        batch_size: int = 0,
    ) -> Finish:
        """Start a search; the call that is returned waits for what it finds.

        The sentences are a batch, or batches of `batch_size` where that is not 0.
        """
        is_greedy = options.beam_size == 1
        with_scores = options.with_scores or not is_greedy
        length_penalty = 0.0 if is_greedy else options.length_penalty
        running = self._translator.translate_batch(
            sources,
            asynchronous=True,
            max_batch_size=batch_size,
            beam_size=options.beam_size,
            # all that ended: only so it shows whether one of them came to a limit
            num_hypotheses=options.beam_size,
            length_penalty=length_penalty,
            max_input_length=0,
            max_decoding_length=search.max_length,
            min_decoding_length=0,
            return_scores=with_scores,
            return_end_token=True,
            end_token=self._end_ids[:1] if search.is_suppressing else self._end_ids,
            suppress_sequences=self._suppressed if search.is_suppressing else None,
            no_repeat_ngram_size=options.no_repeat_ngram,
        )

        def finish() -> list[list[Found]]:
            return [
                [
                    self._found(pieces, score, length_penalty)
                    for pieces, score in zip(
                        result.hypotheses, result.scores or [math.nan], strict=True
                    )
                ]
                for result in (one.result() for one in running)
            ]

        return finish

    def _found(self, pieces: list[str], score: float, length_penalty: float) -> Found:
        ids = [self._tgt_ids[piece] for piece in pieces]
        return Found(ids, score * len(ids) ** length_penalty)

    def rescore(
        self, places: Sequence[int], asked: Sequence[Asked], found: list[list[Found]]
    ) -> None:
        """Give the hypotheses of these places log-probabilities from which nothing was taken."""
        pairs = [
            (asked[i].source, [self._tgt_pieces[k] for k in hypothesis.token_ids])
            for i in places
            for hypothesis in found[i]
        ]
        if not pairs:
            return
        sources, targets = map(list, zip(*pairs, strict=True))
        scored = iter(
            self._translator.score_batch(
                sources, targets, max_batch_size=_SCORED, max_input_length=0
            )
        )
        for i in places:
            found[i] = [
                # the last one is EOS, also of what was cut without it
                hypothesis._replace(log_prob=sum(next(scored).log_probs[: hypothesis.length]))
                for hypothesis in found[i]
            ]

    def _pieces(self, ids: Sequence[int]) -> list[str]:
        return [self._src_pieces[i] for i in ids]


def _read_pieces(folder: Path, side: str) -> list[str]:
    shared, own = folder / "shared_vocabulary.json", folder / f"{side}_vocabulary.json"
    pieces: list[str] = json.loads((shared if shared.exists() else own).read_bytes())
    return pieces
