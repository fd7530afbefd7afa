# Shape suffixes: B sentences, Q positions, D d_model.
"""Local and low-rank attention against slow formulas, in float64 so that equal means equal."""

import math

import pytest
import torch

from mtcli.config.schema.attention import (
    FullAttentionConfig,
    LocalAttentionConfig,
    LowRankAttentionConfig,
)
from mtcli.model.attention import cpu, local
from mtcli.model.attention.full import FullAttention, attend
from mtcli.model.attention.kinds import StackAttention
from mtcli.model.attention.local import LocalAttention
from mtcli.model.attention.low_rank import LowRankAttention
from tests.reference import attention_written_out, low_rank_written_out, who_sees_whom
from tests.support.models import SEPARATOR, random_batch, tiny_model

EXACT = {"rtol": 1e-12, "atol": 1e-12}
LENGTHS = [21, 1, 14]
KEEP = (torch.arange(21) < torch.tensor(LENGTHS)[:, None])[:, None, None]
DENSE, CUT = 0.0, math.inf


def projections(variant="rotary grouped"):
    return tiny_model(variant).encoder.layers[0].self_attn


def heads_of(attention, kind, x, keep):
    q, k, v = attention.project_qkv(x)
    return kind(q, k, v, kind.prepare(x, keep), 0.0)


@pytest.fixture
def x():
    torch.manual_seed(0)
    return torch.randn(3, 21, 12, dtype=torch.float64)


@pytest.mark.parametrize("worth", [DENSE, CUT], ids=["masked", "blocks"])
@pytest.mark.parametrize("many", [1, 10**6], ids=["kernel", "written out"])
@pytest.mark.parametrize("smallest_block", [1, 5, 32])
@pytest.mark.parametrize("is_causal", [True, False])
@pytest.mark.parametrize("is_padded", [True, False])
@pytest.mark.parametrize(
    ("window", "num_global"), [(1, 0), (2, 3), (6, 0), (6, 1), (19, 2), (3, 30)]
)
def test_local_attention_is_full_attention_under_its_mask(
    x, monkeypatch, worth, many, smallest_block, is_causal, is_padded, window, num_global
):
    monkeypatch.setattr(cpu, "_MANY_QUERIES", many)
    monkeypatch.setattr(local, "_WORTH_CUTTING", worth)
    monkeypatch.setattr(local, "_SMALLEST_BLOCK", smallest_block)
    keep = KEEP if is_padded and not is_causal else None
    got = heads_of(projections(), LocalAttention(window, num_global, is_causal), x, keep)
    seen = who_sees_whom(21, window, num_global, is_causal=is_causal)[None, None]
    if keep is not None:
        seen = seen & keep | torch.eye(21, dtype=torch.bool)
    want = attention_written_out(projections(), x, seen, is_causal=False)
    assert got.isfinite().all()
    for row, length in enumerate(LENGTHS if keep is not None else [21] * 3):
        torch.testing.assert_close(got[row, :length], want[row, :length], **EXACT)


@pytest.mark.parametrize("worth", [DENSE, CUT], ids=["masked", "blocks"])
@pytest.mark.parametrize("is_causal", [True, False])
@pytest.mark.parametrize("is_padded", [True, False])
@pytest.mark.parametrize(("window", "num_global"), [(1, 0), (3, 2), (6, 0)])
@pytest.mark.parametrize(
    "separators", [[set(), set(), set()], [{4, 9, 20}, {0}, {13}], [{0, 1, 2}, set(), {7, 12, 19}]]
)
def test_separators_see_and_are_seen_by_all(
    x, monkeypatch, worth, is_causal, is_padded, window, num_global, separators
):
    """A different number of them in each sentence, in padding as well, where they do not count."""
    monkeypatch.setattr(local, "_WORTH_CUTTING", worth)
    monkeypatch.setattr(local, "_SMALLEST_BLOCK", 5)
    keep = KEEP if is_padded and not is_causal else None
    is_separator = torch.tensor([[q in of_row for q in range(21)] for of_row in separators])
    kind = LocalAttention(window, num_global, is_causal)
    q, k, v = projections().project_qkv(x)
    got = kind(q, k, v, kind.prepare(x, keep, is_separator), 0.0)
    assert got.isfinite().all()
    for row, length in enumerate(LENGTHS if keep is not None else [21] * 3):
        seen = who_sees_whom(
            length,
            window,
            num_global,
            is_causal=is_causal,
            separators=frozenset(separators[row]) & set(range(length)),
        )
        own = x[row : row + 1, :length]
        want = attention_written_out(projections(), own, seen[None, None], is_causal=False)
        torch.testing.assert_close(got[row : row + 1, :length], want, **EXACT)


