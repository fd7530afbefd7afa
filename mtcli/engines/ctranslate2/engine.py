"""The engine that runs a model's export with CTranslate2, on the CPU, without torch.

It answers as the torch engine does. CTranslate2 differs in three ways, which are corrected here:

- It has one maximum length for a call. A batch is searched with the largest of its limits; a
  sentence that reaches its own limit is searched again with that. Outputs of greedy search are
  simply cut there, unless scores are wanted.
- It removes suppressed pieces before the softmax, which changes every probability. So forbidden
  pieces (padding, unknown, start) are declared to end a hypothesis: they are never continued, and
  show in the answer. Such a sentence is searched again with them suppressed, and the result is
  scored without suppression. So is what greedy search finds with blocked n-grams; in a beam, the
  changed probabilities would choose other hypotheses.
- Its scores are normalised already; they are turned back into log-probabilities. A tag before the
  target counts for the length, and its log-probability is 0, as in our search.

One difference is left: behind a tag, an output without any piece is found only if it is the
likeliest at once.

Source: CTranslate2 4.8, src/decoding.cc.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mtcli.decoding.options import SearchOptions
from mtcli.engines.ctranslate2.package import import_translator, search_obstacle
from mtcli.engines.ctranslate2.searches import (
    Finish,
    Found,
    Search,
    SearchesOfBatches,
    Sentence,
)
from mtcli.engines.ctranslate2.stored import read_pieces
from mtcli.engines.protocol import EngineBatch, Report, RunningSearch, no_report
from mtcli.errors import ConfigError, ModelFolderError
from mtcli.folders import check_readable
from mtcli.tokenizer.protocol import EOS_ID, NO_TAGS, Tags, TargetStart, forbidden_ids

_AGAIN, _SCORED = 16, 64
"""Batch sizes for sentences that are searched again, and for hypotheses that are scored again:
small, because there are mostly a few dozen, and each thread should get some."""


class CTranslate2Engine:
    """Implements `Engine` over an exported folder.

    Args:
        folder: what `mtcli export --to ctranslate2` wrote.
        max_positions: longest source, and longest output, in pieces, EOS and tags counted.
        inter_threads: batches translated at once.
        intra_threads: threads of each.
        target_start: what the decoder reads first; it decides what no output may hold.
        tags: what stands before the texts; neither what comes in nor what goes out has it.

    Raises:
        ConfigError: the package is not installed.
        ModelFolderError: the folder cannot be loaded.
    """

    def __init__(
        self,
        folder: Path,
        *,
        max_positions: int,
        inter_threads: int,
        intra_threads: int,
        target_start: TargetStart = "bos",
        tags: Tags = NO_TAGS,
    ) -> None:
        translator_class = import_translator()
        self.max_positions = max_positions - max(len(tags.src), len(tags.tgt))
        for file in folder.iterdir():
            check_readable(file, ModelFolderError)
        try:
            self._translator = translator_class(
                str(folder),
                inter_threads=inter_threads,
                intra_threads=intra_threads,
                # no end to the queue: the caller bounds what is running, and is not made to wait
                max_queued_batches=-1,
            )
        except (RuntimeError, ValueError) as error:
            raise ModelFolderError(f"CTranslate2 cannot load {folder}: {error}") from error
        self._src_pieces = read_pieces(folder, "source")
        self._tgt_pieces = read_pieces(folder, "target")
        self._tgt_ids = {piece: index for index, piece in enumerate(self._tgt_pieces)}
        self._src_tags = [self._src_pieces[i] for i in tags.src]
        self._tgt_tags = [self._tgt_pieces[i] for i in tags.tgt]
        self.forbidden_ids = forbidden_ids(target_start)
        self._end_ids = [EOS_ID, *self.forbidden_ids]
        self._suppressed = [[self._tgt_pieces[i]] for i in self.forbidden_ids]
        self._warm_up()

    def begin(
        self,
        batches: Sequence[EngineBatch],
        options: SearchOptions,
        report: Report = no_report,
    ) -> RunningSearch:
        """Start to search; `inter_threads` batches run in parallel.

        Raises:
            ConfigError: CTranslate2 cannot search that way.
        """
        obstacle = search_obstacle(options, has_prefixes=any(b.prefix_ids for b in batches))
        if obstacle is not None:
            raise ConfigError(
                f"engine ctranslate2 does not support {obstacle}", hint="use engine torch"
            )
        sentences_of = [
            [
                Sentence(self._pieces(ids), max_length, max(batch.max_lengths))
                for ids, max_length in zip(batch.src_ids, batch.max_lengths, strict=True)
            ]
            for batch in batches
        ]
        running = [
            self._begin([s.source for s in sentences], Search(sentences[0].searched), options)
            for sentences in sentences_of
            if sentences
        ]
        options = replace(options, num_given=len(self._tgt_tags))
        return SearchesOfBatches(self, sentences_of, running, options, report)

    def _warm_up(self) -> None:
        """Compile the kernels (0.04 s, oneDNN) while the caller does something else."""
        self._translator.translate_batch(
            [self._src_pieces[-1:]], asynchronous=True, beam_size=2, max_decoding_length=2
        )

    def begin_again(
        self,
        searches: Mapping[Search, Sequence[int]],
        sentences: Sequence[Sentence],
        options: SearchOptions,
    ) -> list[tuple[Sequence[int], Finish]]:
        """Start to search sentences again, given their places; see `SecondSearcher`."""
        return [
            (places, self._begin([sentences[i].source for i in places], search, options, _AGAIN))
            for search, places in searches.items()
        ]

    def _begin(
        self,
        sources: Sequence[list[str]],
        search: Search,
        options: SearchOptions,
        batch_size: int = 0,
    ) -> Finish:
        """Start a search. Returns a function that waits for its hypotheses.

        The sentences are one batch, or batches of `batch_size` if that is not 0.
        """
        is_greedy, num_tags = options.beam_size == 1, len(self._tgt_tags)
        with_scores = options.with_scores or not is_greedy
        length_penalty = 0.0 if is_greedy else options.length_penalty
        running = self._translator.translate_batch(
            sources,
            target_prefix=[self._tgt_tags] * len(sources) if self._tgt_tags else None,
            asynchronous=True,
            max_batch_size=batch_size,
            beam_size=options.beam_size,
            # all that ended, because any of them may have reached a limit
            num_hypotheses=options.beam_size,
            length_penalty=length_penalty,
            max_input_length=0,
            max_decoding_length=search.max_length + num_tags,
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
                    self._found(pieces[num_tags:], score * len(pieces) ** length_penalty)
                    for pieces, score in zip(
                        result.hypotheses, result.scores or [math.nan], strict=True
                    )
                ]
                for result in (search.result() for search in running)
            ]

        return finish

    def _found(self, pieces: list[str], log_prob: float) -> Found:
        return Found([self._tgt_ids[piece] for piece in pieces], log_prob)

    def rescore(
        self, places: Sequence[int], sentences: Sequence[Sentence], found: list[list[Found]]
    ) -> None:
        """Replace log-probabilities by those without suppression; see `SecondSearcher`."""
        pairs = [
            (
                sentences[i].source,
                [*self._tgt_tags, *(self._tgt_pieces[k] for k in hypothesis.token_ids)],
            )
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
        first = len(self._tgt_tags)
        for i in places:
            found[i] = [
                # the last one is EOS, also of what was cut without it
                hypothesis._replace(
                    log_prob=sum(next(scored).log_probs[first : first + hypothesis.length])
                )
                for hypothesis in found[i]
            ]

    def _pieces(self, ids: Sequence[int]) -> list[str]:
        return [*self._src_tags, *(self._src_pieces[i] for i in ids)]
