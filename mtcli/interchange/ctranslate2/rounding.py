"""Round weights as CTranslate2 does, except int8, which is rounded so that no CPU overflows.

CPUs with AVX2 and no VNNI (AMD before Zen 4, Intel before Ice Lake) multiply int8 by
`vpmaddubsw`: it adds two neighbouring products, each of an activation from 0 to 255 (the engine
adds 128) and a weight, in 16 bits, and clips the sum at 32,767. Weights up to 127, as
CTranslate2 rounds them, overflow: log-probabilities of a trained model were wrong by 0.120 (root
mean square, a piece) on such a CPU, where exact sums of the same weights give 0.021, and ours 0.025
(2026-11-26, EPYC Zen 3; benchmarks/int8_fidelity.py). Other CPUs lose a little by it and are as
fast, and all machines translate the same.

Source: Intel's intrinsics guide, `_mm256_maddubs_epi16`; oneDNN's guide, "Nuances of
int8 Computations", which says to halve the weights there. A row is scaled by its largest sum of two
neighbours instead of by half, which loses less: few rows have two large ones side by side.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

_LARGEST = 127
"""Of a weight; of two neighbours' sum before rounding, which adds at most 1: 128 * 255 < 2**15."""


def round_weights(spec: Any, quantization: str) -> None:
    """Round the weights of a validated CTranslate2 spec in place.

    Args:
        spec: a `ctranslate2.specs.ModelSpec`, whose arrays are written into.
        quantization: what `spec.optimize` knows.
    """
    if not quantization.startswith("int8"):
        spec.optimize(quantization=quantization)
        return
    from ctranslate2.specs import model_spec

    floats = {
        name: np.array(value.numpy(), dtype=np.float32)  # a copy: optimize writes into it
        for name, value in spec.variables().items()
        if name.endswith("weight")
    }
    spec.optimize(quantization=quantization)

    def round_again(layer: Any, name: str, value: Any) -> None:
        # a weight that equals another has become its name
        if name in floats and hasattr(layer, "weight_scale") and not isinstance(value, str):
            rounded, scale = round_rows(floats[name])
            layer.weight = model_spec.NumpyVariable(rounded)
            layer.weight_scale = model_spec.NumpyVariable(scale)

    model_spec.visit_spec(spec, round_again)


def round_rows(
    weight: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Integers of the shape of `weight` (outputs, inputs), and the scale of each row."""
    padded = np.pad(weight, ((0, 0), (0, weight.shape[1] % 2)))
    pairs = padded.reshape(len(weight), -1, 2)
    sums = np.stack([np.maximum(pairs, 0).sum(-1), np.maximum(-pairs, 0).sum(-1)])
    largest = sums.max(axis=(0, 2))
    largest[largest == 0] = 1  # a row of zeros
    # no row's scale may be infinite in float32
    largest = np.maximum(largest, _LARGEST / np.finfo(np.float32).max)
    scale = (_LARGEST / largest).astype(np.float32)
    return np.rint(weight * scale[:, None]).astype(np.int8), scale
