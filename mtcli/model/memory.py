"""What becomes of memory that tensors no longer use."""

from __future__ import annotations

import ctypes
import os

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of malloc.h
_LARGEST_KEPT_BYTES = 2**30
_LARGEST_INT = 2**31 - 1


def keep_freed_memory() -> bool:
    """Have the process keep what tensors free, for the next tensors; returns whether it will.

    glibc gives every large block back to the system at once and takes it anew, page by page, for
    the next tensor of the same size, thousands of times an update: that was 5 to 10 % of a training
    step of `tiny` on CPU (docs/results.md). Elsewhere than under glibc nothing is changed.

    Source: mallopt(3); what MALLOC_MMAP_THRESHOLD_ and MALLOC_TRIM_THRESHOLD_ set from outside.
    """
    if "CS_GNU_LIBC_VERSION" not in getattr(os, "confstr_names", {}):
        return False
    libc = ctypes.CDLL(None)
    kept = libc.mallopt(_M_MMAP_THRESHOLD, _LARGEST_KEPT_BYTES)
    return bool(kept and libc.mallopt(_M_TRIM_THRESHOLD, _LARGEST_INT))
