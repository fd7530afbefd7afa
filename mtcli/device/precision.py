"""Where to compute, and in which arithmetic."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Literal

import torch

from mtcli.errors import DeviceError

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]


@dataclass(frozen=True)
class Numerics:
    """A device and the type of its matrix products."""

    device: torch.device
    precision: Literal["fp32", "bf16", "fp16"]

    def autocast(self) -> AbstractContextManager[object]:
        """Context in which the forward pass runs."""
        match self.precision:
            case "bf16":
                return torch.autocast(self.device.type, dtype=torch.bfloat16)
            case "fp16":
                return torch.autocast(self.device.type, dtype=torch.float16)
        return nullcontext()

    def make_scaler(self) -> torch.amp.GradScaler:
        """A loss scaler, idle unless the precision is fp16."""
        return torch.amp.GradScaler(self.device.type, enabled=self.precision == "fp16")


def choose_device(device: Device, local_rank: int = 0) -> torch.device:
    """The device asked for; auto takes cuda, then mps, then cpu.

    Raises:
        DeviceError: it is not there.
    """
    has_cuda, has_mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if device == "auto":
        device = "cuda" if has_cuda else "mps" if has_mps else "cpu"
    if device == "cuda":
        found = torch.cuda.device_count() if has_cuda else 0
        if found <= local_rank:
            raise DeviceError(
                f"device cuda:{local_rank} was asked for, but {found} CUDA device(s) are visible;"
                " use --set training.device=cpu or fewer processes"
            )
        return torch.device("cuda", local_rank)
    if device == "mps" and not has_mps:
        raise DeviceError("device mps was asked for, but this machine has none; use auto or cpu")
    return torch.device(device)


def has_fast_bf16(device: torch.device) -> bool:
    """Whether bf16 matrix products are native, not emulated."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        flags = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
        return bool(flags.get("avx512_bf16") or flags.get("amx_bf16") or flags.get("bf16"))
    return False


def choose_numerics(device: torch.device, precision: Precision) -> Numerics:
    """The arithmetic asked for; auto takes bf16 where it is native, else fp32.

    Raises:
        DeviceError: fp16 training on a device without a gradient scaler.
    """
    if precision == "auto":
        precision = "bf16" if has_fast_bf16(device) else "fp32"
    if precision == "fp16" and device.type != "cuda":
        raise DeviceError(
            f"precision fp16 trains on CUDA only, not on {device.type}; use bf16 or fp32"
        )
    if device.type == "cuda":
        # Products of fp32 matrices in TF32: three times faster, and what is left of fp32 after
        # autocast is not where ten bits of mantissa matter.
        torch.set_float32_matmul_precision("high")
    return Numerics(device, precision)
