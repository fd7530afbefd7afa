"""Schema of a training config: plain frozen dataclasses, no I/O, no torch.

The docstring under each field is its documentation everywhere: `mtcli config template` prints it
and the JSON schema carries it, so it cannot drift. Constraints are `annotated_types` marks, so that
importing the schema does not import pydantic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from annotated_types import Ge, Gt, Le, Lt, MinLen

from mtcli.config.regularization import RegularizationConfig, is_ever_on
from mtcli.config.sections import ByKind, Conflict, refuse, section

Positive: TypeAlias = Annotated[int, Gt(0)]
NotNegative: TypeAlias = Annotated[int, Ge(0)]
PositiveFloat: TypeAlias = Annotated[float, Gt(0)]
NotNegativeFloat: TypeAlias = Annotated[float, Ge(0)]
Probability: TypeAlias = Annotated[float, Ge(0), Lt(1)]
Fraction: TypeAlias = Annotated[float, Ge(0), Le(1)]


# ------------------------------------------------------------------------------------------ data


@section
class TextSource:
    """Two text files, line i of one being the translation of line i of the other."""

    kind: Literal["text"] = "text"
    src: Path
    """Source-side text, one sentence a line; `.gz` is read as such."""
    tgt: Path
    """Target-side text, as many lines as `src`."""


@section
class TsvSource:
    """One file with tab-separated columns. There is no quoting: a tab is always a column's end."""

    kind: Literal["tsv"]
    path: Path
    """The file; `.gz` is read as such."""
    src_column: NotNegative = 0
    """Column of the source text, counted from 0."""
    tgt_column: NotNegative = 1
    """Column of the target text, counted from 0."""


@section
class TableSource:
    """A file with named columns, read by the `datasets` library."""

    kind: Literal["csv", "jsonl", "parquet", "arrow"]
    path: Path
    """The file."""
    src_field: str
    """Column of the source text; a dot enters a nested object (`translation.en`)."""
    tgt_field: str
    """Column of the target text; a dot enters a nested object (`translation.de`)."""


@section
class HubSource:
    """A data set of the Hugging Face hub, read by the `datasets` library."""

    kind: Literal["hub"]
    name: str
    """Data set id, for instance `bentrevett/multi30k`."""
    split: str
    """Split, for instance `train`."""
    src_field: str
    """Column of the source text; a dot enters a nested object (`translation.en`)."""
    tgt_field: str
    """Column of the target text; a dot enters a nested object (`translation.de`)."""
    subset: str | None = None
    """Configuration of the data set, where it has several."""
    revision: str | None = None
    """Commit or tag of the data set; null takes the newest."""
    local_src: Path | None = None
    """Source-side text file under `data.root`: read instead of the hub when `data.root` is set."""
    local_tgt: Path | None = None
    """Target-side text file under `data.root`: read instead of the hub when `data.root` is set."""

    def __post_init__(self) -> None:
        if (self.local_src is None) != (self.local_tgt is None):
            together = "local_src and local_tgt go together: give both or neither"
            refuse([Conflict(("local_src", "local_tgt"), together)])


Source: TypeAlias = Annotated[TextSource | TsvSource | TableSource | HubSource, ByKind()]


@section
class DataConfig:
    """Where the sentence pairs come from, and which of them are trained on."""

    root: Path | None = None
    """Folder put before relative paths in `train` and `valid`; null leaves them as they are."""
    train: Annotated[list[Source], MinLen(1)]
    """Training sources, read one after the other."""
    valid: Annotated[list[Source], MinLen(1)] | None = None
    """Validation sources. Null holds out min(1000, 2 %) of the training pairs, chosen by `seed`."""
    cache_dir: Path | None = None
    """Folder of tokenised stores, shared by runs. Null: `.cache` beside `run_dir`."""
    max_length: Positive = 256
    """Longest side of a training pair, in subword pieces without EOS; longer pairs are dropped."""
    max_length_ratio: Annotated[float, Ge(1)] | None = None
    """Drop training pairs whose longer side has over this many times the pieces of the shorter."""
    drop_identical: bool = False
    """Drop training pairs whose target equals their source."""
    drop_duplicates: bool = False
    """Keep only the first of training pairs that are equal on both sides."""
    prefetch_batches: Positive = 8
    """Updates that are prepared ahead in the background."""


