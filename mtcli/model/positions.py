# Shape suffixes: B sentences, Q positions, D d_model, H heads, K head_dim, P table rows.
"""How positions enter the model: tables that are added, or rotations of queries and keys."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mtcli.config.schema.architecture import ModelConfig

_LONGEST_WAVE = 10_000.0


def sinusoid_table(num_positions: int, d_model: int) -> Tensor:
    """Table PD of sines (first half of D) and cosines (second half), position 0 first.

    Source: Vaswani et al. 2017, section 3.5; there sines and cosines alternate. Halves are the
    same table up to a permutation of D, and are what Hugging Face's Marian stores.
    """
    position_P1 = torch.arange(num_positions, dtype=torch.float64)[:, None]
    frequency_K = _LONGEST_WAVE ** (-torch.arange(0, d_model, 2, dtype=torch.float64) / d_model)
    angle_PK = position_P1 * frequency_K
    return torch.cat([angle_PK.sin(), angle_PK.cos()], dim=-1).float()


_FIRST_FAIRSEQ_POSITION = 2
"""Behind the id of padding, which is 1 there."""


def tensor2tensor_sinusoid_table(num_positions: int, d_model: int, first: int) -> Tensor:
    """The same as `sinusoid_table`, as Marian, and with another first position fairseq, compute it.

    The longest wave belongs to the last frequency, not to the one after it.

    Source: tensor2tensor, `get_timing_signal_1d`; Marian, `SinusoidalPositionEmbeddings`; Hugging
    Face's M2M100.
    """
    position_P1 = torch.arange(num_positions, dtype=torch.float64)[:, None]
    num_frequencies = d_model // 2
    exponent_K = torch.arange(num_frequencies, dtype=torch.float64) / (num_frequencies - 1)
    angle_PK = (position_P1 + first) * _LONGEST_WAVE**-exponent_K
    return torch.cat([angle_PK.sin(), angle_PK.cos()], dim=-1).float()


def fixed_table(config: ModelConfig) -> Tensor:
    """The table PD of an architecture whose positions are sinusoids."""
    size = config.max_positions, config.d_model
    match config.positions:
        case "sinusoidal_fairseq":
            return tensor2tensor_sinusoid_table(*size, first=_FIRST_FAIRSEQ_POSITION)
        case "sinusoidal_marian":
            return tensor2tensor_sinusoid_table(*size, first=0)
        case _:
            return sinusoid_table(*size)


class AddedPositions(nn.Module):
    """A position table that is added to the embeddings: fixed sinusoids or learned rows."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.num_positions = config.max_positions
        if config.positions == "learned":
            self.table_PD: Tensor = nn.Parameter(torch.empty(config.max_positions, config.d_model))
        else:
            # Not saved: it is a function of the config.
            self.register_buffer("table_PD", fixed_table(config), persistent=False)

    def forward(self, start: int, length: int) -> Tensor:
        """Rows `start` to `start + length` of the table, QD."""
        return self.table_PD[start : start + length]


class RotaryPositions(nn.Module):
    """Rotation angles for queries and keys, halves paired (GPT-NeoX and LLaMA's layout).

    Source: Su et al. 2021, equation 34; there neighbours are paired. The layouts differ by a
    permutation of the rows of the query and key projections.
    """

    def __init__(self, num_positions: int, head_dim: int) -> None:
        super().__init__()
        position_P1 = torch.arange(num_positions, dtype=torch.float64)[:, None]
        frequency = _LONGEST_WAVE ** (-torch.arange(0, head_dim, 2, dtype=torch.float64) / head_dim)
        angle_PK = (position_P1 * frequency).repeat(1, 2)
        self.register_buffer("cos_PK", angle_PK.cos().float(), persistent=False)
        self.register_buffer("sin_PK", angle_PK.sin().float(), persistent=False)
        self.cos_PK: Tensor
        self.sin_PK: Tensor

    def rotate(self, x_BHQK: Tensor, start: int, length: int | None = None) -> Tensor:
        """`x_BHQK` rotated by its positions, the first of which is `start`.

        Args:
            x_BHQK: queries or keys, split into heads.
            start: position of the first one.
            length: number of positions; None takes Q. 1 puts all Q at position `start` (the
                hypotheses of a beam all stand at one position).
        """
        length = x_BHQK.size(2) if length is None else length
        cos_QK = self.cos_PK[start : start + length].to(x_BHQK.dtype)
        sin_QK = self.sin_PK[start : start + length].to(x_BHQK.dtype)
        half1, half2 = x_BHQK.chunk(2, dim=-1)
        return x_BHQK * cos_QK + torch.cat([-half2, half1], dim=-1) * sin_QK
