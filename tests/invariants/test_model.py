# Shape suffixes: B sentences, T target length, W beam width, R rows.
"""Invariants 1 to 3, 8 and 10 of the house, in float64 so that equal means equal."""

import math

import pytest
import torch

from mtcli.model.attention import local
from mtcli.model.attention.full import attend
from mtcli.model.loss import smoothed_cross_entropy
from tests.reference import attention_written_out, smoothed_cross_entropy_written_out
from tests.support.models import (
    ATTENTION_VARIANTS,
    EOS,
    PAD,
    SEPARATOR,
    VARIANTS,
    V,
    random_batch,
    tiny_model,
)

EXACT = {"rtol": 1e-11, "atol": 1e-11}
LENGTHS = [(7, 4), (3, 9), (5, 6)]
every_variant = pytest.mark.parametrize("variant", [*VARIANTS, *ATTENTION_VARIANTS])


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Local attention is cut into blocks at any length."""
    monkeypatch.setattr(local, "_SMALLEST_BLOCK", 1)
    monkeypatch.setattr(local, "_WORTH_CUTTING", float("inf"))


@every_variant
@torch.no_grad()
def test_decoding_in_steps_equals_decoding_at_once(variant):
    model, batch = tiny_model(variant), random_batch(LENGTHS)
    memory = model.encode(batch.src_ids_BS, batch.src_keep_BS)
    want = model.decode(batch.tgt_in_ids_BT, memory, batch.src_keep_BS)
    state = model.start(memory, batch.src_keep_BS, beam_size=1, max_length=3)
    got = [model.step(ids, state) for ids in batch.tgt_in_ids_BT.unbind(1)]
    torch.testing.assert_close(torch.stack(got, dim=1), want, **EXACT)


@every_variant
@torch.no_grad()
def test_steps_after_selecting_rows_equal_decoding_their_histories_at_once(variant):
    """A beam of 3 that is reordered at every step, and loses a sentence half-way."""
    model, batch = tiny_model(variant), random_batch([(7, 4), (3, 9)])
    memory = model.encode(batch.src_ids_BS, batch.src_keep_BS)
    W, generator = 3, torch.Generator().manual_seed(1)
    state = model.start(memory, batch.src_keep_BS, beam_size=W, max_length=40)
    keep, history = batch.src_keep_BS, torch.empty((2 * W, 0), dtype=torch.long)
    for step in range(36):  # past the first size of the cache
        B = memory.size(0)
        # the first token is fed once a sentence
        fed = torch.randint(4, V, (B * (W if step else 1),), generator=generator)
        if step % 7 == 3:
            fed[step % len(fed)] = SEPARATOR
        ids = fed if step else fed.repeat_interleave(W)
        history = torch.cat([history, ids[:, None]], dim=1)
        got = model.step(fed, state)
        if step == 0:
            got = got.repeat_interleave(W, 0)
        want = model.decode(history, memory.repeat_interleave(W, 0), keep.repeat_interleave(W, 0))[
            :, -1
        ]
        torch.testing.assert_close(got, want, **EXACT)
        rows = torch.randint(0, W, (B, W), generator=generator)
        rows = (rows + W * torch.arange(B)[:, None]).flatten()
        state.reorder(rows)
        history = history[rows]
        if step == 17:
            state.keep_sentences(torch.tensor([1]))
            memory, keep, history = memory[1:], keep[1:], history[W:]


@every_variant
@torch.no_grad()
def test_padding_changes_nothing_and_a_batch_equals_one_by_one(variant):
    model, batch = tiny_model(variant), random_batch(LENGTHS)
    memory = model.encode(batch.src_ids_BS, batch.src_keep_BS)
    hidden = model.decode(batch.tgt_in_ids_BT, memory, batch.src_keep_BS)
    garbage = batch.src_ids_BS.masked_fill(~batch.src_keep_BS, V - 1)
    with_garbage = model.encode(garbage, batch.src_keep_BS)
    torch.testing.assert_close(
        model.decode(batch.tgt_in_ids_BT, with_garbage, batch.src_keep_BS), hidden, **EXACT
    )
    for row, (s, t) in enumerate(LENGTHS):
        alone_memory = model.encode(batch.src_ids_BS[row : row + 1, :s], None)
        alone = model.decode(batch.tgt_in_ids_BT[row : row + 1, :t], alone_memory, None)
        torch.testing.assert_close(hidden[row : row + 1, :t], alone, **EXACT)


@every_variant
def test_the_loss_of_a_batch_is_the_sum_of_its_pairs_in_any_order(variant):
    model = tiny_model(variant)
    whole = model(random_batch(LENGTHS), 0.1)
    batch = random_batch(LENGTHS)
    order = torch.tensor([2, 0, 1])
    tgt_out = torch.full_like(batch.tgt_in_ids_BT, PAD)
    tgt_out.view(-1)[batch.loss_positions_N] = batch.loss_ids_N
    shuffled = tgt_out[order].flatten()
    positions = (shuffled != PAD).nonzero()[:, 0]
    permuted = batch._replace(
        src_ids_BS=batch.src_ids_BS[order],
        src_keep_BS=batch.src_keep_BS[order],
        tgt_in_ids_BT=batch.tgt_in_ids_BT[order],
        loss_positions_N=positions,
        loss_ids_N=shuffled[positions],
    )
    torch.testing.assert_close(model(permuted, 0.1), whole, **EXACT)


@every_variant
@torch.no_grad()
def test_no_position_sees_a_later_one(variant):
    model, batch = tiny_model(variant), random_batch([(4, 8)])
    memory = model.encode(batch.src_ids_BS, batch.src_keep_BS)
    changed = batch.tgt_in_ids_BT.clone()
    changed[:, 5:] = 4 + (changed[:, 5:] - 3) % (V - 4)
    before = model.decode(batch.tgt_in_ids_BT, memory, batch.src_keep_BS)
    after = model.decode(changed, memory, batch.src_keep_BS)
    torch.testing.assert_close(before[:, :5], after[:, :5], **EXACT)
    assert not torch.allclose(before[:, 5:], after[:, 5:])


@every_variant
def test_every_parameter_gets_a_gradient(variant):
    model = tiny_model(variant, dropout=0.1).train()
    model(random_batch(LENGTHS), 0.1).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        if "k_proj.bias" not in name:  # softmax does not feel a constant added to all keys
            assert parameter.grad.abs().max() > 1e-12, name


@pytest.mark.parametrize(
    ("variant", "names"),
    [
        ("pre-norm", {"shared_embed.weight"}),
        ("decoder tied", {"src_embed.weight", "tgt_embed.weight"}),
        ("untied unscaled", {"src_embed.weight", "tgt_embed.weight", "output_proj.weight"}),
    ],
)
def test_tied_weights_are_one_tensor_also_after_loading(variant, names):
    model, other = tiny_model(variant), tiny_model(variant, seed=1)
    other.load_state_dict(model.state_dict())
    big = {n for n, p in other.named_parameters() if p.shape == (V, 12)}
    assert big == names
    assert set(other.state_dict()) == {n for n, _ in other.named_parameters()}
    if variant == "pre-norm":
        assert other.output_weight_VD is other.src_weight_VD is other.tgt_weight_VD


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.6])
@pytest.mark.parametrize("num_tokens", [0, 1, 7, 50])
def test_the_fused_loss_equals_the_plain_formula_and_its_autograd(
    monkeypatch, smoothing, num_tokens
):
    monkeypatch.setattr("mtcli.model.loss.CHUNK_CELLS", 3 * V)  # three rows at a time
    torch.manual_seed(0)
    hidden = torch.randn(num_tokens, 12, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(V, 12, dtype=torch.float64, requires_grad=True)
    ids = torch.randint(0, V, (num_tokens,))
    got = smoothed_cross_entropy(hidden, weight, ids, smoothing)
    got_grads = torch.autograd.grad(got * 1.7, [hidden, weight])
    want = smoothed_cross_entropy_written_out(hidden, weight, ids, smoothing)
    want_grads = torch.autograd.grad(want * 1.7, [hidden, weight])
    torch.testing.assert_close(got, want, **EXACT)
    torch.testing.assert_close(got_grads, want_grads, **EXACT)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_bias_of_the_logits_is_part_of_the_loss_and_gets_its_gradient(smoothing):
    model, batch = tiny_model("marian"), random_batch(LENGTHS)
    torch.nn.init.normal_(model.output_bias)
    weights = [model.shared_embed.weight, model.output_bias]
    got = model(batch, smoothing)
    memory = model.encode(batch.src_ids_BS, batch.src_keep_BS)
    hidden = model.decode(batch.tgt_in_ids_BT, memory, batch.src_keep_BS)
    logits = model.output_logits(hidden).flatten(0, 1)[batch.loss_positions_N]
    torch.testing.assert_close(
        logits,
        hidden.flatten(0, 1)[batch.loss_positions_N] @ weights[0].T + weights[1],
        **EXACT,
    )
    want = torch.nn.functional.cross_entropy(
        logits, batch.loss_ids_N, reduction="sum", label_smoothing=smoothing
    )
    torch.testing.assert_close(got, want, **EXACT)
    got_grads = torch.autograd.grad(got, weights, retain_graph=True)
    torch.testing.assert_close(got_grads, torch.autograd.grad(want, weights), **EXACT)


def test_sinusoids_of_fairseq_are_those_of_its_formula():
    table = tiny_model("m2m100").src_positions.table_PD
    for position, row in enumerate(table[:7].tolist()):
        for k in range(6):
            angle = (position + 2) * math.exp(-k * math.log(10000) / (6 - 1))
            assert row[k] == pytest.approx(math.sin(angle), abs=1e-6)
            assert row[6 + k] == pytest.approx(math.cos(angle), abs=1e-6)


def test_no_smoothing_is_cross_entropy():
    torch.manual_seed(0)
    hidden, weight = torch.randn(9, 12).double(), torch.randn(V, 12).double()
    ids = torch.randint(0, V, (9,))
    want = torch.nn.functional.cross_entropy(hidden @ weight.T, ids, reduction="sum")
    torch.testing.assert_close(smoothed_cross_entropy(hidden, weight, ids, 0.0), want, **EXACT)


def test_the_loss_under_bf16_autocast_is_near_the_exact_one():
    torch.manual_seed(0)
    hidden = torch.randn(64, 32, requires_grad=True)
    weight = torch.randn(100, 32, requires_grad=True)
    ids = torch.randint(0, 100, (64,))
    want = smoothed_cross_entropy(hidden, weight, ids, 0.1)
    want_grads = torch.autograd.grad(want, [hidden, weight])
    with torch.autocast("cpu", torch.bfloat16):
        got = smoothed_cross_entropy(hidden, weight, ids, 0.1)
    got_grads = torch.autograd.grad(got, [hidden, weight])
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, want, rtol=5e-3, atol=0.0)
    for g, w in zip(got_grads, want_grads, strict=True):
        assert (g - w).norm() / w.norm() < 0.02


def test_a_probability_that_underflows_has_its_loss_and_gradient_all_the_same():
    hidden = torch.tensor([[300.0], [1.0]], requires_grad=True)
    weight = torch.tensor([[1.0], [0.0], [-1.0]], requires_grad=True)
    ids = torch.tensor([2, 2])  # log-probabilities -600 and -2.41
    got = smoothed_cross_entropy(hidden, weight, ids, 0.1)
    want = smoothed_cross_entropy_written_out(hidden, weight, ids, 0.1)
    got_grads = torch.autograd.grad(got, [hidden, weight])
    want_grads = torch.autograd.grad(want, [hidden, weight])
    torch.testing.assert_close(got, want)
    torch.testing.assert_close(got_grads, want_grads)


@pytest.mark.parametrize("is_causal", [True, False])
@pytest.mark.parametrize("largest", [0, 2**24], ids=["kernel", "written out"])
def test_attention_in_bf16_on_cpu_is_near_the_exact_one(monkeypatch, is_causal, largest):
    monkeypatch.setattr("mtcli.model.attention.cpu._LARGEST_WEIGHTS", largest)
    torch.manual_seed(0)
    exact = [torch.randn(3, 2, 7, 8, requires_grad=True) for _ in range(3)]
    keep = None if is_causal else (torch.arange(7) < torch.tensor([[7], [2], [5]]))[:, None, None]
    want = attend(*exact, keep=keep, is_causal=is_causal)
    low = [x.detach().bfloat16().requires_grad_() for x in exact]
    with torch.autocast("cpu", torch.bfloat16):
        got = attend(*low, keep=keep, is_causal=is_causal)
    pull = torch.randn_like(want)
    want_grads = torch.autograd.grad(want, exact, pull)
    got_grads = torch.autograd.grad(got, low, pull.to(got.dtype))
    for g, w in zip((got, *got_grads), (want, *want_grads), strict=True):
        assert (g - w).norm() / w.norm() < 0.02


@pytest.mark.parametrize("variant", ["pre-norm", "rotary grouped", "multi-query", "head_dim"])
@pytest.mark.parametrize("is_causal", [True, False])
def test_attention_is_softmax_of_scaled_products(variant, is_causal):
    attention = tiny_model(variant).decoder.layers[0].self_attn
    torch.manual_seed(0)
    x = torch.randn(2, 5, 12, dtype=torch.float64)
    keep = None if is_causal else (torch.arange(5) < torch.tensor([[5], [2]]))[:, None, None, :]

    q, k, v = attention.project_qkv(x)
    got = attend(q, k, v, keep=keep, is_causal=is_causal)
    torch.testing.assert_close(got, attention_written_out(attention, x, keep, is_causal), **EXACT)


def test_one_batch_is_overfitted_to_exact_reproduction():
    """Invariant 9: greedy decoding gives back every training target."""
    model = tiny_model("pre-norm", d_model=24, d_ff=32).train()
    batch = random_batch([(5, 6), (4, 8), (6, 3), (3, 5)])
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(150):
        optimizer.zero_grad()
        (model(batch, 0.0) / batch.loss_ids_N.numel()).backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        memory = model.encode(batch.src_ids_BS, batch.src_keep_BS)
        state = model.start(memory, batch.src_keep_BS, beam_size=1, max_length=10)
        ids, produced = batch.tgt_in_ids_BT[:, 0], []
        for _ in range(8):
            ids = model.output_logits(model.step(ids, state)).argmax(-1)
            produced.append(ids)
    produced_BT = torch.stack(produced, dim=1)
    want = torch.full_like(batch.tgt_in_ids_BT, PAD)
    want.view(-1)[batch.loss_positions_N] = batch.loss_ids_N
    for row in range(4):
        length = int((want[row] == EOS).nonzero()[0]) + 1
        assert produced_BT[row, :length].tolist() == want[row, :length].tolist()


@every_variant
@pytest.mark.parametrize("layer", [0, 1, None])
@torch.no_grad()
def test_attention_to_the_source_is_the_one_that_the_decoder_uses(variant, layer, monkeypatch):
    """The heads that the weights make of the values are those that `attend` gave in a forward."""
    model, batch = tiny_model(variant), random_batch(LENGTHS)
    memory = model.encode(batch.src_ids_BS, batch.src_keep_BS)
    weights = model.cross_attention(batch.tgt_in_ids_BT, memory, batch.src_keep_BS, layer)
    chosen = model.decoder.layers[0 if layer is None else layer]  # the second-last of two
    used = []
    monkeypatch.setattr(chosen.cross_attn.out_proj, "forward", lambda heads: used.append(heads) or
                        torch.zeros(*heads.shape[:-1], 12).double())  # fmt: skip
    model.decode(batch.tgt_in_ids_BT, memory, batch.src_keep_BS)
    _, values = chosen.cross_attn.project_kv(memory)
    values = values.repeat_interleave(weights.size(1) // values.size(1), dim=1)
    heads = (weights @ values).transpose(1, 2).flatten(-2)
    torch.testing.assert_close(heads, used[0], **EXACT)
    torch.testing.assert_close(weights.sum(-1), torch.ones_like(weights[..., 0]), **EXACT)
    assert (weights[0, :, :, 7:] == 0).all()
    assert (weights[1, :, :, 3:] == 0).all()


@torch.no_grad()
def test_attention_to_the_source_is_the_written_out_one():
    model, batch = tiny_model("pre-norm"), random_batch(LENGTHS)
    memory = model.encode(batch.src_ids_BS, batch.src_keep_BS)
    got = model.cross_attention(batch.tgt_in_ids_BT, memory, batch.src_keep_BS, 0)
    layer = model.decoder.layers[0]
    # the embedded target, self-attention added, normed: what the queries are made of
    x = model.tgt_weight_VD[batch.tgt_in_ids_BT] * 12**0.5
    x = x + model.tgt_positions(0, x.size(1))
    heads = attention_written_out(layer.self_attn, layer.self_attn_residual.norm(x), None, True)
    x = layer.cross_attn_residual.norm(x + layer.self_attn.out_proj(heads))
    q, k = layer.cross_attn.q_proj(x), layer.cross_attn.k_proj(memory)
    for h in range(2):
        own = slice(6 * h, 6 * h + 6)
        logits = q[..., own] @ k[..., own].transpose(1, 2) / 6**0.5
        logits = logits.masked_fill(~batch.src_keep_BS[:, None], -torch.inf)
        torch.testing.assert_close(got[:, h], logits.softmax(-1), **EXACT)
