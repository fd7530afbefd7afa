"""Choose the device to compute on."""

from __future__ import annotations

import torch

from mtcli.errors import DeviceError, in_backticks

DEVICES = ("auto", "cpu", "cuda", "mps")


def choose_device(name: str, local_rank: int = 0) -> torch.device:
    """The device of that name; `auto` takes CUDA, then MPS, then the CPU.

    Args:
        name: one of `DEVICES`.
        local_rank: number of this process on its machine; each has a CUDA device of its own.

    Raises:
        DeviceError: the name is unknown, or the device is not available.
    """
    if name not in DEVICES:
        raise DeviceError(f"`device` must be one of {in_backticks(DEVICES)}, found `{name}`")
    has_cuda, has_mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if name == "auto":
        name = "cuda" if has_cuda else "mps" if has_mps else "cpu"
    if (name == "cuda" and not has_cuda) or (name == "mps" and not has_mps):
        raise DeviceError(
            f"device `{name}` is not available: torch finds none on this machine",
            hint="use `auto` or `cpu`",
        )
    if name != "cuda":
        return torch.device(name)
    num_devices = torch.cuda.device_count()
    if local_rank >= num_devices:
        raise DeviceError(
            f"process {local_rank} has no CUDA device of its own: torch finds {num_devices}",
            hint=f"start at most {num_devices} per machine, or train on `cpu`",
        )
    return torch.device("cuda", local_rank)
