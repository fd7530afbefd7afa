# Shape suffixes: B sentences, S source length, T target length, D d_model.
"""Gradient times input: against the closed form of a linear model, and against differences."""

import pytest
import torch

from mtcli.explaining.contributions import contributions, gradient_times_input
from mtcli.explaining.forced_batch import forced_batch, piece_probabilities
from mtcli.model.attention.full import as_key_mask
from tests.support.models import EOS, tiny_model

EXACT = {"rtol": 1e-12, "atol": 1e-12}
SOURCES = [[5, 9, 7, 11, 6], [8, 8]]
OUTPUTS = [[6, 4, 10, EOS], [12, 5, 7, 9, 13, EOS]]


def test_contributions_of_a_linear_model_are_weights_times_inputs():
    torch.manual_seed(0)
    x_BSD = torch.randn(2, 5, 3, dtype=torch.float64, requires_grad=True)
    weights_TSD = torch.randn(4, 5, 3, dtype=torch.float64)
    bias_T = torch.randn(4, dtype=torch.float64)
    values_BT = torch.einsum("bsd,tsd->bt", x_BSD, weights_TSD) + bias_T
    got = gradient_times_input(values_BT, x_BSD)
    torch.testing.assert_close(got, torch.einsum("bsd,tsd->bts", x_BSD, weights_TSD), **EXACT)
    # with nothing left over: they are all that the value is above that of zeros
    torch.testing.assert_close(got.sum(-1) + bias_T, values_BT, **EXACT)


@pytest.mark.parametrize("variant", ["pre-norm", "rotary grouped", "low rank", "untied unscaled"])
def test_contributions_of_a_model_are_what_shrinking_an_embedding_costs(variant):
    """Central differences along each embedding, of a function written out once more."""
    model = tiny_model(variant)
    batch = forced_batch(model, SOURCES, OUTPUTS)

    @torch.no_grad()
    def log_probs(x_BSD):
        memory = model.encoder(model.place_source(x_BSD), as_key_mask(batch.src_keep_BS))
        hidden = model.decode(batch.tgt_in_ids_BT, memory, batch.src_keep_BS)
        all_log_probs = model.output_logits(hidden).log_softmax(-1)
        return all_log_probs.gather(-1, batch.tgt_out_ids_BT[..., None])[..., 0]

    got = contributions(model, batch)
    x = model.embed_source(batch.src_ids_BS).detach()
    scale = model.config.d_model**0.5 if model.config.scale_embeddings else 1.0
    torch.testing.assert_close(x, model.src_weight_VD[batch.src_ids_BS] * scale)
    step = 1e-5
    for place in range(x.size(1)):
        larger, smaller = x.clone(), x.clone()
        larger[:, place] *= 1 + step
        smaller[:, place] *= 1 - step
        want = (log_probs(larger) - log_probs(smaller)) / (2 * step)
        torch.testing.assert_close(got[..., place], want, rtol=1e-6, atol=1e-8)
    assert (got[1, :, 3:] == 0).all()  # padding
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_batch_explains_each_pair_as_it_is_alone():
    model = tiny_model()
    together = contributions(model, forced_batch(model, SOURCES, OUTPUTS))
    for row, (source, output) in enumerate(zip(SOURCES, OUTPUTS, strict=True)):
        alone = contributions(model, forced_batch(model, [source], [output]))[0]
        shown = together[row, : len(output), : len(source) + 1]
        torch.testing.assert_close(shown, alone, rtol=1e-10, atol=1e-12)


@torch.no_grad()
def test_probabilities_are_the_models_and_alternatives_are_its_best_pieces():
    model = tiny_model()
    batch = forced_batch(model, SOURCES, OUTPUTS)
    got = piece_probabilities(model, batch, 4)
    memory = model.encode(batch.src_ids_BS, batch.src_keep_BS)
    hidden = model.decode(batch.tgt_in_ids_BT, memory, batch.src_keep_BS)
    log_probs = (hidden @ model.output_weight_VD.T).log_softmax(-1)
    for row, output in enumerate(OUTPUTS):
        for place, piece in enumerate(output):
            assert got.log_probs_BT[row, place] == pytest.approx(
                float(log_probs[row, place, piece])
            )
            order = log_probs[row, place].argsort(descending=True)
            assert got.best_ids_BTN[row, place].tolist() == order[:4].tolist()
            best = log_probs[row, place][order[:4]]
            torch.testing.assert_close(got.best_log_probs_BTN[row, place], best, **EXACT)
    assert piece_probabilities(model, batch, 500).best_ids_BTN.size(-1) == 23
