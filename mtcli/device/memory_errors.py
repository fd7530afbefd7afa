"""Report out-of-memory errors in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from mtcli.errors import DeviceError


@contextmanager
def memory_errors(device: torch.device, what: str, advice: str) -> Iterator[None]:
    """Inside, memory that cannot be had for `what` is told together with `advice`.

    Raises:
        DeviceError: in the place of torch's errors, of which the CPU's is told by its text alone.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        is_torch = isinstance(error, torch.OutOfMemoryError) or "DefaultCPUAllocator" in str(error)
        if not is_torch and not isinstance(error, MemoryError):
            raise
        raise DeviceError(f"{device} has too little memory for {what}: {advice}") from error
