"""Operations counted by formula, against counting them by hand and by torch."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from mtcli.config.flops import forward_flops, training_flops
from mtcli.config.schema.architecture import ModelConfig
from mtcli.config.schema.attention import LocalAttentionConfig, LowRankAttentionConfig
from mtcli.model.seq2seq import Seq2Seq

BASE = {"d_model": 12, "encoder_layers": 2, "decoder_layers": 3, "num_heads": 3, "d_ff": 20}
CONFIGS = [
    ModelConfig(**BASE),
    ModelConfig(**BASE, gated=True, num_kv_heads=1),
    ModelConfig(**BASE, decoder_num_heads=2, decoder_d_ff=7, head_dim=6),
    ModelConfig(**BASE, positions="rotary", tied_embeddings="none", bias=False),
    ModelConfig(**BASE, encoder_attention=LowRankAttentionConfig(kind="low_rank", rank=3)),
    ModelConfig(**BASE, encoder_attention=LowRankAttentionConfig(kind="low_rank", rank=9)),
]


@pytest.mark.parametrize("config", CONFIGS)
def test_the_formula_is_what_torch_counts(config):
    model = Seq2Seq(config, 31, 31).eval()
    src_ids, tgt_ids = torch.ones((2, 7), dtype=torch.int64), torch.ones((2, 5), dtype=torch.int64)
    with (
        FlopCounterMode(display=False) as counter,
        torch.no_grad(),
        torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH),
    ):
        hidden = model.decode(tgt_ids, model.encode(src_ids, None), None)
        model.output_logits(hidden)
    assert forward_flops(config, 31, [(7, 5), (7, 5)]) == counter.get_total_flops()


def test_one_layer_by_hand():
    config = ModelConfig(d_model=4, encoder_layers=1, decoder_layers=1, num_heads=1, d_ff=8)
    encoder = 3 * (4 * 4 * 4 + 2 * 4 * 8) + 2 * 3 * 3 * 4
    decoder = 2 * (4 * 4 * 4 + 2 * 4 * 4 + 2 * 4 * 8)  # what is made per target token
    decoder += 3 * 2 * 4 * 4 + 2 * 2 * 2 * 4 + 2 * 2 * 3 * 4
    output = 2 * 4 * 10
    assert forward_flops(config, 10, [(3, 2)]) == 2 * (encoder + decoder + output)
    assert training_flops(config, 10, [(3, 2)]) == 6 * (encoder + decoder + output)


def test_local_attention_counts_the_keys_that_are_seen():
    def flops(**attention):
        return forward_flops(ModelConfig(**BASE, **attention), 31, [(7, 5)])

    def of(**keys):
        return LocalAttentionConfig(kind="local", **keys)

    full = flops()
    assert flops(encoder_attention=of(window=7), decoder_attention=of(window=5)) == full
    # two layers of the encoder, 7 queries that see 3 + 1 instead of 7 keys
    assert full - flops(encoder_attention=of(window=1, global_tokens=1)) == 4 * 2 * 7 * 3 * 12
    assert full - flops(encoder_attention=of(windows=["full", 1])) == 4 * 7 * 4 * 12
    assert full - flops(decoder_attention=of(window=2)) == 4 * 3 * 5 * 3 * 12


@pytest.mark.parametrize(("shape", "mflop"), [("tiny", 15.7), ("base", 293.5)])
def test_the_shapes_of_the_recipes(shape, mflop):
    """Per target token at the mean lengths of Multi30k."""
    tiny = ModelConfig(d_model=128, encoder_layers=4, decoder_layers=4, num_heads=4, d_ff=256)
    config = tiny if shape == "tiny" else ModelConfig()
    assert training_flops(config, 10_000, [(15, 15)]) / 15 / 1e6 == pytest.approx(mflop, rel=0.02)
