"""Averages of weights against loops that anyone can read."""

import torch

from mtcli.training.averaging import (
    ExponentialAverage,
    holding_weights,
    mean_weights,
    named_weights,
)
from tests.support.models import tiny_model


def test_the_exponential_average_is_the_loop():
    model = tiny_model("pre-norm")
    average = ExponentialAverage(model, decay=0.6)
    want = {name: w.clone() for name, w in named_weights(model).items()}
    for step in range(12):
        with torch.no_grad():
            for p in model.parameters():
                p.add_(torch.randn_like(p))
        average.update(model)
        decay = min(0.6, (1 + step) / (10 + step))
        for name, w in named_weights(model).items():
            want[name] = decay * want[name] + (1 - decay) * w
    torch.testing.assert_close(average.weights, want, rtol=1e-12, atol=1e-12)
    assert average.num_steps == 12


def test_it_goes_on_where_it_was_saved():
    model = tiny_model("pre-norm")
    one, other = (
        ExponentialAverage(model, 0.9),
        ExponentialAverage(tiny_model("pre-norm", seed=5), 0.9),
    )
    one.update(model)
    other.load_state_dict(one.state_dict())
    one.update(model)
    other.update(model)
    assert all(torch.equal(one.weights[n], other.weights[n]) for n in one.weights)


def test_the_mean_of_weights():
    models = [named_weights(tiny_model("pre-norm", seed=s).float()) for s in range(3)]
    mean = mean_weights(models)
    for name, value in mean.items():
        want = sum(m[name].double() for m in models) / 3
        torch.testing.assert_close(value, want.float(), rtol=0, atol=0)


def test_weights_are_held_only_inside():
    model, other = tiny_model("pre-norm"), named_weights(tiny_model("pre-norm", seed=1))
    before = {n: w.clone() for n, w in named_weights(model).items()}
    with holding_weights(model, other):
        assert all(torch.equal(w, other[n]) for n, w in named_weights(model).items())
    assert all(torch.equal(w, before[n]) for n, w in named_weights(model).items())
    with holding_weights(model, None):
        assert all(torch.equal(w, before[n]) for n, w in named_weights(model).items())
