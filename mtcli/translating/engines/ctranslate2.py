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
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from mtcli.errors import ConfigError, ModelFolderError
from mtcli.tokenizer.protocol import BOS_ID, EOS_ID, PAD_ID, UNK_ID
from mtcli.translating.engine import (
    EngineBatch,
    EngineHypothesis,
    RunningSearch,
    TranslateOptions,
)

FORBIDDEN_IDS = (PAD_ID, UNK_ID, BOS_ID)
_AGAIN, _SCORED = 16, 64
"""Sentences of a batch of those that are searched again, and hypotheses of one of those that are
scored again: mostly a few dozen, which all threads should have a share of."""
MISSING = "the ctranslate2 package is not installed: pip install 'mtcli[fast]'"


class _Search(NamedTuple):
    """How one call searches."""

    max_length: int
    is_suppressing: bool = False


class _Asked(NamedTuple):
    """One sentence."""

    source: list[str]
    max_length: int
    """Longest output that is wanted of it."""
    searched: int
    """Longest output that its batch is searched with."""


class CTranslate2Engine:
    """Implements `Engine` and `ParallelEngine` over an exported folder.

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

    def translate(
        self,
        src_ids: Sequence[Sequence[int]],
        max_lengths: Sequence[int],
        options: TranslateOptions,
    ) -> list[list[EngineHypothesis]]:
        """Hypotheses for each sentence, best first; see `Engine`.

        Raises:
            ConfigError: CTranslate2 cannot search that way.
        """
        if not src_ids:
            return []
        return self.begin([EngineBatch(src_ids, max_lengths)], options).result()[0]

    def begin(self, batches: Sequence[EngineBatch], options: TranslateOptions) -> RunningSearch:
        """Start to search; batches run beside each other.

        Raises:
            ConfigError: CTranslate2 cannot search that way.
        """
        obstacle = search_obstacle(options)
        if obstacle is not None:
            raise ConfigError(f"engine ctranslate2 cannot search with {obstacle}: use engine torch")
        asked = [
            [
                _Asked(self._pieces(ids), max_length, max(batch.max_lengths))
                for ids, max_length in zip(batch.src_ids, batch.max_lengths, strict=True)
            ]
            for batch in batches
        ]
        running = [
            self._begin([one.source for one in of_batch], _Search(of_batch[0].searched), options)
            for of_batch in asked
            if of_batch
        ]
        return _Running(self, asked, running, options)

    def _warm_up(self) -> None:
        """Let the kernels be compiled (0.04 s, oneDNN) while the caller does something else."""
        self._translator.translate_batch(
            [self._src_pieces[-1:]], asynchronous=True, beam_size=2, max_decoding_length=2
        )

    def begin_again(
        self,
        searches: Mapping[_Search, Sequence[int]],
        asked: Sequence[_Asked],
        options: TranslateOptions,
    ) -> list[tuple[Sequence[int], Callable[[], list[list[_Found]]]]]:
        """Start to search sentences again, by their places: together, in a few batches."""
        return [
            (places, self._begin([asked[i].source for i in places], search, options, _AGAIN))
            for search, places in searches.items()
        ]

    def _begin(
        self,
        sources: Sequence[list[str]],
        search: _Search,
        options: TranslateOptions,
        batch_size: int = 0,
    ) -> Callable[[], list[list[_Found]]]:
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

        def finish() -> list[list[_Found]]:
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

    def _found(self, pieces: list[str], score: float, length_penalty: float) -> _Found:
        ids = [self._tgt_ids[piece] for piece in pieces]
        return _Found(ids, score * len(ids) ** length_penalty)

    def rescore(
        self, places: Sequence[int], asked: Sequence[_Asked], found: list[list[_Found]]
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


class _Found(NamedTuple):
    """One hypothesis as CTranslate2 gives it."""

    ids: list[int]
    """With what ended it."""
    log_prob: float

    @property
    def length(self) -> int:
        """Pieces, EOS counted."""
        return len(self.ids)

    @property
    def is_complete(self) -> bool:
        return self.ids[-1] == EOS_ID

    @property
    def is_forbidden(self) -> bool:
        return self.ids[-1] in FORBIDDEN_IDS

    @property
    def token_ids(self) -> tuple[int, ...]:
        """Without EOS."""
        return tuple(self.ids[:-1] if self.is_complete else self.ids)

    def answer(self, options: TranslateOptions) -> EngineHypothesis:
        """What the translator is told."""
        score = self.log_prob / _penalty(self.length, options)
        return EngineHypothesis(self.token_ids, self.log_prob, score, self.is_complete)


class _Running:
    """Implements `RunningSearch`.

    What came to a limit or a forbidden piece is searched again, that of all batches together: one
    by one they would wait for each other, and for whatever else is running.
    """

    def __init__(
        self,
        engine: CTranslate2Engine,
        batches: Sequence[Sequence[_Asked]],
        running: Sequence[Callable[[], list[list[_Found]]]],
        options: TranslateOptions,
    ) -> None:
        self._engine, self._options = engine, options
        self._sizes = [len(of_batch) for of_batch in batches]
        self._asked = [one for of_batch in batches for one in of_batch]
        self._running = running
        self._found: list[list[_Found]] | None = None
        self._again: list[tuple[Sequence[int], Callable[[], list[list[_Found]]]]] = []
        self._forbidden: list[int] = []

    def settle(self) -> None:
        """See `RunningSearch`."""
        self._settled()

    def result(self) -> list[list[list[EngineHypothesis]]]:
        """See `RunningSearch`."""
        found = self._settled()
        self._take(found)
        if self._options.with_scores or self._options.beam_size > 1:
            is_blocked = self._options.no_repeat_ngram > 0
            places = range(len(found)) if is_blocked else self._forbidden
            self._engine.rescore(places, self._asked, found)
        answers = iter(found)
        return [[self._ranked(next(answers)) for _ in range(size)] for size in self._sizes]

    def _settled(self) -> list[list[_Found]]:
        if self._found is not None:
            return self._found
        found = [of_sentence for of_batch in self._running for of_sentence in of_batch()]
        cut: dict[_Search, list[int]] = defaultdict(list)
        is_prefix = self._options.beam_size == 1 and not self._options.with_scores
        for i, (one, hypotheses) in enumerate(zip(self._asked, found, strict=True)):
            reached = max(hypothesis.length for hypothesis in hypotheses)
            if one.max_length < one.searched and reached >= one.max_length:
                if is_prefix:
                    found[i] = [_Found(own.ids[: one.max_length], math.nan) for own in hypotheses]
                else:
                    cut[_Search(one.max_length)].append(i)
        self._again = self._engine.begin_again(cut, self._asked, self._options)
        self._take(found)  # rare, and what it finds may hold a forbidden piece
        forbidden: dict[_Search, list[int]] = defaultdict(list)
        for i, (one, hypotheses) in enumerate(zip(self._asked, found, strict=True)):
            if any(hypothesis.is_forbidden for hypothesis in hypotheses):
                forbidden[_Search(one.max_length, is_suppressing=True)].append(i)
        self._forbidden = [i for places in forbidden.values() for i in places]
        self._again = self._engine.begin_again(forbidden, self._asked, self._options)
        self._found = found
        return found

    def _take(self, found: list[list[_Found]]) -> None:
        """Put what was searched again into its places."""
        for places, result in self._again:
            for i, hypotheses in zip(places, result(), strict=True):
                found[i] = hypotheses
        self._again = []

    def _ranked(self, hypotheses: Sequence[_Found]) -> list[EngineHypothesis]:
        answers = [hypothesis.answer(self._options) for hypothesis in hypotheses]
        # equal before and after but for sentences scored anew; sorting is stable
        answers.sort(key=lambda hypothesis: -hypothesis.score)
        return answers[: self._options.num_hypotheses]


def search_obstacle(options: TranslateOptions) -> str | None:
    """What of this search CTranslate2 cannot do exactly; None if it can do all of it.

    It lacks GNMT's penalty, and without any penalty it stops by a rule of its own. Greedy search
    needs neither. What else changes a search it does otherwise than our engine.
    """
    if options.sampling:
        return "sampling"
    if options.prefix_ids:
        return "prefixes"
    if options.repetition_penalty != 1:
        return f"repetition_penalty {options.repetition_penalty:g}"
    if options.stop != "full":
        return f"the stopping rule {options.stop}"
    if options.beam_size == 1:
        return None
    if options.no_repeat_ngram:
        return f"no_repeat_ngram {options.no_repeat_ngram} under a beam"
    if options.normalization != "average" or options.length_penalty <= 0:
        return (
            f"normalization {options.normalization} with length_penalty"
            f" {options.length_penalty:g} under a beam"
        )
    return None


def import_translator() -> Any:
    """The class `ctranslate2.Translator`.

    Raises:
        ConfigError: the package is not installed.
    """
    try:
        with _without_importing("asyncio"):
            from ctranslate2 import Translator
    except ImportError as error:
        raise ConfigError(f"engine ctranslate2 cannot run, {MISSING}") from error
    return Translator


@contextmanager
def _without_importing(name: str) -> Iterator[None]:
    """Stand-ins for a module are imported inside, which import it when something in it is used.

    ctranslate2 imports asyncio (0.02 s) for methods that we never call. The standard library's
    LazyLoader is of no use here: `import` itself looks into the module, which loads it.
    """
    if name in sys.modules:
        yield
        return
    stand_in = ModuleType(name)
    stand_in.__getattr__ = lambda key: getattr(import_module(name), key)  # type: ignore[method-assign]
    sys.modules[name] = stand_in
    try:
        yield
    finally:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]


def _penalty(length: int, options: TranslateOptions) -> float:
    """What the log-probability is divided by; the forms of `SearchOptions`."""
    match options.normalization:
        case "average":
            return float(length**options.length_penalty)
        case "gnmt":
            return float(((5 + length) / 6) ** options.length_penalty)
        case "none":
            return 1.0


def _read_pieces(folder: Path, side: str) -> list[str]:
    shared, own = folder / "shared_vocabulary.json", folder / f"{side}_vocabulary.json"
    pieces: list[str] = json.loads((shared if shared.exists() else own).read_bytes())
    return pieces
