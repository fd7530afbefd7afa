"""Keep freed memory in the process, for the next tensors."""

from __future__ import annotations

import ctypes
import os

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of malloc.h
_LARGEST_KEPT_BYTES = 2**30
_LARGEST_INT = 2**31 - 1
_KERNEL_CACHE = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"


def prepare_memory() -> None:
    """Set what suits training and translating in this process; call it before computing.

    Environment variables that the user has set stay as they are.
    """
    keep_freed_memory()
    # oneDNN (bf16 products) keeps a kernel for each of the last 1024 shapes. Every update has
    # shapes of its own and needs a few dozen of them again, in its other layers: the rest is 0.5
    # GiB for nothing (2026-11-23, tiny, torch 2.13; no difference in speed from 16 to 1024).
    os.environ.setdefault(_KERNEL_CACHE, "64")


def keep_freed_memory() -> bool:
    """Have the process keep the memory of freed tensors for the next ones.

    glibc returns every large block to the system at once and requests it again, page by page, for
    the next tensor of the same size, thousands of times an update. Keeping the blocks gave 1.13
    and 1.08 times the updates (`benchmarks/tiny_step.py FOLDER --precision bf16 --threads 1
    --updates 40` with and without the variables below, two pairs of runs, 2026-11-23, EPYC Zen 4,
    torch 2.13). Without glibc nothing is changed.

    Source: mallopt(3); what MALLOC_MMAP_THRESHOLD_ and MALLOC_TRIM_THRESHOLD_ set from outside.

    Returns:
        Whether the process keeps it: False without glibc, with another allocator preloaded, or if
        the user has set one of these variables.
    """
    if "CS_GNU_LIBC_VERSION" not in getattr(os, "confstr_names", {}):
        return False
    if os.environ.keys() & {"MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "LD_PRELOAD"}:
        return False
    libc = ctypes.CDLL(None)
    kept = libc.mallopt(_M_MMAP_THRESHOLD, _LARGEST_KEPT_BYTES)
    return bool(kept and libc.mallopt(_M_TRIM_THRESHOLD, _LARGEST_INT))
