import pytest
import torch

from mtcli.device.precision import (
    Numerics,
    choose_numerics,
    choose_translation_numerics,
    has_fast_bf16,
)
from mtcli.errors import DeviceError

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("choose", "device", "precision", "message"),
    [
        (
            choose_numerics,
            "mps",
            "fp16",
            "training in `fp16` needs a CUDA device, not `mps`\nhint: use `bf16` or `fp32`",
        ),
        (
            choose_translation_numerics,
            "cpu",
            "fp16",
            "translating in `fp16` needs a GPU, not `cpu`\nhint: use `fp32` or `bf16`",
        ),
        (
            choose_translation_numerics,
            "cpu",
            "int8",
            "`precision` must be one of `fp32`, `bf16`, `fp16`, found `int8`",
        ),
    ],
)
def test_a_precision_that_is_not_there_is_named(choose, device, precision, message):
    with pytest.raises(DeviceError) as caught:
        choose(torch.device(device), precision)
    assert str(caught.value) == message


def test_fp16_translates_on_any_gpu():
    assert choose_translation_numerics(torch.device("mps"), "fp16").precision == "fp16"


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
