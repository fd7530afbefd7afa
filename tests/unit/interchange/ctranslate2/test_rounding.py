"""int8 weights: no CPU's sums run over, and little is lost."""

import ctranslate2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mtcli.interchange.ctranslate2.rounding import round_rows
from tests.support.exports import PIECES, VOCAB_SIZE, exported
from tests.support.models import searched_model

SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 9))
FLOATS = st.floats(-(2.0**99), 2.0**99, width=32)


@given(arrays.arrays(np.float32, SHAPES, elements=FLOATS))
def test_two_neighbours_with_any_activations_fit_into_16_bits(weight):
    integers, scale = round_rows(weight)
    assert integers.shape == weight.shape
    assert np.isfinite(scale).all()
    padded = np.pad(integers.astype(int), ((0, 0), (0, weight.shape[1] % 2)))
    pairs = padded.reshape(len(weight), -1, 2)
    for sign in (1, -1):
        assert (255 * np.maximum(sign * pairs, 0).sum(-1) < 2**15).all()


@given(arrays.arrays(np.float32, SHAPES, elements=FLOATS))
def test_each_weight_is_off_by_half_a_step(weight):
    integers, scale = round_rows(weight)
    steps = weight.astype(float) * scale[:, None]
    assert (np.abs(integers - steps) <= 0.5 + 1e-4).all()


def test_a_row_uses_the_whole_range_where_it_may():
    integers, _ = round_rows(np.float32([[0.5, 0, 0, -0.25], [0.25, 0.25, 0, 0], [0, 0, 0, 0]]))
    assert integers.tolist() == [[127, 0, 0, -64], [64, 64, 0, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize("variant", ["pre-norm", "post-norm", "rms silu gated"])
def test_large_neighbours_of_one_sign(variant, tmp_path):
    """Weights whose sums run over on a CPU without VNNI if they are rounded to 127."""
    model = searched_model(variant, scale=1.0)
    for name, weight in model.named_parameters():
        if name.endswith("in_proj.weight"):
            weight.data = weight.data.abs().clamp(min=weight.abs().max().item() / 2)
    sources, targets = random_pairs()
    found, expected = (
        scores(exported(model, tmp_path / kind, kind), sources, targets)
        for kind in ("int8", "float32")
    )
    assert np.sqrt(np.square(found - expected).mean()) < 0.1


def scores(folder, sources, targets):
    translator = ctranslate2.Translator(str(folder), intra_threads=1)
    scored = translator.score_batch(sources, targets)
    return np.concatenate([one.log_probs for one in scored])


def random_pairs():
    draw = np.random.default_rng(0)
    return (
        [[PIECES[i] for i in draw.integers(4, VOCAB_SIZE, size=9)] for _ in range(40)]
        for _ in range(2)
    )
