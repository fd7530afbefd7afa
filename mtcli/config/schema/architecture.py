"""Schema of the model's architecture, apart from the rest because translating needs only this."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Literal, TypeAlias

from mtcli.config.schema.attention import (
    Attention,
    FullAttentionConfig,
    LocalAttentionConfig,
    LowRankAttentionConfig,
)
from mtcli.config.schema.bounds import Bounds, Positive, PositiveFloat, Probability
from mtcli.config.schema.sections import Conflict, refuse, section

Layers: TypeAlias = Annotated[int, Bounds(gt=0, le=1000)]
"""Bounded, because the card of a stranger's model is read with this schema, too."""

_SPACED_APART = ("sinusoidal_fairseq", "sinusoidal_marian")
FEWEST_SPACED_COLUMNS = 4
"""Two frequencies: fairseq and Marian divide by their number less one."""


@dataclass(frozen=True)
class StackShape:
    """Sizes of the encoder or of the decoder, every default resolved."""

    num_layers: int
    d_model: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    d_ff: int

    @property
    def q_width(self) -> int:
        """Width of the queries, all heads together."""
        return self.num_heads * self.head_dim

    @property
    def kv_width(self) -> int:
        """Width of the keys, and of the values, all heads together."""
        return self.num_kv_heads * self.head_dim


@section
class ModelConfig:
    """Encoder-decoder Transformer (Vaswani et al. 2017), with later improvements."""

    d_model: Positive = 512
    """Width of the residual stream."""
    encoder_layers: Layers = 6
    """Layers of the encoder."""
    decoder_layers: Layers = 6
    """Layers of the decoder."""
    num_heads: Positive = 8
    """Attention heads."""
    num_kv_heads: Positive | None = None
    """Heads of keys and values, shared by groups of query heads (Ainslie et al. 2023); null: as
    many as `num_heads`."""
    head_dim: Positive | None = None
    """Width of one head; null: d_model / num_heads."""
    d_ff: Positive = 2048
    """Inner width of the feed-forward blocks."""
    decoder_num_heads: Positive | None = None
    """Attention heads of the decoder; null: as many as in the encoder."""
    decoder_d_ff: Positive | None = None
    """Inner width of the decoder's feed-forward blocks; null: the same as in the encoder."""
    encoder_attention: Attention = field(default_factory=FullAttentionConfig)
    """Which source positions a source position sees."""
    decoder_attention: Attention = field(default_factory=FullAttentionConfig)
    """Which earlier target positions a target position sees; it sees all of the source in any
    case."""
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
    positions: Literal[
        "sinusoidal", "sinusoidal_fairseq", "sinusoidal_marian", "learned", "rotary"
    ] = "sinusoidal"
    """Sinusoidal (Vaswani et al. 2017), sinusoidal with the frequencies of fairseq and M2M100 or
    of Marian, learned, or rotary (Su et al. 2021) positions."""
    max_positions: Positive = 1024
    """Rows of the learned position table, and the longest input or output of any positions."""
    bias: bool = True
    """Biases in linear layers and LayerNorm (RMSNorm has none)."""
    tied_embeddings: Literal["all", "decoder", "none"] = "all"
    """Share source embedding, target embedding and output projection (all), the latter two
    (decoder), or none."""
    scale_embeddings: bool = True
    """Multiply embeddings by sqrt(d_model)."""
    output_bias: bool = False
    """Add a learned bias to the logits, as Marian does."""
    target_start: Literal["bos", "pad", "eos"] = "bos"
    """Special piece that the decoder reads first: `pad` in Marian's models, `eos` in M2M100."""
    dropout: Probability = 0.1
    """Dropout on the output of every block before it joins the residual stream."""
    attention_dropout: Probability = 0.0
    """Dropout on attention weights."""
    activation_dropout: Probability = 0.0
    """Dropout on the inner layer of feed-forward blocks."""
    embedding_dropout: Probability | None = None
    """Dropout on the sum of embedding and position; null: the same as `dropout`."""

    def __post_init__(self) -> None:
        refuse(self._conflicts())

    @property
    def separators_key(self) -> str | None:
        """The key that makes separators of sentences global; None if none does."""
        for stack in ("encoder", "decoder"):
            if getattr(self, f"{stack}_attention").sees_separators:
                return f"model.{stack}_attention.separators"
        return None

    @property
    def encoder_shape(self) -> StackShape:
        """The encoder's sizes."""
        return self._shape(self.encoder_layers, self.num_heads, self.d_ff)

    @property
    def decoder_shape(self) -> StackShape:
        """The decoder's sizes: the encoder's where it has none of its own."""
        heads = self.decoder_num_heads or self.num_heads
        return self._shape(self.decoder_layers, heads, self.decoder_d_ff or self.d_ff)

    def _shape(self, num_layers: int, num_heads: int, d_ff: int) -> StackShape:
        return StackShape(
            num_layers=num_layers,
            d_model=self.d_model,
            num_heads=num_heads,
            num_kv_heads=self.num_kv_heads or num_heads,
            head_dim=self.head_dim or self.d_model // num_heads,
            d_ff=d_ff,
        )

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
        if self.positions.startswith("sinusoidal") and self.d_model % 2:
            yield Conflict(
                ("d_model", "positions"),
                f"sinusoidal positions need an even d_model, not {self.d_model}",
            )
        if self.positions in _SPACED_APART and self.d_model < FEWEST_SPACED_COLUMNS:
            name = self.positions.removeprefix("sinusoidal_")
            yield Conflict(
                ("d_model", "positions"),
                f"sinusoidal positions of {name} need a d_model of at least"
                f" {FEWEST_SPACED_COLUMNS}, not {self.d_model}",
            )
        yield from self._attention_conflicts(
            "encoder_attention", self.encoder_attention, "encoder_layers", self.encoder_layers
        )
        yield from self._attention_conflicts(
            "decoder_attention", self.decoder_attention, "decoder_layers", self.decoder_layers
        )
        if isinstance(self.decoder_attention, LowRankAttentionConfig):
            yield Conflict(
                ("decoder_attention.kind",),
                "low_rank attention cannot be used in a decoder, where a mean would show positions"
                " that come later; use `local`",
            )
        if isinstance(self.decoder_attention, LocalAttentionConfig):
            key = "window" if self.decoder_attention.windows is None else "windows"
            if 1 in self.decoder_attention.windows_of(self.decoder_layers):
                yield Conflict(
                    (f"decoder_attention.{key}",),
                    f"with a {key[:6]} of 1 a target position sees only itself; use at least 2",
                )

    def _attention_conflicts(
        self, name: str, attention: Attention, layers_key: str, num_layers: int
    ) -> Iterator[Conflict]:
        sizes: list[tuple[str, int]] = []
        if isinstance(attention, LocalAttentionConfig):
            sizes = [("window", attention.window), ("global_tokens", attention.global_tokens)]
            windows = attention.windows
            if windows is not None:
                sizes[0] = ("windows", max(w or 0 for w in attention.windows_of(num_layers)))
                if len(windows) != num_layers:
                    yield Conflict(
                        (f"{name}.windows", layers_key),
                        f"windows has length {len(windows)}, but {layers_key} is {num_layers}",
                    )
        elif isinstance(attention, LowRankAttentionConfig):
            sizes = [("rank", attention.rank)]
        for key, size in sizes:
            if size > self.max_positions:
                yield Conflict(
                    (f"{name}.{key}", "max_positions"),
                    f"{key} ({size}) is over max_positions ({self.max_positions}), the longest"
                    " input; use `full`, or raise max_positions",
                )
