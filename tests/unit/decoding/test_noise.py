"""Stateless random numbers: against plain integers, and evenly spread."""

import torch

from mtcli.decoding.noise import mixed, uniforms
from tests.reference import mixed_written_out


def test_keys_are_those_of_integers_that_do_not_wrap():
    keys = [0, 1, -1, 12345, 2**63 - 1, -(2**63), -987654321]
    got = mixed(torch.tensor(keys), torch.tensor(keys).flip(0)).tolist()
    want = [mixed_written_out(a % 2**64, b % 2**64) for a, b in zip(keys, keys[::-1], strict=True)]
    assert [key % 2**64 for key in got] == want
    assert (
        mixed(torch.tensor([7]), 3).tolist() == mixed(torch.tensor([7]), torch.tensor(3)).tolist()
    )


def test_uniforms_are_even_and_below_one():
    for dtype in (torch.float64, torch.float32):
        drawn = uniforms(mixed(torch.arange(100_000), 5), dtype)
        assert drawn.dtype == dtype
        assert 0 <= drawn.min() < 1e-4
        assert 1 - 1e-4 < drawn.max() < 1
        counts = torch.histc(drawn.float(), bins=50, min=0, max=1)
        chi_square = float(((counts - 2000) ** 2 / 2000).sum())
        assert chi_square < 49 + 4 * 98**0.5
        largest = uniforms(torch.tensor([-1]), dtype)
        for total in (0.3, 0.6, 1.0, 1.0000001, 1.9):
            assert (
                largest * torch.tensor(total, dtype=dtype) < torch.tensor(total, dtype=dtype)
            ).all()
