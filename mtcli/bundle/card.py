"""The facts in a model folder: languages, architecture, training and scores."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, TypeVar

from mtcli.config.plain import NotPlainError, from_plain
from mtcli.config.schema.architecture import ModelConfig
from mtcli.config.schema.bounds import NotNegative, Positive
from mtcli.config.schema.model_card import ModelCardConfig
from mtcli.config.schema.sections import section
from mtcli.config.schema.tokenizer import NormalizationRule
from mtcli.errors import ModelFolderError
from mtcli.folders import FORMAT_VERSION, read_json, refuse_newer_format

if TYPE_CHECKING:
    from pathlib import Path

_T = TypeVar("_T")

LOW_CONFIDENCE_METRIC = "low_confidence"
"""Not a score of the model: the log-probability per piece that 5 % of the translations of its
validation are below. Translations below it are marked as doubtful."""

MODEL_FORMAT_VERSION = 2
"""Version of `model.json`; 1 has no normalization, because its tokenizers apply it themselves."""


@section
class TrainingFacts:
    """How much training a model has seen."""

    num_steps: NotNegative
    """Optimizer updates."""
    num_tgt_tokens: NotNegative
    """Target tokens that carried loss, EOS included, over all steps."""
    num_pairs: NotNegative
    """Sentence pairs of the training data, after cleaning; one epoch."""
    num_tgt_tokens_computed: NotNegative | None = None
    """Target tokens that went through the model, R-Drop's second passes included, and those of the
    model that the run started from. Null in folders of an earlier mtcli."""
    sources: list[str] = field(default_factory=list)
    """Names of the training sources, without their folders. Empty in folders of an earlier
    mtcli."""

    @property
    def all_tgt_tokens(self) -> int:
        """Target tokens that went through the model; in old folders, those that carried loss."""
        return self.num_tgt_tokens_computed or self.num_tgt_tokens


@section
class ModelCard:
    """The facts about a model that its weights need to be usable."""

    format_version: Positive = MODEL_FORMAT_VERSION
    """Version of the folder's format."""
    src_lang: str
    """Source language, as a BCP 47 tag."""
    tgt_lang: str
    """Target language, as a BCP 47 tag."""
    architecture: ModelConfig
    """Everything that shapes the network, defaults included."""
    src_vocab_size: Positive
    """Pieces of the source tokenizer."""
    tgt_vocab_size: Positive
    """Pieces of the target tokenizer."""
    shared_vocab: bool
    """Whether one tokenizer serves both sides."""
    src_normalization: NormalizationRule = "identity"
    """How source text is normalized before the tokenizer reads it. Invisible characters are removed
    in any case, as mtcli.tokenizer.invisible describes."""
    tgt_normalization: NormalizationRule = "identity"
    """The same for target text: references, prefixes, and translations that are scored."""
    max_src_length: Positive
    """Longest source sentence seen in training, in pieces, EOS not counted."""
    src_characters: str | None = None
    """All characters of the training sources, sorted, as the tokenizer reads them; null if unknown:
    in folders of an earlier mtcli, and if the training started from another model."""
    pad_id: NotNegative = 0
    """Id of padding, on both sides."""
    unk_id: NotNegative = 1
    """Id of the unknown piece."""
    bos_id: NotNegative = 2
    """Id that starts a target."""
    eos_id: NotNegative = 3
    """Id that ends a source and a target."""
    training: TrainingFacts | None = None
    """How the model was trained; null if unknown."""
    about: ModelCardConfig = field(default_factory=ModelCardConfig)
    """What its maker says about it."""


@section
class ModelScore:
    """A score of a model on one set of sentences, with what it takes to reproduce it."""

    metric: str
    """For example `BLEU`, `chrF`, `loss`, or `low_confidence`, which is the limit of doubtful
    translations."""
    score: float
    """The value, on the metric's own scale."""
    signature: str
    """sacreBLEU's signature; empty for metrics without one."""
    split: str
    """Sentences that it was measured on, for example `valid`."""
    beam_size: Positive | None = None
    """Beam size of the translations; null if nothing was translated."""
    num_pairs: Positive | None = None
    """Sentence pairs that it was measured on."""


@section
class ScoreList:
    """The contents of `scores.json`."""

    format_version: Positive = FORMAT_VERSION
    """Version of the folder's format."""
    scores: list[ModelScore]
    """In no particular order."""


def read_checked(path: Path, kind: type[_T]) -> _T:
    """Read a JSON file of a model folder as an object of class `kind`.

    Keys that are missing take the defaults of `kind`, so that folders of an older mtcli are read.

    Raises:
        ModelFolderError: the file is missing, not JSON, of a newer format, or a value is wrong.
    """
    content = read_json(path, ModelFolderError)
    version = content.get("format_version", 1) if isinstance(content, dict) else 1
    if isinstance(version, int):
        newest = getattr(kind, "format_version", FORMAT_VERSION)
        refuse_newer_format(path, version, ModelFolderError, newest)
    try:
        return from_plain(kind, content)
    except NotPlainError:
        return _converted(path, kind, content)


def _converted(path: Path, kind: type[_T], content: object) -> _T:
    """Validate with pydantic; only here, because importing it costs 0.1 s."""
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(kind).validate_python(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = f" at `{'.'.join(map(str, first['loc']))}`" if first["loc"] else ""
        raise ModelFolderError(f"{path} is invalid{where}: {first['msg']}") from error
