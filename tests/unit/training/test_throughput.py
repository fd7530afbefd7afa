"""The probe of the machine: a power of the root of two, and no trace in the random numbers."""

import math

import torch

from mtcli.config.schema.root import TrainingConfig
from mtcli.training import throughput


def test_it_is_rounded_and_leaves_the_random_generator_alone(monkeypatch):
    monkeypatch.setattr(throughput, "_REPEATS", 1)
    monkeypatch.setattr(throughput, "_PAIRS_ON_CPU", 2)
    torch.manual_seed(3)
    before = torch.get_rng_state()
    rate = throughput.reference_tokens_per_s(TrainingConfig(device="cpu", precision="fp32"))
    assert torch.equal(torch.get_rng_state(), before)
    assert (2 * math.log2(rate)).is_integer()
    assert 1 < rate < 1e7
