"""Schema of a training config: plain frozen dataclasses, no I/O, no torch.

The docstring under each field is its documentation everywhere: in `mtcli config template`, in the
JSON schema and in the reference. Large sections have modules of their own. Bounds of numbers are
marks of ours, so that importing the schema does not import pydantic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field
from pathlib import Path
from typing import Annotated, Literal, TypeAlias, get_args

from mtcli.config.languages import country_problem
from mtcli.config.schema.architecture import ModelConfig
from mtcli.config.schema.batch import BatchConfig
from mtcli.config.schema.bounds import Bounds, Positive, Probability, Seed
from mtcli.config.schema.checkpoints import CheckpointsConfig
from mtcli.config.schema.compat import Compat, compat_conflicts
from mtcli.config.schema.data import DataConfig
from mtcli.config.schema.decoding import DecodingConfig
from mtcli.config.schema.logging import LoggerConfig
from mtcli.config.schema.model_card import ModelCardConfig
from mtcli.config.schema.optimization import (
    AdamWConfig,
    InverseSqrtConfig,
    OnDivergenceConfig,
    Optim,
    Schedule,
)
from mtcli.config.schema.regularization import RegularizationConfig, is_ever_on
from mtcli.config.schema.sections import Conflict, refuse, section
from mtcli.config.schema.tokenizer import TokenizerConfig
from mtcli.config.schema.validation import ValidationConfig

PresetName: TypeAlias = Literal["verses", "small", "tiny", "low-resource", "base", "big", "student"]
ModelPart: TypeAlias = Literal["embeddings", "encoder", "decoder"]
"""Every weight of a model is of one of these."""


@section
class TrainingConfig:
    """When to stop, and where and how to compute."""

    max_steps: Positive | None = None
    """Stop after this many updates."""
    max_epochs: Positive | None = None
    """Stop after this many passes over the data."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Device; auto takes cuda if there is one, then mps, then cpu."""
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """Arithmetic of the matrix products; auto takes bf16 if the hardware has it, else fp32."""
    parallel: Literal["ddp", "fsdp"] = "ddp"
    """How several processes divide the work: ddp splits the batches; fsdp also splits weights,
    gradients, averages and optimizer state, for models that do not fit one GPU. Checkpoints are
    the same, so a resumed run may change it. No effect with one process."""
    compile: bool = False
    """Compile encoder and decoder with torch.compile: takes a minute or more before the first
    update, then makes steps with small kernels faster; measure it with `mtcli bench`. Not possible
    with layer dropout or fsdp."""
    activation_checkpointing: Literal["none", "layers"] = "none"
    """`layers` keeps only what goes into each layer, and computes the rest again for the gradient
    (Chen et al. 2016): less memory, a third more time, the same updates. Not possible with
    compile."""
    label_smoothing: Probability = 0.1
    """Probability mass spread evenly over the vocabulary (Szegedy et al. 2016)."""
    ema_decay: Annotated[float, Bounds(gt=0, lt=1)] | None = None
    """Decay per step of an exponential moving average of the weights, which is then validated and
    saved as the model; null: no average."""
    init_from: Path | None = None
    """Model folder to start from (fine-tuning), or run folder, whose best model is taken: its
    weights, and its tokenizer unless `tokenizer` names one. The optimizer starts from zero."""
    init_tokenizer: Literal["same", "any"] = "same"
    """With `init_from`: `same` refuses a tokenizer that is not the model's; `any` accepts it, and
    starts embeddings and output projection from random values."""
    freeze: list[ModelPart] = field(default_factory=list)
    """Parts whose weights stay as they are at the start: no gradient, no weight decay, no memory of
    the optimizer. `embeddings` are those of both sides, learned positions, and the output."""
    log_every_steps: Positive = 50
    """Steps between log lines."""
    peer_timeout_s: Positive = 600
    """With several processes, seconds to wait at the start until all are there, and later for a
    machine that no longer answers. No limit to how long the main process may validate or save."""
    on_divergence: OnDivergenceConfig = field(default_factory=OnDivergenceConfig)

    def __post_init__(self) -> None:
        if self.compile and self.parallel == "fsdp":
            message = "compile does not go with parallel: fsdp; choose one"
            refuse([Conflict(("compile", "parallel"), message)])
        if self.compile and self.activation_checkpointing != "none":
            message = "compile does not go with activation_checkpointing; choose one"
            refuse([Conflict(("compile", "activation_checkpointing"), message)])
        if set(self.freeze) == set(get_args(ModelPart)):
            refuse([Conflict(("freeze",), "freeze leaves nothing to train; remove one part")])
        if "embeddings" in self.freeze and self.init_tokenizer == "any":
            message = "freeze would keep the random embeddings that init_tokenizer: any starts with"
            refuse([Conflict(("freeze", "init_tokenizer"), message)])


# ------------------------------------------------------------------------------ the whole config


def _tied_embeddings_need_one_vocabulary(
    tokenizer: TokenizerConfig, model: ModelConfig, training: TrainingConfig
) -> Iterator[Conflict]:
    """Two files may have one vocabulary, as those of OPUS-MT do: a run that reads them looks."""
    is_taken = training.init_from is not None and training.init_tokenizer == "same"
    is_trained = not is_taken and tokenizer.src_model is None
    if not tokenizer.shared and is_trained and model.tied_embeddings == "all":
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
        if size != "auto" and size < longest:
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


