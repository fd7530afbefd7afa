# Shape suffixes: B sentences, Q positions, H heads, G heads of keys and values, K head_dim,
#   E heads joined (H * K).
"""Self-attention of a stack: full, local or low-rank, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from mtcli.config.schema.attention import (
    Attention,
    FullAttentionConfig,
    LocalAttentionConfig,
    LowRankAttentionConfig,
)
from mtcli.model.attention.full import FullAttention
from mtcli.model.attention.local import LocalAttention
from mtcli.model.attention.low_rank import LowRankAttention


class SelfAttention(Protocol):
    """How the positions of a sequence look at one another.

    Equal ones do the same, so that layers with equal ones share what `prepare` returns.
    """

    @property
    def window(self) -> int | None:
        """In a decoder: the last positions that one sees, itself included; None for all."""

    def prepare(
        self, x_BQD: Tensor, keep_B11Q: Tensor | None, is_separator_BQ: Tensor | None = None
    ) -> Sequence[Tensor | None]:
        """What a pass over the layers needs once: masks and the like.

        Args:
            x_BQD: the input of the first layer; its shape, type and device count.
            keep_B11Q: True at real positions, which come first; None if all are.
            is_separator_BQ: True at the separators of sentences; None unless they are global.
        """

    def __call__(
        self,
        q_BHQK: Tensor,
        k_BGQK: Tensor,
        v_BGQK: Tensor,
        prepared: Sequence[Tensor | None],
        dropout_p: float,
    ) -> Tensor:
        """Attention of all positions at once, heads joined: shape BQE."""


def make_self_attention(
    config: Attention, num_layers: int, *, is_causal: bool
) -> list[SelfAttention]:
    """The attention of each layer, the first layer first."""
    match config:
        case FullAttentionConfig():
            return [FullAttention(is_causal)] * num_layers
        case LocalAttentionConfig():
            return [
                FullAttention(is_causal)
                if window is None
                else LocalAttention(window, config.global_tokens, is_causal)
                for window in config.windows_of(num_layers)
            ]
        case LowRankAttentionConfig():
            return [LowRankAttention(config.rank)] * num_layers


class StackAttention:
    """The self-attention of all layers of a stack."""

    def __init__(self, config: Attention, num_layers: int, *, is_causal: bool) -> None:
        self.layers = make_self_attention(config, num_layers, is_causal=is_causal)
        windows = [layer.window for layer in self.layers]
        self.window = None if None in windows else max(filter(None, windows))
        """The largest window of a layer; None if one has none."""
        self.num_global = config.global_tokens if isinstance(config, LocalAttentionConfig) else 0
        """The first positions, which all see."""
        self._first_alike = [self.layers.index(layer) for layer in self.layers]

    def prepare(
        self, x_BQD: Tensor, keep_B11Q: Tensor | None, is_separator_BQ: Tensor | None = None
    ) -> list[Sequence[Tensor | None]]:
        """What each layer needs; what equal ones need is made once."""
        prepared: list[Sequence[Tensor | None]] = []
        for index, first in enumerate(self._first_alike):
            is_first = first == index
            prepared.append(
                self.layers[index].prepare(x_BQD, keep_B11Q, is_separator_BQ)
                if is_first
                else prepared[first]
            )
        return prepared