@pytest.mark.parametrize("is_causal", [True, False])
@pytest.mark.parametrize("window", [21, 1000])
def test_a_window_that_covers_the_input_is_full_attention(x, is_causal, window):
    keep = None if is_causal else KEEP
    got = heads_of(projections(), LocalAttention(window, 0, is_causal), x, keep)
    want = heads_of(projections(), FullAttention(is_causal), x, keep)
    torch.testing.assert_close(got, want, rtol=0, atol=0)


@pytest.mark.parametrize("variant", ["pre-norm", "rotary grouped", "head_dim"])
@pytest.mark.parametrize("rank", [1, 2, 5, 20])
def test_low_rank_attention_sees_means_weighed_by_their_size(x, variant, rank):
    got = heads_of(projections(variant), LowRankAttention(rank), x, KEEP)
    assert got.isfinite().all()
    for row, want in enumerate(low_rank_written_out(projections(variant), x, LENGTHS, rank)):
        torch.testing.assert_close(got[row, : len(want)], want, **EXACT)


def test_a_sentence_of_at_most_rank_positions_is_seen_as_it_is(x):
    full = heads_of(projections(), FullAttention(False), x, KEEP)
    low = heads_of(projections(), LowRankAttention(14), x, KEEP)
    torch.testing.assert_close(low[2, :14], full[2, :14], **EXACT)
    assert not torch.allclose(low[0], full[0])
    covered = heads_of(projections(), LowRankAttention(21), x, KEEP)
    torch.testing.assert_close(covered, full, rtol=0, atol=0)


@pytest.mark.parametrize("spread", [0.0, 0.01, 0.1, 0.5])
def test_the_error_of_low_rank_attention_is_within_its_bound(spread):
    """Keys around the means of their segments, from nearly equal to far apart."""
    torch.manual_seed(0)
    rank, size, K = 4, 3, 6
    q, v = torch.randn(2, 1, 2, rank * size, K, dtype=torch.float64)
    centers = torch.randn(1, 2, rank, K, dtype=torch.float64).repeat_interleave(size, 2)
    k = centers + spread * torch.randn(1, 2, rank * size, K, dtype=torch.float64)
    x = torch.zeros(1, rank * size, 1, dtype=torch.float64)
    low_rank = LowRankAttention(rank)
    got = low_rank(q, k, v, low_rank.prepare(x, None), 0.0)
    error = (got - attend(q, k, v)).unflatten(-1, (2, K)).norm(dim=-1).max()
    means = k.unflatten(2, (rank, size)).mean(3).repeat_interleave(size, 2)
    largest = (q @ (k - means).mT).abs().max() / K**0.5
    bound = (torch.exp(2 * largest) - 1) * v.norm(dim=-1).max()
    assert error <= bound + 1e-12
    assert (error > 1e-6) == (spread > 0)


@pytest.mark.parametrize(
    "kind", [LocalAttention(3, 1, False), LocalAttention(3, 0, True), LowRankAttention(4)]
)
@pytest.mark.parametrize("largest", [0, 2**24], ids=["kernel", "written out"])
def test_under_bf16_autocast_output_and_gradients_are_near_the_exact_ones(
    x, monkeypatch, kind, largest
):
    monkeypatch.setattr("mtcli.model.attention.cpu._LARGEST_WEIGHTS", largest)
    monkeypatch.setattr(local, "_WORTH_CUTTING", CUT)
    attention, keep = projections().float(), None if kind == LocalAttention(3, 0, True) else KEEP
    x = x.float().requires_grad_()
    exact = heads_of(attention, kind, x, keep)
    with torch.autocast("cpu", torch.bfloat16):
        low = heads_of(attention, kind, x, keep)
    pull = torch.randn_like(exact) * (1 if keep is None else KEEP[:, 0, 0, :, None])
    (want,) = torch.autograd.grad(exact, x, pull)
    (got,) = torch.autograd.grad(low, x, pull.to(low.dtype))
    assert (got - want).norm() / want.norm() < 0.03
    assert ((low - exact) * pull.bool()).norm() / (exact * pull.bool()).norm() < 0.02


