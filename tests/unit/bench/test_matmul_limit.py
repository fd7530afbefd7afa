"""The products of a training step, and how fast they are."""

from dataclasses import replace

import pytest
import torch

from mtcli.bench.matmul_limit import Product, measure_limit, products_of
from mtcli.config.flops import forward_flops
from mtcli.config.schema.architecture import ModelConfig

CPU = torch.device("cpu")


BASE = ModelConfig(d_model=8, encoder_layers=2, decoder_layers=3, num_heads=2, d_ff=12)
CONFIGS = [
    BASE,
    replace(BASE, gated=True),
    replace(BASE, head_dim=6),
    replace(BASE, num_kv_heads=1),
    replace(BASE, decoder_d_ff=5),
    replace(BASE, decoder_num_heads=4, num_kv_heads=2, head_dim=3),
]


@pytest.mark.parametrize("vocab_size", [50, 3_000_000])
@pytest.mark.parametrize("config", CONFIGS)
def test_the_products_are_those_of_the_model(config, vocab_size):
    """All of its operations but those of attention, at as many source as target tokens."""
    products = products_of(config, vocab_size, 40)
    flops = sum(2 * p.rows * p.inputs * p.outputs * p.weight for p in products)
    # one token a side: one cell a head and layer, two in the decoder, which attends twice
    encoder_width, decoder_width = (
        heads * (config.head_dim or 8 // heads)
        for heads in (config.num_heads, config.decoder_num_heads or config.num_heads)
    )
    attention = 4 * (2 * encoder_width + 2 * 3 * decoder_width)
    assert flops == 40 * (forward_flops(config, vocab_size, [(1, 1)]) - attention)


def test_a_limit_is_operations_over_seconds(monkeypatch):
    seconds = {(2, 3): 1.0, (4, 5): 2.0}
    monkeypatch.setattr(
        "mtcli.bench.matmul_limit._seconds",
        lambda product, *_: seconds[product.inputs, product.outputs],
    )
    products = [Product(10, 2, 3, 1.0), Product(10, 4, 5, 0.5)]
    limit = measure_limit(products, torch.float32, CPU, shortest_s=0.0)
    assert limit == 3 * 2 * 10 * (2 * 3 + 4 * 5 * 0.5) / (1.0 + 0.5 * 2.0)


def test_larger_products_are_faster_than_tiny_ones():
    slow, fast = (
        measure_limit([Product(size, size, size, 1.0)], torch.float32, CPU, shortest_s=0.01)
        for size in (4, 256)
    )
    assert fast > 10 * slow
