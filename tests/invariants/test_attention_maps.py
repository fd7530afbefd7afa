# Shape suffixes: B sentences, S source length, T target length, H heads.
"""The attention that is shown is the attention that the model uses, in float64."""

import math

import pytest
import torch

from mtcli.model.attention import local
from mtcli.model.attention.full import attention_weights
from mtcli.model.attention_maps import attention_maps
from tests.reference import who_sees_whom
from tests.support.models import ATTENTION_VARIANTS, VARIANTS, random_batch, tiny_model

EXACT = {"rtol": 1e-12, "atol": 1e-12}
LENGTHS = [(7, 6), (3, 9), (13, 2)]


def blocks_of(model):
    """Every attention of the model with the name of its stack and its layer."""
    for layer, module in enumerate(model.encoder.layers):
        yield "encoder", layer, module.self_attn
    for layer, module in enumerate(model.decoder.layers):
        yield "decoder", layer, module.self_attn
        yield "cross", layer, module.cross_attn


def watch(model, monkeypatch):
    """What each attention makes of its input, and the heads that it then joins, in a forward."""
    seen = {}
    for stack, layer, attention in blocks_of(model):
        of_block = seen[stack, layer] = {}

        def note_output(of_block, key, project, x):
            of_block[key] = project(x)
            return of_block[key]

        names = ("project_q", "project_kv") if stack == "cross" else ("project_qkv",)
        for name in names:
            project = getattr(attention, name)
            monkeypatch.setattr(
                attention, name, lambda x, of=of_block, n=name, p=project: note_output(of, n, p, x)
            )
        attention.out_proj.register_forward_pre_hook(
            lambda _, inputs, of=of_block: of.update(heads=inputs[0])
        )
    return seen


def run(model, batch):
    memory = model.encode(batch.src_ids_BS, batch.src_keep_BS)
    model.decode(batch.tgt_in_ids_BT, memory, batch.src_keep_BS)


@pytest.mark.parametrize("worth", [0.0, math.inf], ids=["masked", "blocks"])
@pytest.mark.parametrize("variant", VARIANTS | ATTENTION_VARIANTS)
@torch.no_grad()
def test_the_weights_make_of_the_values_what_the_model_makes_of_them(variant, worth, monkeypatch):
    monkeypatch.setattr(local, "_WORTH_CUTTING", worth)
    monkeypatch.setattr(local, "_SMALLEST_BLOCK", 2)
    model, batch = tiny_model(variant), random_batch(LENGTHS)
    maps = attention_maps(model, batch.src_ids_BS, batch.src_keep_BS, batch.tgt_in_ids_BT)
    seen = watch(model, monkeypatch)
    run(model, batch)
    assert len(seen) == len(maps.encoder) + len(maps.decoder) + len(maps.cross)
    for (stack, layer), of_block in seen.items():
        weights = getattr(maps, stack)[layer]
        values = of_block["project_kv"][1] if stack == "cross" else of_block["project_qkv"][2]
        values = values.repeat_interleave(weights.size(1) // values.size(1), dim=1)
        heads = (weights @ values).transpose(1, 2).flatten(-2)
        for row, (source, target) in enumerate(LENGTHS):
            queries, keys = source if stack == "encoder" else target, weights.size(-1)
            torch.testing.assert_close(heads[row, :queries], of_block["heads"][row, :queries],
                                       **EXACT)  # fmt: skip
            real = weights[row, :, :queries]
            torch.testing.assert_close(real.sum(-1), torch.ones_like(real[..., 0]), **EXACT)
            num_keys = keys if stack == "decoder" else source
            assert (real[..., num_keys:] == 0).all()


@pytest.mark.parametrize("variant", VARIANTS)
@torch.no_grad()
def test_full_attention_is_that_of_the_oracle(variant, monkeypatch):
    model, batch = tiny_model(variant), random_batch(LENGTHS)
    maps = attention_maps(model, batch.src_ids_BS, batch.src_keep_BS, batch.tgt_in_ids_BT)
    seen = watch(model, monkeypatch)
    run(model, batch)
    keep = batch.src_keep_BS[:, None, None]
    T = batch.tgt_in_ids_BT.size(1)
    masks = {"encoder": keep, "cross": keep, "decoder": torch.ones(T, T).tril().bool()}
    for (stack, layer), of_block in seen.items():
        if stack == "cross":
            q, k = of_block["project_q"], of_block["project_kv"][0]
        else:
            q, k = of_block["project_qkv"][:2]
        if stack != "cross" and model.config.positions == "rotary":
            rotary = getattr(model, stack).rotary
            q, k = rotary.rotate(q, 0), rotary.rotate(k, 0)
        want = attention_weights(q, k, masks[stack])
        torch.testing.assert_close(getattr(maps, stack)[layer], want, **EXACT)


@torch.no_grad()
def test_local_attention_shows_nothing_outside_of_its_window():
    model, batch = tiny_model("local with global tokens"), random_batch([(13, 9)])
    maps = attention_maps(model, batch.src_ids_BS, None, batch.tgt_in_ids_BT)
    encoder = who_sees_whom(13, 1, 2, is_causal=False)
    decoder = who_sees_whom(9, 2, 3, is_causal=True)
    for weights in maps.encoder:
        assert ((weights[0] > 0) == encoder).all()
    for weights in maps.decoder:
        assert ((weights[0] > 0) == decoder).all()


@torch.no_grad()
def test_positions_of_a_segment_share_what_low_rank_attention_gives_it():
    model, batch = tiny_model("low rank"), random_batch([(13, 2)])
    weights = attention_maps(model, batch.src_ids_BS, None, batch.tgt_in_ids_BT).encoder[0]
    segments = [[i for i in range(13) if i * 3 // 13 == segment] for segment in range(3)]
    for segment in segments:
        of_segment = weights[..., segment]
        torch.testing.assert_close(of_segment, of_segment[..., :1].expand_as(of_segment), **EXACT)
