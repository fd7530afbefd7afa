# Shape suffixes: B sentences, W beam width, R rows (B * W, sentence by sentence), S source length,
#   G heads of keys and values, K head_dim, C cells of the self cache (one for the
#   first step, W for each other).
"""What the decoder remembers between steps: keys and values, and who descends from whom.

Keys and values of a sentence are held once for its W hypotheses. When a beam search reorders its
hypotheses, no key or value moves: each row keeps a mask that says which cells are its ancestors.
Attention then looks at W cells a step instead of one, which is cheap, and the copy of the whole
cache at every step, which is not, is gone. The first token is that of all hypotheses of a sentence,
so it is fed once and has one cell.

Where all layers have a window (`mtcli.model.attention.local`), cells that none of them will see
again are dropped, so that a decoding of any length needs the memory of a few windows.
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
    window: int | None = None
    """The last steps that a layer sees, the present one included, of the layer that sees the most;
    None if one sees all."""
    num_global: int = 0
    """The first steps, which all layers see."""
    num_dropped: int = 0
    """Cells that are no longer held; they stood behind those of the global steps."""
    is_global_BC: Tensor | None = None
    """True at cells that all layers see; None unless separators of sentences are global."""
    step_C: Tensor | None = None
    """The step of each cell that is held; None where `is_global_BC` is."""

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
        return self._num_cells(self.num_steps) - self.num_dropped

    def _num_cells(self, num_steps: int) -> int:
        """Cells of the first steps."""
        return 1 + (num_steps - 1) * self.beam_size if num_steps > 0 else 0

    def _first_seen(self, window: int) -> int:
        """Index of the first held cell in the window of the present step, or of the global ones."""
        first = self._num_cells(self.num_steps - window + 1)
        held = first - self.num_dropped
        return held if held > self._num_cells(self.num_global) else 0

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
        if self.is_global_BC is not None:
            self.is_global_BC = self.is_global_BC.index_select(0, sentences_N)

    def begin_step(self, is_separator_BW: Tensor | None = None) -> Tensor | None:
        """Make room for the cells of one more step; the mask B1WC of who sees what, None for all.

        In the first step nobody needs a mask, and afterwards all rows of a sentence see its cell.

        Args:
            is_separator_BW: which of the tokens that are fed are separators of sentences; None
                unless they are global.
        """
        if self.layers[0].self_k_BGCK.size(2) < self._num_used + self.num_fed:
            self._drop_unseen()
        used = self._num_used
        if self.layers[0].self_k_BGCK.size(2) < used + self.num_fed:
            for layer in self.layers:
                layer.self_k_BGCK = _doubled(layer.self_k_BGCK, used)
                layer.self_v_BGCK = _doubled(layer.self_v_BGCK, used)
        if is_separator_BW is not None:
            self._mark(is_separator_BW)
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

    def seen(self, cells: Tensor, window: int | None, dim: int) -> Tensor:
        """Of all cells held, those that a layer with this window sees in the present step.

        Args:
            cells: keys, values or a mask, the present step's cells included.
            window: the last steps that it sees, the present one included; None for all.
            dim: the dimension of the cells.
        """
        if self.is_global_BC is not None:  # they stand anywhere, so that only a mask can tell
            return cells
        first = 0 if window is None else self._first_seen(window)
        if first == 0:
            return cells
        recent = cells.narrow(dim, first, cells.size(dim) - first)
        if self.num_global == 0:
            return recent
        return torch.cat([cells.narrow(dim, 0, self._num_cells(self.num_global)), recent], dim)

    def mask_of(self, window: int | None, keep_B1WC: Tensor | None) -> Tensor | None:
        """Which of the `seen` cells rows see in a layer with this window, None for all.

        Args:
            window: as in `seen`.
            keep_B1WC: who sees which of all cells held, as bools or to be added; None for all.
        """
        if self.is_global_BC is None:
            return None if keep_B1WC is None else self.seen(keep_B1WC, window, dim=3)
        assert self.step_C is not None
        if window is None or window > self.num_steps:
            return keep_B1WC
        is_near_C = self.step_C > self.num_steps - window
        keep_B11C = (is_near_C | self.is_global_BC)[:, None, None]
        if keep_B1WC is None:
            return keep_B11C
        if keep_B1WC.is_floating_point():
            return keep_B1WC.masked_fill(~keep_B11C, -torch.inf)
        return keep_B1WC & keep_B11C

    def _mark(self, is_separator_BW: Tensor) -> None:
        """Say of the cells of the present step whether they are global."""
        is_global_BW = is_separator_BW | (self.num_steps < self.num_global)
        step_W = torch.full_like(is_separator_BW[0], self.num_steps, dtype=torch.long)
        if self.is_global_BC is None or self.step_C is None:
            self.is_global_BC, self.step_C = is_global_BW, step_W
        else:
            self.is_global_BC = torch.cat([self.is_global_BC, is_global_BW], dim=-1)
            self.step_C = torch.cat([self.step_C, step_W])

    def _drop_unmarked(self, is_global_BC: Tensor, step_C: Tensor, window: int) -> None:
        """The same as `_drop_unseen`, with global cells anywhere."""
        is_seen_C = (step_C > self.num_steps - window) | is_global_BC.any(0)
        seen = is_seen_C.nonzero()[:, 0]
        num_unseen = self._num_used - len(seen)
        if 2 * num_unseen < self._num_used:
            return
        for layer in self.layers:
            for cells in (layer.self_k_BGCK, layer.self_v_BGCK):
                cells[:, :, : len(seen)] = cells.index_select(2, seen)
        if self.ancestors_BWC is not None:
            self.ancestors_BWC = self.ancestors_BWC.index_select(2, seen)
        self.is_global_BC, self.step_C = is_global_BC.index_select(1, seen), step_C[seen]
        self.num_dropped += num_unseen

    def _drop_unseen(self) -> None:
        """Drop the cells that no layer will see again, if they are half of those held or more."""
        if self.window is None:
            return
        if self.is_global_BC is not None and self.step_C is not None:
            self._drop_unmarked(self.is_global_BC, self.step_C, self.window)
            return
        used, first = self._num_used, self._first_seen(self.window)
        num_global = self._num_cells(self.num_global)
        num_unseen = first - num_global
        if 2 * num_unseen < used:
            return
        for layer in self.layers:
            for cells in (layer.self_k_BGCK, layer.self_v_BGCK):
                cells[:, :, num_global : used - num_unseen] = cells[:, :, first:used].clone()
        if self.ancestors_BWC is not None:
            self.ancestors_BWC = torch.cat(
                [self.ancestors_BWC[..., :num_global], self.ancestors_BWC[..., first:]], dim=-1
            )
        self.num_dropped += num_unseen


def _doubled(old_BGCK: Tensor, used: int) -> Tensor:
    B, G, C, K = old_BGCK.shape
    new_BGCK = old_BGCK.new_empty((B, G, 2 * C, K))
    new_BGCK[:, :, :used] = old_BGCK[:, :, :used]
    return new_BGCK


def empty_self_cache(cross_BGSK: Tensor, beam_size: int, max_length: int) -> Tensor:
    """An unfilled self cache BGCK with the heads, width and type of `cross_BGSK`."""
    B, G, _, K = cross_BGSK.shape
    return cross_BGSK.new_empty((B, G, min(max_length, _FIRST_STEPS) * beam_size, K))
