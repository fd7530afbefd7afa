"""Measure how fast this machine multiplies matrices of a model's shapes: the limit of a step."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

import torch

from mtcli.config.flops import TRAINING_PER_FORWARD
from mtcli.config.schema.architecture import ModelConfig
from mtcli.model.loss import CHUNK_CELLS

_AT_ONCE = 20
"""Products between two looks at the clock on a GPU."""


@dataclass(frozen=True)
class Product:
    """The products of one linear layer: its output and the two gradients."""

    rows: int
    """Tokens."""
    inputs: int
    outputs: int
    weight: float
    """How many there are in a training step, each over `rows` tokens."""


def products_of(config: ModelConfig, tgt_vocab_size: int, num_tokens: int) -> list[Product]:
    """The linear layers of a step over `num_tokens` tokens a side, with Q, K and V as one product.

    The output projection is made in chunks of rows, as the loss makes it.
    """
    counts: Counter[tuple[int, int]] = Counter()  # by (inputs, outputs)
    encoder, decoder = config.encoder_shape, config.decoder_shape
    for shape in (encoder, decoder):
        counts[shape.d_model, shape.q_width + 2 * shape.kv_width] += shape.num_layers
        counts[shape.q_width, shape.d_model] += shape.num_layers
        counts[shape.d_model, shape.d_ff] += shape.num_layers * (2 if config.gated else 1)
        counts[shape.d_ff, shape.d_model] += shape.num_layers
    # attention to the source: queries, keys and values, outputs
    counts[decoder.d_model, decoder.q_width] += decoder.num_layers
    counts[decoder.d_model, 2 * decoder.kv_width] += decoder.num_layers
    counts[decoder.q_width, decoder.d_model] += decoder.num_layers
    rows = max(1, min(num_tokens, CHUNK_CELLS // tgt_vocab_size))
    return [
        *(Product(num_tokens, *sizes, weight) for sizes, weight in counts.items()),
        Product(rows, config.d_model, tgt_vocab_size, num_tokens / rows),
    ]


def measure_limit(
    products: list[Product], dtype: torch.dtype, device: torch.device, *, shortest_s: float
) -> float:
    """Operations per second over the products, each weighted by its share of a step's operations.

    Args:
        products: what is multiplied.
        dtype: of the operands.
        device: where.
        shortest_s: time that each of the three products of a layer is repeated for, at least.
    """
    total_flops = total_s = 0.0
    for product in products:
        flops = 2.0 * product.rows * product.inputs * product.outputs
        seconds = _seconds(product, dtype, device, shortest_s)
        total_flops += TRAINING_PER_FORWARD * flops * product.weight
        total_s += seconds * product.weight
    return total_flops / total_s


def _seconds(
    product: Product, dtype: torch.dtype, device: torch.device, shortest_s: float
) -> float:
    """Seconds of output, input gradient and weight gradient together; the best repeat of each.

    The best: whatever else runs on the machine only ever takes away. A GPU gets several products at
    once, so that launching one and waiting for it, some 10 us, is not part of each.
    """
    at_once = _AT_ONCE if device.type == "cuda" else 1
    x = torch.randn(product.rows, product.inputs, device=device).to(dtype)
    weight = torch.randn(product.outputs, product.inputs, device=device).to(dtype)
    grad = torch.randn(product.rows, product.outputs, device=device).to(dtype)
    operands = ((x, weight.t()), (grad, weight), (grad.t(), x))
    total_s = 0.0
    for left, right in operands:
        torch.mm(left, right)  # warm
        started, best_s = time.perf_counter(), float("inf")
        while time.perf_counter() - started < shortest_s:
            _wait_for(device)
            before = time.perf_counter()
            for _ in range(at_once):
                torch.mm(left, right)
            _wait_for(device)
            best_s = min(best_s, (time.perf_counter() - before) / at_once)
        total_s += best_s
    return total_s


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
