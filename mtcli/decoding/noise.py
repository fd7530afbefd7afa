# Shape suffixes: R rows.
"""Stateless random numbers: functions of their keys alone."""

from __future__ import annotations

import torch
from torch import Tensor

_GOLDEN = 0x9E3779B97F4A7C15
_MIX = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
_LAST_SHIFT = 31


def mixed(keys: Tensor, more: Tensor | int) -> Tensor:
    """Keys, of type int64 and of any shape, that depend on every bit of `keys` and of `more`.

    Source: Steele, Lea and Flood 2014, SplitMix64, the finalizer after one step from keys ^ more.
    """
    keys = (keys ^ more) + _signed(_GOLDEN)  # products and sums of int64 wrap around, as they must
    for shift, factor in _MIX:
        keys = (keys ^ _shifted(keys, shift)) * _signed(factor)
    return keys ^ _shifted(keys, _LAST_SHIFT)


def uniforms(keys_R: Tensor, dtype: torch.dtype) -> Tensor:
    """Numbers R in [0, 1), each a function of its key.

    They keep one bit less than the type could hold, so that even the largest, times any total, is
    below that total.
    """
    bits = 52 if dtype == torch.float64 else 23
    return _shifted(keys_R, 64 - bits).to(dtype) * 2.0**-bits


def _shifted(keys: Tensor, shift: int) -> Tensor:
    """Shift to the right that fills with zeros; torch's own fills with the sign."""
    return (keys >> shift) & ((1 << (64 - shift)) - 1)


def _signed(number: int) -> int:
    return number - 2**64 if number >= 2**63 else number
