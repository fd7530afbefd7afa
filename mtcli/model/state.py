# Shape suffixes: B sentences, W beam width, R rows (B * W, sentence by sentence), S source length,
#   G heads of keys and values, K head_dim, C cells of the self cache (one for the
#   first step, W for each other).
"""What the decoder remembers between steps: keys and values, and who descends from whom.

Keys and values of a sentence are held once for its W hypotheses. When a beam search reorders its
hypotheses, no key or value moves: each row keeps a mask that says which cells are its ancestors.
Attention then looks at W cells a step instead of one, which is cheap, and the copy of the whole
cache at every step, which is not, is gone. The first token is that of all hypotheses of a sentence,
so it is fed once and has one cell.
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
    """Where the memory may be seen, as `attend` takes it; None when no source is padded."""
    beam_size: int
    num_steps: int
    """Tokens fed so far: the position of the next one."""
    ancestors_BWC: Tensor | None
    """True where a cell was fed by an ancestor of the row; None for W = 1, where all were."""

    @property
    def num_sentences(self) -> int:
        """B."""
        return self.layers[0].cross_k_BGSK.size(0)

    @property
    def num_fed(self) -> int:
        """Tokens that the next step takes of each sentence: one at first, then W."""
        return self.beam_size if self.num_steps else 1

    @property
    def _num_used(self) -> int:
        """Cells that are filled."""
        return 1 + (self.num_steps - 1) * self.beam_size if self.num_steps else 0

    def reorder(self, rows_R: Tensor) -> None:
        """Let row i continue what row `rows_R[i]` was; rows stay within their sentence."""
        if self.ancestors_BWC is None:
            return
        B, W, C = self.ancestors_BWC.shape
        self.ancestors_BWC = self.ancestors_BWC.view(B * W, C).index_select(0, rows_R).view(B, W, C)

    def keep_sentences(self, sentences_N: Tensor) -> None:
        """Drop all sentences but these, which come to stand in the given order."""
        used = self._num_used
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
        """Make room for the cells of one more step; the mask B1WC of who sees what, None for all.

        In the first step nobody needs a mask, and afterwards all rows of a sentence see its cell.
        """
        used = self._num_used
        if self.layers[0].self_k_BGCK.size(2) < used + self.num_fed:
            for layer in self.layers:
                layer.self_k_BGCK = _doubled(layer.self_k_BGCK, used)
                layer.self_v_BGCK = _doubled(layer.self_v_BGCK, used)
        if self.ancestors_BWC is None:
            return None
        B, W, _ = self.ancestors_BWC.shape
        if self.num_steps == 0:
            self.ancestors_BWC = self.ancestors_BWC.new_ones((B, W, 1))
            return None
        own_1WW = torch.eye(W, dtype=torch.bool, device=self.ancestors_BWC.device)[None]
        self.ancestors_BWC = torch.cat([self.ancestors_BWC, own_1WW.expand(B, W, W)], dim=-1)
        return self.ancestors_BWC[:, None]

    def append(self, layer: int, k_BGWK: Tensor, v_BGWK: Tensor) -> tuple[Tensor, Tensor]:
        """Store this step's keys and values; all that were stored so far, this step's included."""
        start, cache = self._num_used, self.layers[layer]
        end = start + self.num_fed
        cache.self_k_BGCK[:, :, start:end] = k_BGWK
        cache.self_v_BGCK[:, :, start:end] = v_BGWK
        return cache.self_k_BGCK[:, :, :end], cache.self_v_BGCK[:, :, :end]


def _doubled(old_BGCK: Tensor, used: int) -> Tensor:
    B, G, C, K = old_BGCK.shape
    new_BGCK = old_BGCK.new_empty((B, G, 2 * C, K))
    new_BGCK[:, :, :used] = old_BGCK[:, :, :used]
    return new_BGCK


def empty_self_cache(cross_BGSK: Tensor, beam_size: int, max_length: int) -> Tensor:
    """An unfilled self cache BGCK with the heads, width and type of `cross_BGSK`."""
    B, G, _, K = cross_BGSK.shape
    return cross_BGSK.new_empty((B, G, min(max_length, _FIRST_STEPS) * beam_size, K))
