"""Open a translator: the one way from a request to a model that translates.

The command line, `Translator.load`, validation, export and bench all come through here. `prepare`
tells everything that is wrong with a request before torch is imported, which takes seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from mtcli.bundle.languages import with_languages
from mtcli.bundle.model_folder import Bundle, read_model
from mtcli.decoding.options import Sampling
from mtcli.engines.choice import EngineChoice, EngineOptions, choose_engine, load_engine
from mtcli.engines.ensemble import check_ensemble
from mtcli.engines.protocol import Engine, PairEngine
from mtcli.errors import ConfigError
from mtcli.runs.resolve import resolve_model
from mtcli.translating.documents import check_documents
from mtcli.translating.loaded_model import LoadedModel, model_of
from mtcli.translating.options import TranslateOptions
from mtcli.translating.scoring import PairScorer
from mtcli.translating.sentences import load_splitter
from mtcli.translating.translator import Translator


@dataclass(frozen=True, kw_only=True)
class TranslationRequest:
    """What should translate, and how."""

    models: tuple[Path | str, ...] = ()
    """Run folders or model folders. Several are an ensemble; the first says how to translate."""
    loaded: LoadedModel[Engine] | None = None
    """A model in memory, instead of `models`."""
    checkpoint: str = "best"
    """Which model of a run: `best` (else the last), `last` or `step_N`."""
    src_lang: str | None = None
    """Source language, of a model that knows several; None: its default, or its only one."""
    tgt_lang: str | None = None
    """The same of the target."""
    engine: EngineOptions = EngineOptions()
    """What runs the model, and where; without meaning for a model in memory."""
    overrides: Mapping[str, object] = field(default_factory=dict)
    """`beam_size`, `normalization`, `length_penalty`, `stop`, `max_length` and `batch_size` that
    replace those of the model's `generation.json`; None replaces nothing."""
    num_hypotheses: int = 1
    """Translations wanted of each text; at most `beam_size`, except when sampling."""
    with_scores: bool = True
    """False where nobody looks at scores: see `SearchOptions`."""
    no_repeat_ngram: int = 0
    """See `SearchOptions`."""
    repetition_penalty: float = 1.0
    """See `SearchOptions`."""
    sampling: Sampling | None = None
    """Draw translations at random; None searches."""
    splits_sentences: bool = False
    """Translate the sentences of a text one by one; without meaning for a model in memory."""
    retries: bool = True
    """Translate once more, with other settings, what repeats itself."""
    has_alignments: bool = False
    """Say which words of a translation come from which words of the source."""
    reads_documents: bool = False
    """Translate neighbouring lines together; a blank line ends a document."""
    has_prefixes: bool = False
    """Whether `Translator.begin` will be given prefixes."""


@dataclass(frozen=True)
class PreparedRequest:
    """A request that was checked; its model is not loaded yet."""

    request: TranslationRequest
    bundles: tuple[Bundle, ...]
    """The model folders that were chosen; empty for a model in memory."""
    options: TranslateOptions
    choice: EngineChoice | None
    """The engine; None for a model in memory."""

    def open(self) -> Translator:
        """Load the model.

        Raises:
            ModelFolderError: the weights or the export are damaged.
            DeviceError: the device or the precision is not available.
        """
        if self.choice is None:
            return Translator(self.load_model(), self.options)
        return Translator(
            self.load_model(),
            self.options,
            name=" + ".join(str(bundle.path) for bundle in self.bundles),
            open_pair_model=None
            if self.choice.record is None  # torch, which scores too
            else lambda: prepare_scorer(self.request).pair_model(),
        )

    def open_scorer(self) -> PairScorer:
        """Load the model in an engine that scores given translations; see `open`."""
        return PairScorer(self.pair_model())

    def pair_model(self) -> LoadedModel[PairEngine]:
        """Load the model in an engine that scores; only of a request from `prepare_scorer`."""
        return cast("LoadedModel[PairEngine]", self.load_model())

    def load_model(self) -> LoadedModel[Engine]:
        """Load the model alone; see `open`."""
        if self.request.loaded is not None:
            return self.request.loaded
        assert self.choice is not None
        # first, because it goes on getting ready while the tokenizers are read
        engine = load_engine(self.bundles, self.request.engine, self.choice)
        return model_of(self.bundles, engine)


def prepare(request: TranslationRequest) -> PreparedRequest:
    """Check a request, and choose model folders and engine, without loading the model.

    Raises:
        ModelFolderError: there is no such model, or it is damaged, or the models of an ensemble
            have other vocabularies.
        ConfigError: an option is out of range, a package is missing, a language is unknown or not
            chosen, or the engine that was asked for does not support the request.
    """
    if request.loaded is not None:
        of_model = TranslateOptions.of_model(request.loaded.generation)
        return PreparedRequest(request, (), _options(request, of_model), None)
    bundles = tuple(
        _with_languages(
            read_model(resolve_model(Path(path), request.checkpoint), check_weights=False), request
        )
        for path in request.models
    )
    check_ensemble(bundles)
    if request.reads_documents:
        _check_documents(request, bundles)
    options = _options(request, TranslateOptions.of_model(bundles[0].generation))
    if request.splits_sentences:
        options = replace(options, splitter=load_splitter(bundles[0].card.src_lang))
    only_torch = (
        "alignments" if request.has_alignments else "prefixes" if request.has_prefixes else ""
    )
    choice = choose_engine(bundles, request.engine, options.search, only_torch)
    return PreparedRequest(request, bundles, options, choice)


def open_translator(request: TranslationRequest) -> Translator:
    """Check a request and load its model; errors are those of `prepare` and of loading."""
    return prepare(request).open()


def open_scorer(request: TranslationRequest) -> PairScorer:
    """Open a scorer of given translations, which torch runs; errors as for `open_translator`."""
    return prepare_scorer(request).open_scorer()


def prepare_scorer(request: TranslationRequest) -> PreparedRequest:
    """As `prepare`, for a scorer: only torch scores given translations."""
    return prepare(replace(request, engine=replace(request.engine, engine="torch")))


def _with_languages(bundle: Bundle, request: TranslationRequest) -> Bundle:
    """The model folder, whose card has the languages that were chosen."""
    card = with_languages(bundle.path, bundle.card, request.src_lang, request.tgt_lang)
    return replace(bundle, card=card)


def _options(request: TranslationRequest, of_model: TranslateOptions) -> TranslateOptions:
    """The model's options with what the request says."""
    options = of_model.with_overrides(
        {
            **request.overrides,
            "num_hypotheses": request.num_hypotheses,
            "with_scores": request.with_scores,
            "no_repeat_ngram": request.no_repeat_ngram,
            "repetition_penalty": request.repetition_penalty,
            "sampling": request.sampling,
        }
    )
    return replace(
        options,
        retries=request.retries,
        has_alignments=request.has_alignments,
        reads_documents=request.reads_documents,
    )


def _check_documents(request: TranslationRequest, bundles: Sequence[Bundle]) -> None:
    """Refuse models that know no documents, and what needs one translation for each line.

    Raises:
        ConfigError: a model was not trained on documents, or an option does not go with them.
    """
    for bundle in bundles:
        check_documents(bundle.card.documents, bundle.path)
    for name, is_on in (
        ("several translations of a line", request.num_hypotheses > 1),
        ("alignments", request.has_alignments),
        ("prefixes", request.has_prefixes),
        ("sentences one by one", request.splits_sentences),
    ):
        if is_on:
            raise ConfigError(
                f"`--documents` does not go with {name}: the lines of a document have one"
                " translation together",
                hint="remove one of the two",
            )
