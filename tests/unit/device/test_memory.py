import pytest
import torch

from mtcli.device.memory import memory_errors
from mtcli.errors import DeviceError


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("full"),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:1] DefaultCPUAllocator: can't allocate memory"
        ),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
)
def test_too_little_memory_is_one_sentence(error):
    with (
        pytest.raises(DeviceError) as caught,
        memory_errors(torch.device("cpu"), "update 7", "use a smaller batch"),
    ):
        raise error
    assert str(caught.value) == (
        "cpu has too little memory for update 7\nhint: use a smaller batch"
    )


def test_another_error_stays_itself():
    with pytest.raises(RuntimeError, match="shapes"), memory_errors(torch.device("cpu"), "", ""):
        raise RuntimeError("shapes differ")
