"""Choose the arithmetic of matrix products."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Literal

import torch

from mtcli.errors import DeviceError, in_backticks

_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Numerics:
    """A device and the type of its matrix products."""

    device: torch.device
    precision: Literal["fp32", "bf16", "fp16"]

    def autocast(self) -> AbstractContextManager[object]:
        """Context in which the forward pass runs."""
        if self.precision == "fp32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=_DTYPES[self.precision])

    def make_scaler(self) -> torch.amp.GradScaler:
        """A loss scaler, idle unless the precision is fp16."""
        return torch.amp.GradScaler(self.device.type, enabled=self.precision == "fp16")


def has_fast_bf16(device: torch.device) -> bool:
    """Whether bf16 matrix products are native, not emulated."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        flags = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
        return bool(flags.get("avx512_bf16") or flags.get("amx_bf16") or flags.get("bf16"))
    return False


def choose_numerics(
    device: torch.device, precision: Literal["auto", "fp32", "bf16", "fp16"]
) -> Numerics:
    """The arithmetic of training; `auto` takes bf16 where it is native, else fp32.

    On CUDA, what remains in fp32 uses TF32 from now on, in the whole process.

    Raises:
        DeviceError: fp16 on a device without a gradient scaler.
    """
    if precision == "auto":
        precision = "bf16" if has_fast_bf16(device) else "fp32"
    if precision == "fp16" and device.type != "cuda":
        raise DeviceError(
            f"training in `fp16` needs a CUDA device, not `{device.type}`",
            hint="use `bf16` or `fp32`",
        )
    if device.type == "cuda":
        # Products of fp32 matrices in TF32: three times faster, and what is left of fp32 after
        # autocast is not where ten bits of mantissa matter.
        torch.set_float32_matmul_precision("high")
        _avoid_plans_for_shapes()
    return Numerics(device, precision)


def _avoid_plans_for_shapes() -> None:
    """Keep attention off cuDNN, which torch prefers on recent GPUs.

    It builds a plan for every new shape, which took half a second forward and as much backward on a
    B200 (torch 2.11; modelscope/FunASR#3704), and here every batch has a shape of its own. The
    flash and memory-efficient kernels remain.
    """
    torch.backends.cuda.enable_cudnn_sdp(False)


def choose_translation_numerics(device: torch.device, precision: str) -> Numerics:
    """The arithmetic of translating, which needs no gradient scaler.

    Raises:
        DeviceError: the precision is unknown, or the device does not have it.
    """
    if precision not in (precisions := ("fp32", *_DTYPES)):
        raise DeviceError(
            f"`precision` must be one of {in_backticks(precisions)}, found `{precision}`"
        )
    if precision == "fp16" and device.type == "cpu":
        raise DeviceError(
            "translating in `fp16` needs a GPU, not `cpu`", hint="use `fp32` or `bf16`"
        )
    if device.type == "cuda":
        _avoid_plans_for_shapes()
    return Numerics(device, precision)  # type: ignore[arg-type]