def _documents_fit(model: ModelConfig, data: DataConfig, batch: BatchConfig) -> Iterator[Conflict]:
    if data.documents is None:
        return
    longest = data.documents.max_pieces + 1
    for key, size in (
        ("model.max_positions", model.max_positions),
        ("batch.max_tokens", batch.max_tokens),
        ("batch.tokens_per_update", batch.tokens_per_update),
    ):
        if size != "auto" and longest > size:
            yield Conflict(
                ("data.documents.max_pieces", key),
                f"data.documents.max_pieces ({longest - 1}) must be below {key} ({size})",
            )


def _separators_exist(
    model: ModelConfig, data: DataConfig, tokenizer: TokenizerConfig, training: TrainingConfig
) -> Iterator[Conflict]:
    """A tokenizer that the run trains has a separator if its data has documents."""
    is_trained = training.init_from is None and (tokenizer.model or tokenizer.src_model) is None
    key = model.separators_key
    if key is not None and data.documents is None and is_trained:
        problem = f"{key} needs data.documents, which has the tokenizer know separators"
        yield Conflict((key, "data.documents"), problem)


def _one_way_to_average(
    training: TrainingConfig, checkpoints: CheckpointsConfig
) -> Iterator[Conflict]:
    if training.ema_decay is not None and checkpoints.average_last > 1:
        yield Conflict(
            ("checkpoints.average_last", "training.ema_decay"),
            "training.ema_decay and checkpoints.average_last are two ways to average; choose one",
        )


def _the_model_has_what_aligns(model: ModelConfig, decoding: DecodingConfig) -> Iterator[Conflict]:
    layer, heads = decoding.alignment_layer, decoding.alignment_heads
    if layer is not None and layer >= model.decoder_layers:
        yield Conflict(
            ("decoding.alignment_layer", "model.decoder_layers"),
            f"decoding.alignment_layer ({layer}) must be below model.decoder_layers"
            f" ({model.decoder_layers}): layers are counted from 0",
        )
    num_heads = model.decoder_shape.num_heads
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
            "training.compile does not go with regularization.layer_dropout; choose one",
        )


def _passes_differ(model: ModelConfig, regularization: RegularizationConfig) -> Iterator[Conflict]:
    dropouts = (
        model.dropout,
        model.attention_dropout,
        model.activation_dropout,
        model.embedding_dropout,
    )
    if (
        is_ever_on(regularization.rdrop)
        and not any(dropouts)
        and not is_ever_on(regularization.layer_dropout)
    ):
        yield Conflict(
            ("regularization.rdrop", "model.dropout"),
            "regularization.rdrop compares two passes with different dropout; set model.dropout"
            " above 0",
        )


def _there_is_a_start(
    training: TrainingConfig, regularization: RegularizationConfig
) -> Iterator[Conflict]:
    if regularization.l2_to_start and training.init_from is None:
        yield Conflict(
            ("regularization.l2_to_start", "training.init_from"),
            "regularization.l2_to_start needs training.init_from, whose weights it pulls to",
        )


def _languages_are_not_countries(tgt_lang: str, validation: ValidationConfig) -> Iterator[Conflict]:
    # With a tokenization of its own, a run of an earlier mtcli can be resumed under its old name.
    problem = country_problem(tgt_lang)
    if problem is not None and validation.bleu_tokenize is None:
        yield Conflict(("tgt_lang",), problem)


CROSS_CHECKS: tuple[tuple[tuple[str, ...], Callable[..., Iterator[Conflict]]], ...] = (
    (("tokenizer", "model", "training"), _tied_embeddings_need_one_vocabulary),
    (("batch", "data"), _one_pair_fits_a_batch),
    (("model", "data"), _one_pair_has_positions),
    (("model", "data", "batch"), _documents_fit),
    (("model", "data", "tokenizer", "training"), _separators_exist),
    (("training", "checkpoints"), _one_way_to_average),
    (("model", "decoding"), _the_model_has_what_aligns),
    (("training", "regularization"), _compiling_takes_every_layer),
    (("model", "regularization"), _passes_differ),
    (("training", "regularization"), _there_is_a_start),
    (("compat", "model", "decoding"), compat_conflicts),
    (("tgt_lang", "validation"), _languages_are_not_countries),
)
"""Which sections each check compares: the loader runs those whose sections are sound, even where
another section is not, so that all problems are reported at once."""


@section
class TrainConfig:
    """A whole training run."""

    preset: PresetName | None = None
    """Recipe whose values replace the defaults; docs/guides/configs.md lists them. `auto` chooses
    them from the data and the budget when a run starts. A section of another `kind` than the
    recipe's takes nothing from it. Null in a resolved config."""
    compat: Compat | None = None
    """Train a model that `mtcli export --to huggingface` can write: where the config does not say
    otherwise, whatever the preset says, post-norm with LayerNorm, sinusoidal positions, biases and
    full attention. Values that no class has are refused. Null in a resolved config."""
    src_lang: Annotated[str, Bounds(min_length=1)]
    """Source language, as a BCP 47 tag (`en`, `no`, `zh-Hans`)."""
    tgt_lang: Annotated[str, Bounds(min_length=1)]
    """Target language; chooses BLEU's tokenisation."""
    run_dir: Path
    """Folder for everything that the run produces."""
    seed: Seed = 1
    """Seed of all random numbers."""
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
    model_card: ModelCardConfig = field(default_factory=ModelCardConfig)
    logging: list[LoggerConfig] = field(default_factory=list)
    """Experiment trackers that the run is logged to, besides its own files."""

    def __post_init__(self) -> None:
        refuse(
            conflict
            for names, check in CROSS_CHECKS
            for conflict in check(*(getattr(self, name) for name in names))
        )
