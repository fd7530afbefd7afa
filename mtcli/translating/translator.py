"""Texts in, translations out: tokenizer, engine and tokenizer, in the order that is fastest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Literal, cast

from mtcli.bundle.model_folder import Bundle, read_model
from mtcli.config.schema.decoding import DecodingConfig
from mtcli.decoding.options import Hypothesis
from mtcli.engines.choice import (
    EngineChoice,
    EngineRequest,
    choose_engine,
    load_engine,
)
from mtcli.engines.loading import check_ensemble, load_tokenizers
from mtcli.engines.protocol import Engine, PairEngine, TranslateOptions
from mtcli.errors import ConfigError
from mtcli.runs.resolve import resolve_model
from mtcli.tokenizer.protocol import Tokenizer
from mtcli.translating.alignment import align_answers
from mtcli.translating.answer import Answer, Translation, join_answer
from mtcli.translating.attempts import TwoAttempts
from mtcli.translating.controls import without_controls
from mtcli.translating.cutting import CutText, cut_texts
from mtcli.translating.options import (
    AnswerOptions,
    Normalization,
    check_num_hypotheses,
    choose_generation,
)
from mtcli.translating.repetition import SecondSettings, is_repeated
from mtcli.translating.searching import Searcher, SentenceSearch

NOTHING_SPECIAL, ONLY_TEXT = AnswerOptions(), AnswerOptions(has_scores=False)

SHORTEST_LIMIT = 16
"""Lines of so many pieces are translated whole even when training saw only shorter ones."""


class RunningAnswers:
    """Texts that are being translated.

    Args:
        search: of their sentences.
        finish: waits for that search, and makes the answers.
    """

    def __init__(self, search: TwoAttempts, finish: Callable[[], list[Answer]]) -> None:
        self.settle = search.settle
        """Wait for the search; before other texts are begun. See `RunningSearch`."""
        self.retry = search.retry
        """Begin to translate again what repeats itself; whether there is anything."""
        self.result = finish
        """Wait for the answer to each text; to be called once."""


class Translator:
    """Translates texts with one model, or with an ensemble.

    Args:
        engine: runs the model.
        src_tokenizer: cuts sources.
        tgt_tokenizer: joins outputs.
        generation: how to translate unless told otherwise.
        max_src_length: longest source that the model saw in training, in pieces, EOS not counted;
            longer texts are translated in parts.
        search: what a search has besides `generation`: samples, blocked n-grams, a penalty of
            repetitions; None has nothing of that.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        src_tokenizer: Tokenizer,
        tgt_tokenizer: Tokenizer,
        generation: DecodingConfig,
        max_src_length: int,
        search: TranslateOptions | None = None,
    ) -> None:
        self._engine = engine
        self._searcher = Searcher(engine, search)
        self._src_tokenizer, self._tgt_tokenizer = src_tokenizer, tgt_tokenizer
        self.generation = generation
        self.max_src_length = min(max(max_src_length, SHORTEST_LIMIT), engine.max_positions - 1)
        """Longest text that is translated whole, in pieces."""

    @classmethod
    def load(
        cls,
        path: Path | str,
        *others: Path | str,
        checkpoint: str = "best",
        device: str = "auto",
        threads: int | None = None,
        precision: str = "fp32",
        engine: Literal["auto", "torch", "ctranslate2"] = "auto",
    ) -> Translator:
        """The translator of a run folder or model folder; of several, that of their ensemble.

        Args:
            path: run folder or model folder; of an ensemble, the one that says how to translate.
            others: further models of the ensemble.
            checkpoint: which model of a run: `best` (else the last), `last` or `step_N`.
            device: `auto` (cuda, then mps, then cpu), `cpu`, `cuda` or `mps`.
            threads: threads of the arithmetic on the CPU, with torch for the whole process; None
                leaves the choice to torch, or to what was measured at export.
            precision: `fp32`, `bf16` or `fp16`.
            engine: what runs the model: `torch`, or `ctranslate2`, which needs an export in the
                model folder. `auto` takes the export if it was measured faster, and torch for
                whatever the export cannot do exactly.

        Raises:
            ModelFolderError: there is no such model, or it is damaged, or the models of an
                ensemble have other vocabularies.
            DeviceError: the device or the precision is not there.
            ConfigError: an argument makes no sense.
        """
        bundle, *further = (
            read_model(resolve_model(Path(each), checkpoint), check_weights=False)
            for each in (path, *others)
        )
        check_ensemble([bundle, *further])
        request = EngineRequest(engine, device, precision, threads, others=tuple(further))
        return cls.of_bundle(bundle, request, choose_engine(bundle, request))

    @classmethod
    def of_bundle(cls, bundle: Bundle, request: EngineRequest, choice: EngineChoice) -> Translator:
        """The translator of a model folder that was read already, but for its weights.

        Args:
            bundle: the model folder.
            request: what is asked of the engine.
            choice: what `choose_engine` says to that.

        Raises:
            ModelFolderError: the weights are damaged.
            DeviceError: the device or the precision is not there.
            ConfigError: an argument makes no sense.
        """
        # first, for it goes on getting ready while the tokenizers are read
        loaded = load_engine(bundle, request, choice)
        src_tokenizer, tgt_tokenizer = load_tokenizers(bundle)
        return cls(
            loaded,
            src_tokenizer=src_tokenizer,
            tgt_tokenizer=tgt_tokenizer,
            generation=bundle.generation,
            max_src_length=min(each.card.max_src_length for each in (bundle, *request.others)),
            search=request.options,
        )

    def translate(
        self,
        texts: Iterable[str],
        *,
        beam_size: int | None = None,
        length_penalty: float | None = None,
        normalization: Normalization | None = None,
        max_length: int | None = None,
        batch_size: int | None = None,
    ) -> list[str]:
        """The best translation of each text; blank ones come back as they are.

        What is None is as `generation.json` of the model folder says; `DecodingConfig` says what
        the options mean.

        Raises:
            ConfigError: an option makes no sense, or `texts` is a single text.
        """
        generation = choose_generation(
            self.generation,
            beam_size=beam_size,
            length_penalty=length_penalty,
            normalization=normalization,
            max_length=max_length,
            batch_size=batch_size,
        )
        texts = _as_list(texts)
        answers = self.begin(texts, generation, 1, ONLY_TEXT).result()
        return [
            answer.translations[0].text if text.strip() else text
            for text, answer in zip(texts, answers, strict=True)
        ]

    def translate_n_best(
        self,
        texts: Iterable[str],
        n: int,
        *,
        beam_size: int | None = None,
        length_penalty: float | None = None,
        normalization: Normalization | None = None,
        max_length: int | None = None,
        batch_size: int | None = None,
    ) -> list[list[Translation]]:
        """Up to `n` translations of each text, best first; of a blank one, one empty translation.

        Options are those of `translate`; `beam_size` must be at least `n`.

        Raises:
            ConfigError: an option makes no sense, or `texts` is a single text.
        """
        generation = choose_generation(
            self.generation,
            beam_size=beam_size,
            length_penalty=length_penalty,
            normalization=normalization,
            max_length=max_length,
            batch_size=batch_size,
        )
        answers = self.begin(_as_list(texts), generation, n).result()
        return [list(answer.translations) for answer in answers]

    def begin(
        self,
        texts: Sequence[str],
        generation: DecodingConfig,
        num_hypotheses: int = 1,
        options: AnswerOptions = NOTHING_SPECIAL,
        *,
        prefixes: Sequence[str] | None = None,
        after: RunningAnswers | None = None,
    ) -> RunningAnswers:
        """Start to translate texts: what `translate` and `translate_n_best` are made of.

        An engine that works beside this thread is busy from now on; another works when it is asked
        for the result.

        Args:
            texts: what is translated.
            generation: how.
            num_hypotheses: translations wanted of each text.
            options: what else is wanted.
            prefixes: for each text what its translations begin with, perhaps nothing; of a text
                in parts it begins the first. None: no text has any.
            after: what was begun before; it is settled once these texts are ready for the engine.

        Raises:
            ConfigError: `num_hypotheses` is more than the beam gives, or the model has no such
                layer or head as alignments are wanted of.
        """
        if not self._searcher.is_sampling:
            check_num_hypotheses(num_hypotheses, generation.beam_size)
        cut = cut_texts(texts, self._src_tokenizer, self.max_src_length, options.splitter)
        src_ids = [part.ids for own in cut for part in own.parts]
        prefix_ids = None if prefixes is None else self._prefix_ids(cut, prefixes)
        if after is not None:
            after.settle()
        first = self._searcher.begin(
            src_ids, generation, num_hypotheses, prefix_ids, with_scores=options.has_scores
        )

        def repeats(place: int, hypotheses: Sequence[Hypothesis]) -> bool:
            src, tgt = self._src_tokenizer, self._tgt_tokenizer
            return is_repeated(src_ids[place], hypotheses[0].token_ids, src.decode, tgt.decode)

        def again(places: Sequence[int], settings: SecondSettings) -> SentenceSearch:
            return self._searcher.begin(
                [src_ids[i] for i in places],
                settings.generation,
                num_hypotheses,
                None if prefix_ids is None else [prefix_ids[i] for i in places],
                with_scores=options.has_scores,
                no_repeat_ngram=settings.no_repeat_ngram,
            )

        search = TwoAttempts(first, repeats, again if options.retries else None, generation)

        def finish() -> list[Answer]:
            found, repeated = search.result()
            answers = self._join(cut, found, repeated)
            if not options.has_alignments:
                return answers
            engine = cast("PairEngine", self._engine)  # the caller chose one that has attention
            tokenizers = self._src_tokenizer, self._tgt_tokenizer
            texts, parts_of = [own.text for own in cut], [own.parts for own in cut]
            return align_answers(engine, tokenizers, generation, texts, parts_of, found, answers)

        return RunningAnswers(search, finish)

    def pieces(self, token_ids: Sequence[int]) -> list[str]:
        """The pieces of a translation, as the target tokenizer writes them."""
        return [self._tgt_tokenizer.id_to_piece(token_id) for token_id in token_ids]

    def _join(
        self,
        cut: Sequence[CutText],
        found: Sequence[Sequence[Hypothesis]],
        repeated: AbstractSet[int],
    ) -> list[Answer]:
        """The answer to each text, made of what was found for each part.

        `repeated` are places of parts that repeat themselves.
        """
        answers, start = [], 0
        for own in cut:
            end = start + len(own.parts)
            answers.append(
                join_answer(
                    found[start:end],
                    self._tgt_tokenizer,
                    is_repeated=not repeated.isdisjoint(range(start, end)),
                    is_over_limit=own.is_over_limit,
                )
            )
            start = end
        return answers

    def _prefix_ids(self, cut: Sequence[CutText], prefixes: Sequence[str]) -> list[tuple[int, ...]]:
        """Pieces that the translation of each part begins with."""
        encoded = self._tgt_tokenizer.encode_batch([without_controls(text) for text in prefixes])
        prefix_ids: list[tuple[int, ...]] = []
        for own, ids in zip(cut, encoded, strict=True):
            prefix_ids += [tuple(ids), *[()] * (len(own.parts) - 1)][: len(own.parts)]
        return prefix_ids


def _as_list(texts: Iterable[str]) -> list[str]:
    if isinstance(texts, str):  # a sequence of texts, too: of its characters
        raise ConfigError(f"texts must be a list of texts, found one text: [{texts[:40]!r}]")
    return list(texts)