@pytest.mark.parametrize("num_queries", [8, 64])
def test_under_a_mask_weights_are_dropped_as_well_and_the_mean_stays(num_queries):
    """Also where torch's kernel, which knows no dropout, would be faster."""
    torch.manual_seed(0)
    q, k = torch.randn(2, 4, 2, num_queries, 8)
    v, mask = torch.ones(4, 2, num_queries, 8), torch.zeros(num_queries, num_queries)
    dropped = attend(q, k, v, keep=mask, dropout_p=0.5)
    assert dropped.std() > 0.05
    torch.testing.assert_close(dropped.mean(), torch.tensor(1.0), rtol=0.1, atol=0)
    torch.testing.assert_close(attend(q, k, v, keep=mask), torch.ones_like(dropped))


@torch.no_grad()
@pytest.mark.parametrize("beam_size", [1, 3])
def test_a_decoder_with_windows_holds_a_few_of_them_however_long_it_decodes(beam_size):
    model = tiny_model("local with global tokens", max_positions=400)
    batch = random_batch([(7, 4), (3, 9)])
    memory = model.encode(batch.src_ids_BS, batch.src_keep_BS)
    state = model.start(memory, batch.src_keep_BS, beam_size=beam_size, max_length=400)
    for step in range(300):
        model.step(torch.full((2 * (beam_size if step else 1),), 5), state)
    assert state.layers[0].self_k_BGCK.size(2) <= 32 * beam_size
    assert state.ancestors_BWC is None or state.ancestors_BWC.size(2) <= 32 * beam_size


@torch.no_grad()
@pytest.mark.parametrize("beam_size", [1, 3])
def test_a_decoder_holds_separators_and_a_few_windows_however_long_it_decodes(beam_size):
    model = tiny_model("local with separators", max_positions=400)
    batch = random_batch([(7, 4), (3, 9)])
    memory = model.encode(batch.src_ids_BS, batch.src_keep_BS)
    state = model.start(memory, batch.src_keep_BS, beam_size=beam_size, max_length=400)
    for step in range(300):
        fed = torch.full((2 * (beam_size if step else 1),), 5)
        if step % 50 == 3:
            fed[step % len(fed)] = SEPARATOR
        model.step(fed, state)
    assert state.is_global_BC.sum() == 6
    assert state.layers[0].self_k_BGCK.size(2) <= (32 + 2 * 6) * beam_size


def test_no_tensor_of_the_square_of_the_length_is_made():
    """Forward and backward, on `meta`, where every tensor that an operation makes has a shape."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Largest(TorchDispatchMode):
        def __init__(self):
            super().__init__()
            self.num_cells = 0

        def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
            out = operation(*args, **(kwargs or {}))
            for tensor in out if isinstance(out, (list, tuple)) else [out]:
                if isinstance(tensor, torch.Tensor):
                    self.num_cells = max(self.num_cells, tensor.numel())
            return out

    length = 4096
    for config in (
        LocalAttentionConfig(kind="local", window=8, global_tokens=2),
        LowRankAttentionConfig(kind="low_rank", rank=16),
    ):
        for is_causal in (False, True)[: 1 + isinstance(config, LocalAttentionConfig)]:
            stack = StackAttention(config, 1, is_causal=is_causal)
            x = torch.randn(1, length, 12, requires_grad=True)
            keep = None if is_causal else torch.ones(1, 1, 1, length, dtype=torch.bool)
            with Largest() as largest:
                (prepared,) = stack.prepare(x, keep)
                q, k, v = projections("pre-norm").float().project_qkv(x)
                stack.layers[0](q, k, v, prepared, 0.0).sum().backward()
            assert length * 12 < largest.num_cells <= length * 128


def test_layers_with_equal_windows_share_their_masks():
    config = LocalAttentionConfig(kind="local", windows=[2, "full", 2, 3])
    prepared = StackAttention(config, 4, is_causal=False).prepare(torch.zeros(1, 9, 4), None)
    assert prepared[0] is prepared[2]
    assert prepared[1] == (None,)
    assert prepared[3] is not prepared[0]
    (both, _) = StackAttention(FullAttentionConfig(), 2, is_causal=True).layers
    assert both == FullAttention(True)
