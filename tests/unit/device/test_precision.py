"""Devices and precisions that are not there are said so."""

import pytest
import torch

from mtcli.device.precision import Numerics, choose_device, choose_numerics, has_fast_bf16
from mtcli.errors import DeviceError

CPU = torch.device("cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="is about a machine without CUDA")
def test_a_device_that_is_not_there():
    with pytest.raises(DeviceError, match=r"cuda:0 was asked for, but 0 CUDA device\(s\)"):
        choose_device("cuda")
    assert choose_device("auto").type in ("cpu", "mps")


def test_fp16_needs_cuda():
    with pytest.raises(DeviceError, match="fp16 trains on CUDA only, not on cpu"):
        choose_numerics(CPU, "fp16")


def test_auto_takes_bf16_only_where_it_is_native():
    want = "bf16" if has_fast_bf16(CPU) else "fp32"
    assert choose_numerics(CPU, "auto").precision == want


def test_autocast_casts_products_and_nothing_else():
    x = torch.randn(4, 4)
    with Numerics(CPU, "bf16").autocast():
        assert (x @ x).dtype == torch.bfloat16
    with Numerics(CPU, "fp32").autocast():
        assert (x @ x).dtype == torch.float32
    assert not Numerics(CPU, "bf16").make_scaler().is_enabled()
