"""The facts in a model folder: languages, architecture, training and scores."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Literal, TypeVar

from mtcli.config.plain import NotPlainError, from_plain
from mtcli.config.schema.architecture import ModelConfig
from mtcli.config.schema.bounds import NotNegative, Positive
from mtcli.config.schema.model_card import ModelCardConfig
from mtcli.config.schema.sections import section
from mtcli.config.schema.tokenizer import NormalizationRule
from mtcli.errors import ModelFolderError
from mtcli.folders import FORMAT_VERSION, read_json, refuse_newer_format
from mtcli.tokenizer.protocol import BOS_ID, EOS_ID, PAD_ID, UNK_ID

if TYPE_CHECKING:
    from pathlib import Path

_T = TypeVar("_T")

LOW_CONFIDENCE_METRIC = "low_confidence"
"""Not a score of the model: the log-probability per piece that 5 % of the translations of its
validation are below. Translations below it are marked as doubtful."""

_FEWEST_POSITIONS = 2
"""One piece, and EOS."""

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
class DocumentFacts:
    """How a model reads documents: sentences joined by the piece SEPARATOR of its tokenizers."""

    max_pieces: Positive
    """Most pieces that were read together in training, on either side, separators counted."""
    max_sentences: Positive | None = None
    """Most sentences that were read together; null: as many as `max_pieces` allows."""


@section
class ImportFacts:
    """Where a model of another toolkit came from."""

    toolkit: str
    """For people: `Hugging Face (MarianMTModel)`."""
    source: str
    """Its id on the Hugging Face hub, or the name of its folder or file."""
    revision: str | None = None
    """Commit on the hub; null: it was not downloaded."""


@section
class LanguageTags:
    """The languages of a model that translates between several, which special pieces name."""

    src: dict[str, NotNegative] = field(default_factory=dict)
    """Source languages, each with the id of the piece that its texts begin with. Empty if the model
    is not told the source language."""
    tgt: dict[str, NotNegative] = field(default_factory=dict)
    """Target languages, each with the id of the piece that names it."""
    tgt_side: Literal["src", "tgt"] = "tgt"
    """Where the piece of the target language is: before the source, or before the target."""


@section
class ModelCard:
    """The facts about a model that its weights need to be usable."""

    format_version: Positive = MODEL_FORMAT_VERSION
    """Version of the folder's format."""
    src_lang: str
    """Source language, as a BCP 47 tag; `mul` if it must be chosen among those of `languages`."""
    tgt_lang: str
    """Target language, as a BCP 47 tag; `mul` if it must be chosen."""
    languages: LanguageTags | None = None
    """Set if the model translates between several languages."""
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
    documents: DocumentFacts | None = None
    """Set if the model was trained on documents."""
    pad_id: NotNegative = 0
    """Id of padding, on both sides."""
    unk_id: NotNegative = 1
    """Id of the unknown piece."""
    bos_id: NotNegative = 2
    """Id that starts a target."""
    eos_id: NotNegative = 3
    """Id that ends a source and a target."""
    src_separator_id: NotNegative | None = None
    """Id of the piece between the sentences of a source document, if the encoder's attention sees
    it from everywhere; else null."""
    tgt_separator_id: NotNegative | None = None
    """The same of a target document and the decoder."""
    training: TrainingFacts | None = None
    """How the model was trained; null if unknown."""
    imported: ImportFacts | None = None
    """Set if `mtcli import` made the model folder."""
    about: ModelCardConfig = field(default_factory=ModelCardConfig)
    """What its maker says about it."""

    @property
    def separators(self) -> tuple[int, int] | None:
        """Ids of the pieces between sentences, of source and target; None if attention needs none.

        A side whose attention needs none gets the other's, which is not looked for.
        """
        src, tgt = self.src_separator_id, self.tgt_separator_id
        if src is None:
            return None if tgt is None else (tgt, tgt)
        return src, src if tgt is None else tgt


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
    low: float | None = None
    """Lower end of its 95 % interval, by bootstrap; null if it was not computed."""
    high: float | None = None
    """Upper end of it."""


@section
class ScoreList:
    """The contents of `scores.json`."""

    format_version: Positive = FORMAT_VERSION
    """Version of the folder's format."""
    scores: list[ModelScore]
    """In no particular order."""


def check_card(path: Path, card: ModelCard) -> None:
    """Check what the values of a card must have in common.

    Raises:
        ModelFolderError: no model has such a card.
    """
    if card.src_vocab_size != card.tgt_vocab_size and (
        card.shared_vocab or card.architecture.tied_embeddings == "all"
    ):
        raise ModelFolderError(
            f"{path} is invalid: one vocabulary serves both sides, but it has"
            f" {card.src_vocab_size} source pieces and {card.tgt_vocab_size} target pieces"
        )
    ids = (card.pad_id, card.unk_id, card.bos_id, card.eos_id)
    if ids != (PAD_ID, UNK_ID, BOS_ID, EOS_ID):
        raise ModelFolderError(
            f"{path} is invalid: `pad_id`, `unk_id`, `bos_id` and `eos_id` must be {PAD_ID},"
            f" {UNK_ID}, {BOS_ID} and {EOS_ID}, found {', '.join(map(str, ids))}"
        )
    if min(card.src_vocab_size, card.tgt_vocab_size) <= max(ids):
        raise ModelFolderError(
            f"{path} is invalid: a vocabulary has at least the {len(ids)} special pieces"
        )
    architecture = card.architecture
    for side, attention, size in (
        ("src", architecture.encoder_attention, card.src_vocab_size),
        ("tgt", architecture.decoder_attention, card.tgt_vocab_size),
    ):
        found = card.src_separator_id if side == "src" else card.tgt_separator_id
        if attention.sees_separators and (found is None or found >= size):
            raise ModelFolderError(
                f"{path} is invalid: its attention sees separators of sentences, so"
                f" `{side}_separator_id` must be a piece, found {found}"
            )
    if card.architecture.max_positions < _FEWEST_POSITIONS:
        raise ModelFolderError(
            f"{path} is invalid: `max_positions` must be at least {_FEWEST_POSITIONS}, found"
            f" {card.architecture.max_positions}"
        )


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
