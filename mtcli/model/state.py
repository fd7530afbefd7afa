# Shape suffixes: B sentences, W beam width, R rows (B * W, sentence by sentence), S source length,
#   G heads of keys and values, K head_dim, C cells of the self cache (W for each step).
"""What the decoder remembers between steps: keys and values, and who descends from whom.

Keys and values of a sentence are held once for its W hypotheses. When a beam search reorders its
hypotheses, no key or value moves: each row keeps a mask that says which cells are its ancestors.
Attention then looks at W cells a step instead of one, which is cheap, and the copy of the whole
cache at every step, which is not, is gone.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_FIRST_STEPS = 32
"""Steps that the self cache has room for at first; it doubles when it is full."""


@dataclass
class LayerCache:
    """Keys and values of one decoder layer."""

    self_k_BGCK: Tensor
    self_v_BGCK: Tensor
    cross_k_BGSK: Tensor
    cross_v_BGSK: Tensor


@dataclass
class DecodingState:
    """State of a decoding; owned by the search, changed in place by the model's `step`."""

    layers: list[LayerCache]
    src_keep_B11S: Tensor | None
    """True where the memory may be seen; None when no source is padded."""
    beam_size: int
    num_steps: int
    """Tokens fed so far: the position of the next one."""
    ancestors_BWC: Tensor | None
    """True where a cell was fed by an ancestor of the row; None for W = 1, where all were."""

    @property
    def num_sentences(self) -> int:
        """B."""
        return self.layers[0].cross_k_BGSK.size(0)

    def reorder(self, rows_R: Tensor) -> None:
        """Let row i continue what row `rows_R[i]` was; rows stay within their sentence."""
        if self.ancestors_BWC is None:
            return
        B, W, C = self.ancestors_BWC.shape
        self.ancestors_BWC = self.ancestors_BWC.view(B * W, C).index_select(0, rows_R).view(B, W, C)

    def keep_sentences(self, sentences_N: Tensor) -> None:
        """Drop all sentences but these, which come to stand in the given order."""
        used = self.num_steps * self.beam_size
        for layer in self.layers:
            for name in ("self_k_BGCK", "self_v_BGCK"):
                old = getattr(layer, name)
                new = old.new_empty((sentences_N.size(0), *old.shape[1:]))
                new[:, :, :used] = old[:, :, :used].index_select(0, sentences_N)
                setattr(layer, name, new)
            layer.cross_k_BGSK = layer.cross_k_BGSK.index_select(0, sentences_N)
            layer.cross_v_BGSK = layer.cross_v_BGSK.index_select(0, sentences_N)
        if self.src_keep_B11S is not None:
            self.src_keep_B11S = self.src_keep_B11S.index_select(0, sentences_N)
        if self.ancestors_BWC is not None:
            self.ancestors_BWC = self.ancestors_BWC.index_select(0, sentences_N)

    def begin_step(self) -> Tensor | None:
        """Make room for one more cell a row; the mask B1WC of who sees what, or None for all."""
        W, used = self.beam_size, self.num_steps * self.beam_size
        if self.layers[0].self_k_BGCK.size(2) < used + W:
            for layer in self.layers:
                layer.self_k_BGCK = _doubled(layer.self_k_BGCK, used)
                layer.self_v_BGCK = _doubled(layer.self_v_BGCK, used)
        if self.ancestors_BWC is None:
            return None
        own_1WW = torch.eye(W, dtype=torch.bool, device=self.ancestors_BWC.device)[None]
        own_BWW = own_1WW.expand(self.ancestors_BWC.size(0), W, W)
        self.ancestors_BWC = torch.cat([self.ancestors_BWC, own_BWW], dim=-1)
        return self.ancestors_BWC[:, None]

    def append(self, layer: int, k_BGWK: Tensor, v_BGWK: Tensor) -> tuple[Tensor, Tensor]:
        """Store this step's keys and values; all that were stored so far, this step's included."""
        W, used = self.beam_size, self.num_steps * self.beam_size
        cache = self.layers[layer]
        cache.self_k_BGCK[:, :, used : used + W] = k_BGWK
        cache.self_v_BGCK[:, :, used : used + W] = v_BGWK
        return cache.self_k_BGCK[:, :, : used + W], cache.self_v_BGCK[:, :, : used + W]


def _doubled(old_BGCK: Tensor, used: int) -> Tensor:
    B, G, C, K = old_BGCK.shape
    new_BGCK = old_BGCK.new_empty((B, G, 2 * C, K))
    new_BGCK[:, :, :used] = old_BGCK[:, :, :used]
    return new_BGCK


def empty_self_cache(cross_BGSK: Tensor, beam_size: int, max_length: int) -> Tensor:
    """An unfilled self cache BGCK with the heads, width and type of `cross_BGSK`."""
    B, G, _, K = cross_BGSK.shape
    return cross_BGSK.new_empty((B, G, min(max_length, _FIRST_STEPS) * beam_size, K))
