"""Masking a head does what removing its columns of the output projection does, and no more."""

import copy

import pytest
import torch

from mtcli.explaining.forced_batch import forced_batch
from mtcli.explaining.head_importance import (
    attention_blocks,
    head_importance,
    masked_head,
    num_heads,
)
from tests.support.models import EOS, tiny_model

SOURCES = [[5, 9, 7, 11, 6], [8, 8]]
OUTPUTS = [[6, 4, 10, EOS], [12, 5, 7, 9, 13, EOS]]


def losses(model, batch):
    memory = model.encode(batch.src_ids_BS, batch.src_keep_BS)
    hidden = model.decode(batch.tgt_in_ids_BT, memory, batch.src_keep_BS)
    log_probs = model.output_logits(hidden).log_softmax(-1)
    return [
        -sum(float(log_probs[row, place, piece]) for place, piece in enumerate(output))
        / len(output)
        for row, output in enumerate(OUTPUTS)
    ]


@pytest.mark.parametrize("variant", ["pre-norm", "rotary grouped", "narrow decoder", "local"])
@torch.no_grad()
def test_importance_is_the_rise_of_the_loss_without_the_head(variant):
    model = tiny_model(variant)
    batch = forced_batch(model, SOURCES, OUTPUTS)
    reported = []
    got = head_importance(model, batch, lambda: reported.append(True))
    assert len(got) == len(reported) == num_heads(model)
    whole = losses(model, batch)
    for (stack, layer, head), rises in got.items():
        without = copy.deepcopy(model)
        for other_stack, other_layer, attention in attention_blocks(without):
            if (other_stack, other_layer) == (stack, layer):
                own = slice(head * attention.head_dim, (head + 1) * attention.head_dim)
                attention.out_proj.weight[:, own] = 0
        want = [a - b for a, b in zip(losses(without, batch), whole, strict=True)]
        assert rises == pytest.approx(want, rel=1e-9, abs=1e-12)
    assert len({round(rise, 9) for rises in got.values() for rise in rises}) > len(got)
    assert losses(model, batch) == whole  # no mask is left


@torch.no_grad()
def test_a_masked_head_reaches_nobody_and_the_others_are_as_they_were():
    model = tiny_model("rotary grouped")
    batch = forced_batch(model, SOURCES, OUTPUTS)
    attention = model.encoder.layers[1].self_attn
    joined = []

    def run():
        attention.out_proj.register_forward_pre_hook(lambda _, heads: joined.append(heads[0]))
        model.encode(batch.src_ids_BS, batch.src_keep_BS)

    run()
    with masked_head(attention, 3):
        run()
    whole, masked = joined[0].unflatten(-1, (6, -1)), joined[-1].unflatten(-1, (6, -1))
    assert (masked[..., 3, :] == 0).all()
    assert (whole[..., 3, :] != 0).any()
    others = [0, 1, 2, 4, 5]
    assert (masked[..., others, :] == whole[..., others, :]).all()


def test_a_mask_ends_when_an_error_does():
    model = tiny_model()
    attention = model.encoder.layers[0].self_attn
    with pytest.raises(ValueError, match="in between"), masked_head(attention, 0):
        raise ValueError("in between")
    assert not attention.out_proj._forward_pre_hooks