# ------------------------------------------------------------------------------------- tokenizer


@section
class TokenizerConfig:
    """The SentencePiece model that cuts text into pieces; trained on the training text if none."""

    algorithm: Literal["unigram", "bpe"] = "bpe"
    """Segmentation model: unigram (Kudo 2018) or byte-pair encoding (Sennrich et al. 2016)."""
    shared: bool = True
    """One model for both languages; false trains one per side, and forbids
    `tied_embeddings: all`."""
    vocab_size: Annotated[int, Ge(16)] = 8000
    """Pieces of each model, special ones included."""
    model: Path | None = None
    """A trained SentencePiece model for both sides; null trains one."""
    src_model: Path | None = None
    """A trained SentencePiece model for the source side, with `shared: false`."""
    tgt_model: Path | None = None
    """A trained SentencePiece model for the target side, with `shared: false`."""
    character_coverage: Annotated[float, Gt(0), Le(1)] = 1.0
    """Share of the characters that get a piece of their own; 0.9995 for Chinese or Japanese."""
    byte_fallback: bool = True
    """Spell characters that have no piece as bytes, so that nothing is unknown."""
    user_symbols: list[str] = field(default_factory=list)
    """Pieces that are never cut."""
    normalization: Literal["nmt_nfkc", "nmt_nfkc_cf", "nfkc", "nfkc_cf", "identity"] = "nmt_nfkc"
    """SentencePiece's normalisation rule; `_cf` folds case."""
    max_sentences: Positive = 5_000_000
    """Sentences, over both sides, that the model is trained on: a sample seeded by `seed`."""
    sample_src: Probability = 0.0
    """Subword regularisation of the training source: BPE-dropout probability (Provilkov et al.
    2020), or for unigram the smoothing alpha (Kudo 2018). 0 is deterministic."""
    sample_tgt: Probability = 0.0
    """The same for the training target."""

    def __post_init__(self) -> None:
        refuse(self._conflicts())

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


# ----------------------------------------------------------------------------------------- model


