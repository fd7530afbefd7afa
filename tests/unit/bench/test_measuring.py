from types import SimpleNamespace

import torch

from mtcli.bench.measuring import own_times


def event(device, cpu_us, device_us):
    return SimpleNamespace(
        device_type=device, self_cpu_time_total=cpu_us, self_device_time_total=device_us
    )


def test_a_kernel_counts_once_for_the_operator_that_launched_it():
    """torch's profile has it twice: in the operator's device time, and as an event of its own."""
    operator = event(torch.autograd.DeviceType.CPU, 5, 40)
    kernel = event(torch.autograd.DeviceType.CUDA, 0, 40)
    assert own_times([operator, kernel], on_device=True) == [(operator, 40)]
    assert own_times([operator, kernel], on_device=False) == [(operator, 5)]
