"""Translate texts: tokenizer, engine and tokenizer, in the order that is fastest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal, TypeAlias, cast

from mtcli.config.schema.decoding import Normalization
from mtcli.engines.choice import EngineOptions
from mtcli.engines.protocol import Engine, PairEngine
from mtcli.translating.alignment import align_pairs
from mtcli.translating.answer import Link, Translation
from mtcli.translating.controls import without_controls
from mtcli.translating.documents import RunningDocuments, check_documents
from mtcli.translating.loaded_model import LoadedModel
from mtcli.translating.options import TranslateOptions
from mtcli.translating.progress import Progress, no_progress
from mtcli.translating.running import RunningTranslation
from mtcli.translating.scoring import PairScore, PairScorer, check_pairs
from mtcli.translating.source_texts import SourceText, list_of_texts, prepare_texts
from mtcli.translating.unseen import UnseenCharacters

SHORTEST_LIMIT = 16
"""Lines of up to this many pieces are translated whole even if training saw only shorter ones."""


Running: TypeAlias = RunningTranslation | RunningDocuments
"""Texts that are being translated."""


class Translator:
    """Translates texts with one model, or with an ensemble.

    `mtcli.translating.request.open_translator` makes one.

    Args:
        model: what translates.
        options: how it translates by default; None: as the model says.
        name: what its `repr` calls the model, for example the folders.
        open_pair_model: loads the same model in an engine that scores given translations and shows
            attention; None if the engine of `model` does.
    """

    def __init__(
        self,
        model: LoadedModel[Engine],
        options: TranslateOptions | None = None,
        *,
        name: str = "a model in memory",
        open_pair_model: Callable[[], LoadedModel[PairEngine]] | None = None,
    ) -> None:
        self._model = model
        self._name = name
        self._open_pair_model = open_pair_model
        self._pair_model: LoadedModel[PairEngine] | None = None
        self._unseen = UnseenCharacters(model.src_tokenizer, model.src_characters)
        self.options = options or TranslateOptions.of_model(model.generation)
        self.max_src_length = min(
            max(model.max_src_length, SHORTEST_LIMIT), model.engine.max_positions - 1
        )
        """Longest text that is translated whole, in pieces."""

    def __repr__(self) -> str:
        search = self.options.search
        return f"Translator({self._name}, beam_size={search.beam_size})"

    @classmethod
    def load(
        cls,
        path: Path | str,
        *others: Path | str,
        checkpoint: str = "best",
        src_lang: str | None = None,
        tgt_lang: str | None = None,
        device: str = "auto",
        threads: int | None = None,
        precision: str = "fp32",
        engine: Literal["auto", "torch", "ctranslate2"] = "auto",
    ) -> Translator:
        """Load a run folder or model folder; several are loaded as an ensemble.

        Args:
            path: run folder or model folder; of an ensemble, the one that says how to translate.
            others: further models of the ensemble.
            checkpoint: which model of a run: `best` (else the last), `last` or `step_N`.
            src_lang: source language, of a model that knows several; None: its default.
            tgt_lang: target language; see `src_lang`.
            device: see `EngineOptions`.
            threads: see `EngineOptions`.
            precision: see `EngineOptions`.
            engine: see `EngineOptions`; with `auto`, torch runs what the export does not support.

        Raises:
            ModelFolderError: there is no such model, or it is damaged, or the models of an
                ensemble have other vocabularies.
            DeviceError: the device or the precision is not available.
            ConfigError: an argument is out of range, or the model does not know a language.
        """
        from mtcli.translating.request import TranslationRequest, open_translator

        request = TranslationRequest(
            models=(path, *others),
            checkpoint=checkpoint,
            src_lang=src_lang,
            tgt_lang=tgt_lang,
            engine=EngineOptions(engine, device, precision, threads),
        )
        return open_translator(request)

    def translate(
        self,
        texts: Iterable[str],
        *,
        beam_size: int | None = None,
        length_penalty: float | None = None,
        normalization: Normalization | None = None,
        max_length: int | None = None,
        batch_size: int | None = None,
        progress: Progress = no_progress,
    ) -> list[str]:
        """The best translation of each text; blank texts are returned as they are.

        None takes the value of the translator's own options, as a rule those of `generation.json`
        in the model folder; `DecodingConfig` says what the options mean. `progress` is told how
        many sentences are done, and of how many.

        Raises:
            ConfigError: an option is out of range, or `texts` is a single text.
        """
        options = self.options.with_overrides(
            {
                "beam_size": beam_size,
                "length_penalty": length_penalty,
                "normalization": normalization,
                "max_length": max_length,
                "batch_size": batch_size,
                "num_hypotheses": 1,
                "with_scores": False,
            }
        )
        texts = list_of_texts(texts)
        answers = self.begin(texts, options, progress=progress).result()
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
        progress: Progress = no_progress,
    ) -> list[list[Translation]]:
        """Up to `n` translations of each text, best first; of a blank one, one empty translation.

        Options are those of `translate`; `beam_size` must be at least `n`.

        Raises:
            ConfigError: an option is out of range, or `texts` is a single text.
        """
        options = self.options.with_overrides(
            {
                "beam_size": beam_size,
                "length_penalty": length_penalty,
                "normalization": normalization,
                "max_length": max_length,
                "batch_size": batch_size,
                "num_hypotheses": n,
                "with_scores": True,
            }
        )
        answers = self.begin(list_of_texts(texts), options, progress=progress).result()
        return [list(answer.translations) for answer in answers]

    def translate_documents(
        self, documents: Iterable[Iterable[str]], *, progress: Progress = no_progress
    ) -> list[list[str]]:
        """The translations of documents, lists of sentences, each in its context.

        `progress` is told how many groups of sentences are done, and of how many.

        Raises:
            ConfigError: the model was not trained on documents.
        """
        from mtcli.translating.whole_documents import translate_documents

        return translate_documents(self, documents, progress).documents

    def score(
        self, pairs: Sequence[tuple[str, str]], *, batch_size: int | None = None
    ) -> list[PairScore]:
        """The log-probability of each pair of source and target text, as `mtcli score` writes it.

        Only torch computes it: a model that translates with CTranslate2 is loaded once more.

        Raises:
            TypeError: a pair is a text, whose letters would be mistaken for texts.
        """
        return PairScorer(self._with_attention()).score(pairs, batch_size=batch_size)

    def align(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[Link, ...] | None]:
        """Which words of each pair of source and target text belong together, by attention.

        Words are separated by white space and counted from 0. What `score` says of CTranslate2
        holds here, too.

        Returns:
            Sorted links (source word, target word) of each pair; None for a pair with a side of
            more pieces than the model has positions.

        Raises:
            TypeError: a pair is a text, whose letters would be mistaken for texts.
        """
        check_pairs(pairs)
        return align_pairs(self._with_attention(), self.options, pairs)

    def begin(
        self,
        texts: Sequence[str],
        options: TranslateOptions | None = None,
        *,
        prefixes: Sequence[str] | None = None,
        after: Running | None = None,
        progress: Progress = no_progress,
    ) -> Running:
        """Start to translate texts: what `translate` and `translate_n_best` are made of.

        An engine that works in parallel with this thread is busy from now on; another works when it
        is asked for the result.

        Args:
            texts: what is translated.
            options: how; None: the translator's own.
            prefixes: for each text what its translations begin with, perhaps nothing; of a text
                in parts it begins the first, of a blank text it is the translation. None: no text
                has any.
            after: what was begun before; it is settled once these texts are ready for the engine.
            progress: told how many sentences are done, and of how many.

        Raises:
            ConfigError: the engine cannot search that way.
        """
        options = options or self.options
        sources = prepare_texts(
            texts,
            self._model.src_tokenizer,
            self.max_src_length,
            self._model.src_lang,
            options.splitter,
        )
        sources = [self._with_unseen(source) for source in sources]
        prefix_ids = None
        if prefixes is not None:
            sources = [
                source._replace(prefix=without_controls(prefix).strip())
                for source, prefix in zip(sources, prefixes, strict=True)
            ]
            prefix_ids = self._prefix_ids(sources)
        if after is not None:
            after.settle()
        if options.reads_documents:
            check_documents(self._model.documents, self._name)
            most = self._model.engine.max_positions - 1
            return RunningDocuments(self._model, sources, options, most, progress)
        return RunningTranslation(self._model, sources, options, prefix_ids, progress)

    def pieces(self, token_ids: Sequence[int]) -> list[str]:
        """The pieces of a translation, as the target tokenizer writes them."""
        return [self._model.tgt_tokenizer.id_to_piece(token_id) for token_id in token_ids]

    def _with_attention(self) -> LoadedModel[PairEngine]:
        """The model in an engine that scores given translations and shows attention."""
        if self._pair_model is None:
            self._pair_model = (
                cast("LoadedModel[PairEngine]", self._model)
                if self._open_pair_model is None
                else self._open_pair_model()
            )
        return self._pair_model

    def _with_unseen(self, source: SourceText) -> SourceText:
        """The source with its characters that training never showed; mostly the same object."""
        unseen = self._unseen.find(source.text, [part.ids for part in source.parts])
        return source._replace(unseen=unseen) if unseen else source

    def _prefix_ids(self, sources: Sequence[SourceText]) -> list[tuple[int, ...]]:
        """Pieces that the translation of each part begins with."""
        encoded = self._model.tgt_tokenizer.encode_batch([source.prefix for source in sources])
        prefix_ids: list[tuple[int, ...]] = []
        for source, ids in zip(sources, encoded, strict=True):
            num_parts = len(source.parts)
            prefix_ids += [tuple(ids), *[()] * (num_parts - 1)][:num_parts]
        return prefix_ids
