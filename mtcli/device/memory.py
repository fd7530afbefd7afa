"""Report out-of-memory errors in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from mtcli.errors import DeviceError

_TEXTS = ("DefaultCPUAllocator", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
"""What errors without a class of their own say: of the CPU, of CUDA's driver and of cuBLAS."""


@contextmanager
def memory_errors(device: torch.device, what: str, hint: str) -> Iterator[None]:
    """Inside, running out of memory raises one sentence about `what` needed it.

    Args:
        device: whose memory it is.
        what: what needed the memory, for instance `update 7`.
        hint: what the user can do about it.

    Raises:
        DeviceError: replaces torch's errors, some of which only their text identifies.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        is_torch = isinstance(error, torch.OutOfMemoryError) or any(
            text in str(error) for text in _TEXTS
        )
        if not is_torch and not isinstance(error, MemoryError):
            raise
        raise DeviceError(f"{device} has too little memory for {what}", hint=hint) from error
