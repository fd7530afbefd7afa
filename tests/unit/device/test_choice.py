import pytest
import torch

from mtcli.device.choice import choose_device
from mtcli.errors import DeviceError


@pytest.fixture
def has(monkeypatch):
    """A function that says which devices this machine has."""

    def set_devices(num_cuda=0, *, mps=False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: num_cuda > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: num_cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return set_devices


def test_auto_takes_cuda_then_mps_then_the_cpu(has):
    has()
    assert choose_device("auto") == torch.device("cpu")
    has(mps=True)
    assert choose_device("auto") == torch.device("mps")
    has(2, mps=True)
    assert choose_device("auto", 1) == torch.device("cuda", 1)


@pytest.mark.parametrize(
    ("name", "local_rank", "num_cuda", "message"),
    [
        ("tpu", 0, 0, "`device` must be one of `auto`, `cpu`, `cuda`, `mps`, found `tpu`"),
        (
            "cuda",
            0,
            0,
            "device `cuda` is not available: torch finds none on this machine\n"
            "hint: use `auto` or `cpu`",
        ),
        (
            "mps",
            0,
            2,
            "device `mps` is not available: torch finds none on this machine\n"
            "hint: use `auto` or `cpu`",
        ),
        (
            "cuda",
            2,
            2,
            "process 2 has no CUDA device of its own: torch finds 2\n"
            "hint: start at most 2 per machine, or train on `cpu`",
        ),
    ],
)
def test_a_device_that_is_not_there_is_named(has, name, local_rank, num_cuda, message):
    has(num_cuda)
    with pytest.raises(DeviceError) as caught:
        choose_device(name, local_rank)
    assert str(caught.value) == message
