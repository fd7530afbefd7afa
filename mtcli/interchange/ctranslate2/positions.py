"""The sinusoidal position table, in numpy."""

from __future__ import annotations

import numpy as np

_LONGEST_WAVE = 10_000.0


def sinusoid_table(num_positions: int, d_model: int) -> np.ndarray:
    """Table (num_positions, d_model) in float32: that of `mtcli.model.positions`, without torch.

    Sines fill the first half of a row, cosines the second; position 0 comes first.

    Source: Vaswani et al. 2017, section 3.5.
    """
    position_P1 = np.arange(num_positions, dtype=np.float64)[:, None]
    frequency_K = _LONGEST_WAVE ** (-np.arange(0, d_model, 2, dtype=np.float64) / d_model)
    angle_PK = position_P1 * frequency_K
    return np.concatenate([np.sin(angle_PK), np.cos(angle_PK)], axis=-1).astype(np.float32)
