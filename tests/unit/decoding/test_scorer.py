"""The scorer around a model; what it is fed and what comes out is the search's test."""

import pytest
import torch

from mtcli.config.schema.architecture import ModelConfig
from mtcli.decoding.beam import beam_search
from mtcli.decoding.options import SearchOptions
from mtcli.decoding.scorer import ModelScorer
from mtcli.model.seq2seq import Seq2Seq


@pytest.fixture
def model() -> Seq2Seq:
    torch.manual_seed(0)
    config = ModelConfig(
        d_model=16, num_heads=2, d_ff=24, encoder_layers=1, decoder_layers=1,
        tied_embeddings="decoder",
    )  # fmt: skip
    return Seq2Seq(config, 13, 20).eval()


@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("bf16", [False, True])
def test_log_probabilities_are_at_least_float32_and_sum_to_one(model, dtype, bf16):
    scorer = ModelScorer(model.to(dtype), pad_id=0)
    assert (scorer.vocab_size, scorer.dtype) == (20, dtype)
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16 and dtype == torch.float32):
        state = scorer.start(torch.tensor([[5, 3, 0], [4, 4, 3]]), beam_size=2, max_length=5)
        log_probs_RV = scorer.log_probs(torch.full((4,), 2), state)
    assert log_probs_RV.dtype == dtype
    assert log_probs_RV.shape == (4, 20)
    torch.testing.assert_close(log_probs_RV.exp().sum(-1), torch.ones(4, dtype=dtype))


@torch.no_grad()
def test_padding_is_not_seen(model):
    scorer, ids = ModelScorer(model.double(), pad_id=0), torch.tensor([2])
    alone = scorer.start(torch.tensor([[5, 7, 3]]), beam_size=1, max_length=4)
    with_padding = scorer.start(torch.tensor([[5, 7, 3, 0, 0]]), beam_size=1, max_length=4)
    torch.testing.assert_close(
        scorer.log_probs(ids, alone), scorer.log_probs(ids, with_padding), rtol=1e-12, atol=1e-12
    )


def test_a_broken_model_gives_empty_translations(model):
    with torch.no_grad():
        model.tgt_embed.weight[7] = torch.nan
    options = SearchOptions(beam_size=3, bos_id=2, eos_id=3, forbidden_ids=(0, 2), max_length=9)
    found = beam_search(ModelScorer(model, pad_id=0), torch.tensor([[5, 3], [6, 3]]), options)
    assert [(h.token_ids, h.is_complete) for (h,) in found] == [((), False)] * 2
