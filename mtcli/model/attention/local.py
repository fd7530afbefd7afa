# Shape suffixes: B sentences, Q positions, D d_model, H heads, G heads of keys and values,
#   K head_dim, E heads joined (H * K), N blocks, C positions of a block, M keys that a block sees.
"""Local attention: every position sees a window around it, in blocks, so that cost is linear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mtcli.model.attention.cpu import additive_mask
from mtcli.model.attention.full import attend

_SMALLEST_BLOCK = 32
"""Positions that share their keys. Smaller blocks compute fewer weights that their window masks,
but in smaller matrix products."""
_WORTH_CUTTING = 0.4
"""Share of the weights of full attention that blocks may compute; above it, cutting costs more.
With a window of 64, masked training steps are faster up to 384 positions, blocks from 512 on
(2026-11-29, Intel Xeon with AVX-512, torch 2.13, one thread, fp32)."""


@dataclass(frozen=True)
class LocalAttention:
    """Every position sees `window` positions on each side, and itself.

    If it is causal, it sees the last `window` positions, itself included. The first `num_global`
    positions, and separators if `prepare` gets them, are seen by all, and see all if it is not
    causal. Positions are cut into blocks; each
    looks at its own keys and those of its neighbourhood, all blocks in one batched product. Where
    the window covers the sequence, this is full attention. A sequence not much longer than a block
    and its neighbourhood is not cut, but masked.

    Source: Beltagy et al. 2020 (Longformer), section 3.1; their window of w is ours of w / 2.
    """

    window: int
    num_global: int
    is_causal: bool

    @property
    def _reach(self) -> tuple[int, int]:
        """Positions that are seen before and after one."""
        return (self.window - 1, 0) if self.is_causal else (self.window, self.window)

    @property
    def _block(self) -> int:
        """C; no less than the reach, so that a block's neighbourhood is in its neighbours."""
        return max(self._reach[0], _SMALLEST_BLOCK)

    def _is_covered(self, length: int) -> bool:
        """Whether the window covers a sequence."""
        return self._reach[0] >= length - 1

    def _is_cut(self, length: int) -> bool:
        """Whether blocks pay."""
        num_cells = -(-length // self._block) * self._block * (self._block + sum(self._reach))
        return num_cells < _WORTH_CUTTING * length**2

    def prepare(
        self, x_BQD: Tensor, keep_B11Q: Tensor | None, is_separator_BQ: Tensor | None = None
    ) -> Sequence[Tensor | None]:
        """The mask of the window, to be added: B1QQ.

        If the sequence is cut into blocks: (B*N)1CM, then the mask of the keys and the global
        positions Bg. See `SelfAttention`.
        """
        Q = x_BQD.size(1)
        if self._is_covered(Q):
            return (keep_B11Q,)
        if not self._is_cut(Q):
            return (self._square_mask(x_BQD, keep_B11Q, is_separator_BQ),)
        global_Bg = self._global_positions(x_BQD, keep_B11Q, is_separator_BQ)
        return self._block_mask(x_BQD, keep_B11Q, global_Bg), keep_B11Q, global_Bg

    def __call__(
        self,
        q_BHQK: Tensor,
        k_BGQK: Tensor,
        v_BGQK: Tensor,
        prepared: Sequence[Tensor | None],
        dropout_p: float,
    ) -> Tensor:
        """Attention BQE."""
        if len(prepared) == 1:
            is_causal = self.is_causal and self._is_covered(q_BHQK.size(2))
            return attend(
                q_BHQK, k_BGQK, v_BGQK, keep=prepared[0], is_causal=is_causal, dropout_p=dropout_p
            )
        window_mask, keep_B11Q, global_Bg = prepared
        Q = q_BHQK.size(2)
        # one sequence a block: (B*N, heads, C or M, K)
        q = self._own(q_BHQK)
        k, v = (self._seen(x_BGQK, global_Bg) for x_BGQK in (k_BGQK, v_BGQK))
        out_BNCE = attend(q, k, v, keep=window_mask, dropout_p=dropout_p)
        out_BQE: Tensor = out_BNCE.unflatten(0, (q_BHQK.size(0), -1)).flatten(1, 2)[:, :Q]
        if global_Bg is None or self.is_causal:
            return out_BQE
        q_BHgK = _at(q_BHQK.transpose(1, 2), global_Bg).transpose(1, 2)
        global_BgE = attend(q_BHgK, k_BGQK, v_BGQK, keep=keep_B11Q, dropout_p=dropout_p)
        index_BgE = global_Bg[..., None].expand_as(global_BgE)
        # what stands for no position goes to a row that is cut off
        return F.pad(out_BQE, (0, 0, 0, 1)).scatter(1, index_BgE, global_BgE)[:, :Q]

    def _own(self, x_BHQK: Tensor) -> Tensor:
        """The positions of each block, the last one padded."""
        C = self._block
        x_BQHK = F.pad(x_BHQK.transpose(1, 2), (0, 0, 0, 0, 0, -x_BHQK.size(2) % C))
        x_BNCHK: Tensor = x_BQHK.unflatten(1, (-1, C))
        return x_BNCHK.flatten(0, 1).transpose(1, 2)

    def _seen(self, x_BGQK: Tensor, global_Bg: Tensor | None) -> Tensor:
        """The keys or values that each block sees: before it, its own, after it, global ones."""
        (before, after), C = self._reach, self._block
        x_BQGK = x_BGQK.transpose(1, 2)
        num_blocks = -(-x_BQGK.size(1) // C)
        # position p stands at p + before
        padded = F.pad(x_BQGK, (0, 0, 0, 0, before, num_blocks * C - x_BQGK.size(1) + C))

        def blocks(start: int, size: int) -> Tensor:
            """`size` positions from `start` of each block on, counted in `padded`."""
            whole: Tensor = padded[:, start : start + num_blocks * C].unflatten(1, (-1, C))
            return whole[:, :, :size]

        parts = [blocks(0, before), blocks(before, C), blocks(before + C, after)]
        if global_Bg is not None:
            parts.append(_at(x_BQGK, global_Bg)[:, None].expand(-1, num_blocks, -1, -1, -1))
        return torch.cat(parts, dim=2).flatten(0, 1).transpose(1, 2)

    def _square_mask(
        self, x_BQD: Tensor, keep_B11Q: Tensor | None, is_separator_BQ: Tensor | None
    ) -> Tensor:
        """Who sees whom, B1QQ, to be added."""
        key_Q = torch.arange(x_BQD.size(1), device=x_BQD.device)
        query_Q1 = key_Q[:, None]
        keep_BQQ = self._is_near(query_Q1, key_Q)[None]
        is_global_BQ = self._is_global(x_BQD, None, is_separator_BQ)
        if is_global_BQ is not None:
            is_global_BQQ = is_global_BQ[:, None]
            if self.is_causal:
                is_global_BQQ = is_global_BQQ & (key_Q <= query_Q1)
            else:
                is_global_BQQ = is_global_BQQ | is_global_BQ[:, :, None]
            keep_BQQ = keep_BQQ | is_global_BQQ
        if keep_B11Q is not None:
            # a position of padding sees itself: who sees nobody yields NaN
            keep_BQQ = (keep_BQQ & keep_B11Q[:, 0]) | (query_Q1 == key_Q)
        return _added(keep_BQQ[:, None], x_BQD)

    def _block_mask(
        self, x_BQD: Tensor, keep_B11Q: Tensor | None, global_Bg: Tensor | None
    ) -> Tensor:
        """Who sees whom in each block, (B*N)1CM, to be added."""
        (before, after), C = self._reach, self._block
        B, Q, _ = x_BQD.shape
        position_Q = torch.arange(Q, device=x_BQD.device)
        is_real_BQ = (position_Q >= 0)[None] if keep_B11Q is None else keep_B11Q[:, 0, 0]
        padded_BQ = F.pad(is_real_BQ, (before, -Q % C + after))
        is_real_BN1M = padded_BQ.unfold(1, C + before + after, C)[:, :, None]
        query_C1 = torch.arange(C, device=x_BQD.device)[:, None]
        key_M = torch.arange(-before, C + after, device=x_BQD.device)
        near_CM = _added(self._is_near(query_C1, key_M), x_BQD)
        # the sum of two masks on a CPU: one pass over what is large
        real_BN1M = _added(is_real_BN1M, x_BQD)
        is_bool = near_CM.dtype == torch.bool
        mask_BNCM = near_CM & real_BN1M if is_bool else near_CM + real_BN1M
        # a position of padding sees itself: who sees nobody yields NaN
        mask_BNCM.diagonal(before, -2, -1).fill_(1 if is_bool else 0)
        if global_Bg is not None:
            query_NC1 = torch.arange(mask_BNCM.size(1) * C, device=x_BQD.device).view(-1, C, 1)
            key_B11g = global_Bg[:, None, None]
            sees_BNCg = ~self._is_near(query_NC1, key_B11g) & (key_B11g < Q)
            if self.is_causal:
                sees_BNCg &= key_B11g <= query_NC1
            far_BNCg = _added(sees_BNCg, x_BQD)
            num_masks = max(len(mask_BNCM), len(far_BNCg))
            parts = [mask.expand(num_masks, -1, -1, -1) for mask in (mask_BNCM, far_BNCg)]
            mask_BNCM = torch.cat(parts, dim=-1)
        return mask_BNCM.expand(B, -1, -1, -1).flatten(0, 1)[:, None]

    def _is_near(self, query: Tensor, key: Tensor) -> Tensor:
        before, after = self._reach
        return (key >= query - before) & (key <= query + after)

    def _is_global(
        self, x_BQD: Tensor, keep_B11Q: Tensor | None, is_separator_BQ: Tensor | None
    ) -> Tensor | None:
        """Whether all see a position, BQ or 1Q; None if no position can be such a one."""
        if self.num_global == 0 and is_separator_BQ is None:
            return None
        is_global_BQ = (torch.arange(x_BQD.size(1), device=x_BQD.device) < self.num_global)[None]
        if is_separator_BQ is not None:
            is_global_BQ = is_global_BQ | is_separator_BQ
        return is_global_BQ if keep_B11Q is None else is_global_BQ & keep_B11Q[:, 0, 0]

    def _global_positions(
        self, x_BQD: Tensor, keep_B11Q: Tensor | None, is_separator_BQ: Tensor | None
    ) -> Tensor | None:
        """The positions that all see, Bg or 1g; Q where a sentence has fewer; None if none has."""
        is_global_BQ = self._is_global(x_BQD, keep_B11Q, is_separator_BQ)
        if is_global_BQ is None:
            return None
        Q = x_BQD.size(1)
        num_most = min(self.num_global, Q)
        if is_separator_BQ is not None:
            num_most = int(is_global_BQ.sum(-1).max())
        position_BQ = torch.arange(Q, device=x_BQD.device).expand_as(is_global_BQ)
        sorted_BQ = position_BQ.masked_fill(~is_global_BQ, Q).sort(-1).values
        return sorted_BQ[:, :num_most] if num_most else None


def _at(x_BQHK: Tensor, position_Bg: Tensor) -> Tensor:
    """What stands at positions of each sequence, BgHK; for a position past the end, the last."""
    B, Q, H, K = x_BQHK.shape
    index_Bg11 = position_Bg.clamp(max=Q - 1)[..., None, None]
    return x_BQHK.gather(1, index_Bg11.expand(B, -1, H, K))


def _added(keep: Tensor, x_BQD: Tensor) -> Tensor:
    """The mask in the form that `attend` would otherwise give it in every layer."""
    if keep.device.type != "cpu":
        return keep
    return additive_mask(keep, torch.promote_types(x_BQD.dtype, torch.float32))
