"""Schema of the tokenizer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from mtcli.config.schema.bounds import Bounds, Positive, Probability
from mtcli.config.schema.sections import Conflict, refuse, section

NormalizationRule: TypeAlias = Literal[
    "nmt_nfkc", "nmt_nfkc_cf", "nfkc", "nfkc_cf", "nfc", "identity"
]


@section
class TokenizerConfig:
    """The SentencePiece model that cuts text into pieces; trained unless one is given."""

    algorithm: Literal["unigram", "bpe"] = "bpe"
    """Segmentation model: unigram (Kudo 2018) or byte-pair encoding (Sennrich et al. 2016)."""
    shared: bool = True
    """One model for both languages; false trains one per side, and forbids
    `tied_embeddings: all`. Two given models with the same pieces, as those of OPUS-MT, allow it."""
    vocab_size: Annotated[int, Bounds(ge=16)] | Literal["auto"] = 8000
    """Pieces of each model, special pieces included; auto chooses from the size of the text, when a
    run starts."""
    model: Path | None = None
    """A trained SentencePiece model for both sides; null trains one."""
    src_model: Path | None = None
    """A trained SentencePiece model for the source side, with `shared: false`."""
    tgt_model: Path | None = None
    """A trained SentencePiece model for the target side, with `shared: false`."""
    character_coverage: Annotated[float, Bounds(gt=0, le=1)] = 1.0
    """Share of the characters that get a piece of their own; 0.9995 for Chinese or Japanese."""
    byte_fallback: bool = True
    """Spell characters that have no piece as bytes, so that nothing is unknown."""
    user_symbols: list[str] = field(default_factory=list)
    """Pieces that are never split."""
    src_normalization: NormalizationRule = "nmt_nfkc"
    """How the source is normalized before it is cut into pieces: by a rule of SentencePiece (`_cf`
    folds case), `nfc` for canonical composition alone, or `identity` for none. Invisible characters
    are removed in any case. A tokenizer that is given keeps its own normalization."""
    tgt_normalization: NormalizationRule = "nfc"
    """The same for the target. The model can never write what the rule changes: with `nmt_nfkc`
    neither full-width punctuation nor ½ or ™."""
    max_sentences: Positive = 5_000_000
    """Sentences of both sides that the model is trained on; a sample if there are more."""
    sample_src: Probability = 0.0
    """Subword regularisation of the training source: BPE-dropout probability (Provilkov et al.
    2020), or for unigram the smoothing alpha (Kudo 2018). 0 is deterministic."""
    sample_tgt: Probability = 0.0
    """The same for the training target."""

    def __post_init__(self) -> None:
        refuse(self._conflicts())

    @property
    def num_pieces(self) -> int:
        """`vocab_size` of a config whose open keys are settled."""
        if self.vocab_size == "auto":
            raise ValueError("tokenizer.vocab_size is auto: the config was not settled")
        return self.vocab_size

    def _conflicts(self) -> Iterator[Conflict]:
        if self.shared and (self.src_model or self.tgt_model):
            yield Conflict(
                ("src_model", "tgt_model", "shared"),
                "src_model and tgt_model need shared: false; with shared: true give model",
            )
        if not self.shared and self.model:
            yield Conflict(
                ("model", "shared"),
                "model needs shared: true; with shared: false give src_model and tgt_model",
            )
        if (self.src_model is None) != (self.tgt_model is None):
            yield Conflict(
                ("src_model", "tgt_model"),
                "src_model and tgt_model go together: give both or neither",
            )