@section
class ModelConfig:
    """Encoder-decoder Transformer (Vaswani et al. 2017, and what was learned since)."""

    d_model: Positive = 512
    """Width of the residual stream."""
    encoder_layers: Positive = 6
    """Layers of the encoder."""
    decoder_layers: Positive = 6
    """Layers of the decoder."""
    num_heads: Positive = 8
    """Attention heads."""
    num_kv_heads: Positive | None = None
    """Heads of keys and values, shared by groups of query heads (Ainslie et al. 2023); null: as
    many."""
    head_dim: Positive | None = None
    """Width of one head; null: d_model / num_heads."""
    d_ff: Positive = 2048
    """Inner width of the feed-forward blocks."""
    decoder_num_heads: Positive | None = None
    """Attention heads of the decoder; null: as the encoder."""
    decoder_d_ff: Positive | None = None
    """Inner width of the decoder's feed-forward blocks; null: as the encoder."""
    norm: Literal["layer", "rms"] = "layer"
    """LayerNorm (Ba et al. 2016) or RMSNorm (Zhang & Sennrich 2019)."""
    norm_position: Literal["pre", "post"] = "pre"
    """Normalise before each block, and once more at the end (pre), or after each sum (post)."""
    norm_eps: PositiveFloat = 1e-5
    """Added to the variance in norms."""
    activation: Literal["relu", "gelu", "silu"] = "relu"
    """Non-linearity of the feed-forward blocks."""
    gated: bool = False
    """Gated feed-forward (Shazeer 2020): with silu this is SwiGLU. Adds a third matrix of d_ff."""
    positions: Literal["sinusoidal", "learned", "rotary"] = "sinusoidal"
    """Sinusoidal (Vaswani et al. 2017), learned, or rotary (Su et al. 2021) positions."""
    max_positions: Positive = 1024
    """Rows of the learned position table, and the longest input or output of any positions."""
    bias: bool = True
    """Biases in linear layers and LayerNorm (RMSNorm has none)."""
    tied_embeddings: Literal["all", "decoder", "none"] = "all"
    """Share source embedding, target embedding and output projection (all), the latter two
    (decoder), or none."""
    scale_embeddings: bool = True
    """Multiply embeddings by sqrt(d_model)."""
    dropout: Probability = 0.1
    """Dropout on the output of every block before it joins the residual stream."""
    attention_dropout: Probability = 0.0
    """Dropout on attention weights."""
    activation_dropout: Probability = 0.0
    """Dropout on the inner layer of feed-forward blocks."""
    embedding_dropout: Probability | None = None
    """Dropout on the sum of embedding and position; null: as `dropout`."""

    def __post_init__(self) -> None:
        refuse(self._conflicts())

    def _conflicts(self) -> Iterator[Conflict]:
        for name, heads in (
            ("num_heads", self.num_heads),
            ("decoder_num_heads", self.decoder_num_heads),
        ):
            if heads is None:
                continue
            if self.head_dim is None and self.d_model % heads:
                yield Conflict(
                    (name, "d_model"),
                    f"d_model ({self.d_model}) must be a multiple of {name} ({heads}),"
                    " or set head_dim",
                )
            elif self.positions == "rotary" and (self.head_dim or self.d_model // heads) % 2:
                width = self.head_dim or f"{self.d_model // heads}: d_model / {name}"
                yield Conflict(
                    ("positions", "head_dim", name, "d_model"),
                    f"rotary positions need an even head_dim, not {width}",
                )
            if self.num_kv_heads is not None and heads % self.num_kv_heads:
                yield Conflict(
                    ("num_kv_heads", name),
                    f"{name} ({heads}) must be a multiple of num_kv_heads ({self.num_kv_heads})",
                )
        if self.positions == "sinusoidal" and self.d_model % 2:
            yield Conflict(
                ("d_model", "positions"),
                f"sinusoidal positions need an even d_model, not {self.d_model}",
            )


# ---------------------------------------------------------------------------- optim and schedule


@section
class AdamWConfig:
    """AdamW (Loshchilov & Hutter 2019); with weight_decay 0 it is Adam (Kingma & Ba 2015)."""

    kind: Literal["adamw"] = "adamw"
    lr: PositiveFloat = 5e-4
    """Peak learning rate; the schedule multiplies it."""
    betas: tuple[Fraction, Fraction] = (0.9, 0.98)
    """Decay of the first and second moment."""
    eps: PositiveFloat = 1e-9
    """Added to the root of the second moment."""
    weight_decay: NotNegativeFloat = 0.0
    """Decoupled weight decay of matrices; norms, biases and embeddings are spared."""
    clip_norm: NotNegativeFloat = 1.0
    """Largest norm of the gradient of the mean loss per target token; 0 does not clip."""


@section
class AdamConfig:
    """Adam (Kingma & Ba 2015), whose weight decay is added to the gradient (L2), as in torch."""

    kind: Literal["adam"]
    lr: PositiveFloat = 5e-4
    """Peak learning rate; the schedule multiplies it."""
    betas: tuple[Fraction, Fraction] = (0.9, 0.98)
    """Decay of the first and second moment."""
    eps: PositiveFloat = 1e-9
    """Added to the root of the second moment."""
    weight_decay: NotNegativeFloat = 0.0
    """L2 penalty of matrices; norms, biases and embeddings are spared."""
    clip_norm: NotNegativeFloat = 1.0
    """Largest norm of the gradient of the mean loss per target token; 0 does not clip."""


@section
class SgdConfig:
    """Stochastic gradient descent with momentum (Sutskever et al. 2013)."""

    kind: Literal["sgd"]
    lr: PositiveFloat = 0.1
    """Peak learning rate; the schedule multiplies it."""
    momentum: Probability = 0.9
    """Decay of the momentum; 0 has none."""
    nesterov: bool = False
    """Nesterov's form of the momentum."""
    weight_decay: NotNegativeFloat = 0.0
    """L2 penalty of matrices; norms, biases and embeddings are spared."""
    clip_norm: NotNegativeFloat = 1.0
    """Largest norm of the gradient of the mean loss per target token; 0 does not clip."""

    def __post_init__(self) -> None:
        if self.nesterov and not self.momentum:
            refuse([Conflict(("nesterov", "momentum"), "nesterov: true needs a momentum above 0")])


@section
class MuonConfig:
    """Muon (Jordan et al. 2024) for the hidden matrices, AdamW for embeddings, norms and biases."""

    kind: Literal["muon"]
    lr: PositiveFloat = 0.02
    """Peak learning rate of the hidden matrices; the schedule multiplies it."""
    momentum: Probability = 0.95
    """Decay of Muon's momentum (Nesterov's form)."""
    weight_decay: NotNegativeFloat = 0.0
    """Decoupled weight decay of the hidden matrices."""
    adam_lr: PositiveFloat = 4e-3
    """Peak learning rate of everything else; the same schedule multiplies it."""
    adam_schedule_power: NotNegativeFloat = 1.0
    """What everything else follows is the schedule's multiplier to this power: 1 is the same
    schedule, 0 a constant rate, 2 one that falls (and warms up) faster."""
    betas: tuple[Fraction, Fraction] = (0.9, 0.98)
    """Decay of AdamW's first and second moment."""
    eps: PositiveFloat = 1e-9
    """Added to the root of AdamW's second moment."""
    clip_norm: NotNegativeFloat = 1.0
    """Largest norm of the gradient of the mean loss per target token; 0 does not clip."""


Optim: TypeAlias = Annotated[AdamWConfig | AdamConfig | SgdConfig | MuonConfig, ByKind()]


@section
class InverseSqrtConfig:
    """Linear warm-up, then lr * sqrt(warmup / step) (Vaswani et al. 2017, equation 3, rescaled)."""

    kind: Literal["inverse_sqrt"] = "inverse_sqrt"
    warmup_steps: Positive = 4000
    """Steps until the peak."""


@section
class CosineConfig:
    """Linear warm-up, then half a cosine down to final_ratio at the last step."""

    kind: Literal["cosine"]
    warmup_steps: NotNegative = 1000
    """Steps until the peak."""
    final_ratio: Fraction = 0.0
    """Learning rate at the last step, as a share of the peak."""
    fit: Literal["steps", "budget"] = "steps"
    """Where the last step is: at the stop condition of `training`, or, with `budget`, where the
    throughput of the first 100 steps says that `--budget` ends."""


@section
class LinearConfig:
    """Linear warm-up, then a straight line down to final_ratio at the last step."""

    kind: Literal["linear"]
    warmup_steps: NotNegative = 1000
    """Steps until the peak."""
    final_ratio: Fraction = 0.0
    """Learning rate at the last step, as a share of the peak."""
    fit: Literal["steps", "budget"] = "steps"
    """As in cosine."""


@section
class WsdConfig:
    """Warm-up, stable, decay (Hu et al. 2024): constant, then linear to final_ratio."""

    kind: Literal["wsd"]
    warmup_steps: NotNegative = 1000
    """Steps until the peak."""
    decay_ratio: Annotated[float, Gt(0), Le(1)] = 0.2
    """Share of all steps, at the end, over which the learning rate falls."""
    final_ratio: Fraction = 0.0
    """Learning rate at the last step, as a share of the peak."""
    fit: Literal["steps", "budget"] = "steps"
    """As in cosine."""


@section
class PlateauConfig:
    """Linear warm-up, then multiplied by factor when validation has not improved for a while."""

    kind: Literal["plateau"]
    warmup_steps: NotNegative = 1000
    """Steps until the peak."""
    factor: Annotated[float, Gt(0), Lt(1)] = 0.7
    """What the learning rate is multiplied by."""
    patience: Positive = 3
    """Validations without a better score before it is."""
    min_ratio: Fraction = 0.01
    """Smallest learning rate, as a share of the peak."""


Schedule: TypeAlias = Annotated[
    InverseSqrtConfig | CosineConfig | LinearConfig | WsdConfig | PlateauConfig, ByKind()
]


# ------------------------------------------------------------------------------ batch and training


@section
class BatchConfig:
    """How many sentence pairs make an update, and how many go through the model at once."""

    tokens_per_update: Positive = 4096
    """Non-padding target tokens of one optimizer update, EOS included, over all processes."""
    max_tokens: Positive = 4096
    """Padded cells of the longer side in a micro-batch: sentences times longest length. Bounds
    memory; more tokens an update than fit are accumulated over several micro-batches."""


@section
class TrainingConfig:
    """When to stop, on what to compute, and how."""

    max_steps: Positive | None = None
    """Stop after this many updates."""
    max_epochs: Positive | None = None
    """Stop after this many passes over the data."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to compute; auto takes cuda, then mps, then cpu."""
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """Arithmetic of the matrix products; auto takes bf16 where the hardware has it, else fp32."""
    parallel: Literal["ddp", "fsdp"] = "ddp"
    """What several processes share: the batches (ddp), or also weights, gradients, averages and
    optimizer state, of which each then holds its part (fsdp): for models that do not fit one GPU
    otherwise. Checkpoints are the same, so it may change on resume. One process shares nothing."""
    compile: bool = False
    """Compile encoder and decoder with torch.compile for training: a minute or more before the
    first update, then a faster step where kernels are small; `mtcli bench` says whether it pays.
    Not with layer dropout, nor with fsdp."""
    label_smoothing: Probability = 0.1
    """Probability mass spread evenly over the vocabulary (Szegedy et al. 2016)."""
    ema_decay: Annotated[float, Gt(0), Lt(1)] | None = None
    """Decay per step of an exponential moving average of the weights, which is then what is
    validated and saved as model; null keeps none."""
    init_from: Path | None = None
    """Model folder, or run folder whose best model, to start from (fine-tuning): its weights, and
    its tokenizer where `tokenizer` names none. The optimizer starts afresh."""
    init_tokenizer: Literal["same", "any"] = "same"
    """With `init_from`: `same` refuses a tokenizer that is not the model's; `any` leaves embeddings
    and output projection at random, so that the tokenizer may be another."""
    log_every_steps: Positive = 50
    """Steps between lines of the log."""

    def __post_init__(self) -> None:
        if self.compile and self.parallel == "fsdp":
            message = "compile does not go with parallel: fsdp; choose one"
            refuse([Conflict(("compile", "parallel"), message)])


@section
class ValidationConfig:
    """How a model is judged while it trains."""

    every_steps: Positive | None = None
    """Steps between validations; null: once an epoch."""
    best_by: Literal["bleu", "chrf", "loss"] = "bleu"
    """What chooses the best model."""
    patience: Positive | None = None
    """Stop after this many validations without a better score; null never does."""
    beam_size: Positive = 1
    """Beam of the validation's translations; 1 is greedy."""
    bleu_tokenize: str | None = None
    """sacreBLEU's tokenisation; null follows tgt_lang: zh, ja-mecab, ko-mecab, else 13a."""
    lowercase: bool = False
    """Score BLEU and chrF without regard to case."""
    max_pairs: Positive | None = None
    """Use only the first so many validation pairs; null uses all."""


@section
class DecodingConfig:
    """How a finished model translates unless told otherwise."""

    beam_size: Positive = 5
    """Width of the beam; 1 is greedy."""
    normalization: Literal["average", "gnmt", "none"] = "average"
    """Score of a hypothesis: log-probability / length**a (average), / ((5 + length) / 6)**a (gnmt;
    Wu et al. 2016, equation 14), or undivided."""
    length_penalty: NotNegativeFloat = 1.0
    """The exponent a above."""
    max_length: Positive = 256
    """Longest output, in pieces."""
    batch_size: Positive = 64
    """Sentences that are translated at once."""
    alignment_layer: NotNegative | None = None
    """Decoder layer, counted from 0, whose attention to the source gives alignments; null takes the
    second-last (Garg et al. 2019), of a single layer that one."""
    alignment_heads: Annotated[list[NotNegative], MinLen(1)] | None = None
    """Heads of that layer, counted from 0, whose attention is averaged; null takes all."""


@section
class CheckpointsConfig:
    """What is kept of a run."""

    every_steps: Positive | None = None
    """Steps between checkpoints, besides the one at each validation; null writes no others."""
    keep_last: Positive = 2
    """Newest checkpoints that are kept, and newest models. The best model is kept whatever this
    says."""
    keep_best: Positive = 1
    """Best models that are kept, by `validation.best_by`, for `mtcli average --best`."""
    average_last: Positive = 1
    """Validate and save the mean weights of the last so many checkpoints; 1 does not average."""


# ------------------------------------------------------------------------------- the whole config


def _tied_embeddings_need_one_vocabulary(
    tokenizer: TokenizerConfig, model: ModelConfig
) -> Iterator[Conflict]:
    if not tokenizer.shared and model.tied_embeddings == "all":
        yield Conflict(
            ("model.tied_embeddings", "tokenizer.shared"),
            "model.tied_embeddings: all needs tokenizer.shared: true; set it to decoder or none",
        )


def _one_pair_fits_a_batch(batch: BatchConfig, data: DataConfig) -> Iterator[Conflict]:
    longest = data.max_length + 1
    for name, size in (
        ("max_tokens", batch.max_tokens),
        ("tokens_per_update", batch.tokens_per_update),
    ):
        if size < longest:
            yield Conflict(
                (f"batch.{name}", "data.max_length"),
                f"batch.{name} ({size}) must be at least data.max_length + 1 ({longest}),"
                " or one pair may not fit",
            )


def _one_pair_has_positions(model: ModelConfig, data: DataConfig) -> Iterator[Conflict]:
    longest = data.max_length + 1
    if longest > model.max_positions:
        yield Conflict(
            ("model.max_positions", "data.max_length"),
            f"model.max_positions ({model.max_positions}) must be at least"
            f" data.max_length + 1 ({longest})",
        )


def _one_way_to_average(
    training: TrainingConfig, checkpoints: CheckpointsConfig
) -> Iterator[Conflict]:
    if training.ema_decay is not None and checkpoints.average_last > 1:
        yield Conflict(
            ("checkpoints.average_last", "training.ema_decay"),
            "training.ema_decay and checkpoints.average_last are two ways to average: choose one",
        )


def _the_model_has_what_aligns(model: ModelConfig, decoding: DecodingConfig) -> Iterator[Conflict]:
    layer, heads = decoding.alignment_layer, decoding.alignment_heads
    if layer is not None and layer >= model.decoder_layers:
        yield Conflict(
            ("decoding.alignment_layer", "model.decoder_layers"),
            f"decoding.alignment_layer ({layer}) must be below model.decoder_layers"
            f" ({model.decoder_layers}): layers are counted from 0",
        )
    num_heads = model.decoder_num_heads or model.num_heads
    if heads is not None and max(heads) >= num_heads:
        yield Conflict(
            ("decoding.alignment_heads", "model.num_heads"),
            f"decoding.alignment_heads ({heads}) must be numbers below the decoder's {num_heads}"
            " heads: heads are counted from 0",
        )


def _compiling_takes_every_layer(
    training: TrainingConfig, regularization: RegularizationConfig
) -> Iterator[Conflict]:
    if training.compile and is_ever_on(regularization.layer_dropout):
        yield Conflict(
            ("training.compile", "regularization.layer_dropout"),
            "training.compile does not go with regularization.layer_dropout, whose draws no"
            " compiled graph can hold: choose one",
        )


CROSS_CHECKS: tuple[tuple[tuple[str, str], Callable[..., Iterator[Conflict]]], ...] = (
    (("tokenizer", "model"), _tied_embeddings_need_one_vocabulary),
    (("batch", "data"), _one_pair_fits_a_batch),
    (("model", "data"), _one_pair_has_positions),
    (("training", "checkpoints"), _one_way_to_average),
    (("model", "decoding"), _the_model_has_what_aligns),
    (("training", "regularization"), _compiling_takes_every_layer),
)
"""Which sections each check compares: the loader runs those whose sections are sound, even where
another section is not, so that all problems are reported at once."""


@section
class TrainConfig:
    """A whole training run."""

    preset: Literal["tiny", "low-resource", "base", "big", "student"] | None = None
    """Recipe whose values take the place of the defaults: see docs/recipes.md. A section of another
    `kind` than the recipe's takes nothing from it. Null in a resolved config."""
    src_lang: Annotated[str, MinLen(1)]
    """Source language, as a BCP 47 tag (`en`, `no`, `zh-Hans`)."""
    tgt_lang: Annotated[str, MinLen(1)]
    """Target language; chooses BLEU's tokenisation."""
    run_dir: Path
    """Folder of everything that the run produces."""
    seed: NotNegative = 1
    """Seed of everything random."""
    data: DataConfig
    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    optim: Optim = field(default_factory=AdamWConfig)
    schedule: Schedule = field(default_factory=InverseSqrtConfig)
    batch: BatchConfig = field(default_factory=BatchConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    regularization: RegularizationConfig = field(default_factory=RegularizationConfig)
    validation: ValidationConfig = field(default_factory=ValidationConfig)
    decoding: DecodingConfig = field(default_factory=DecodingConfig)
    checkpoints: CheckpointsConfig = field(default_factory=CheckpointsConfig)

    def __post_init__(self) -> None:
        refuse(
            conflict
            for names, check in CROSS_CHECKS
            for conflict in check(*(getattr(self, name) for name in names))
        )
