"""Initialise every parameter."""

from __future__ import annotations

import torch
from torch import nn

from mtcli.model.attention.projections import MultiHeadAttention
from mtcli.model.positions import AddedPositions


@torch.no_grad()
def initialize(model: nn.Module, d_model: int) -> None:
    """Fill all parameters of `model` in place, from torch's global generator.

    | parameter | value | why |
    |---|---|---|
    | embeddings, output projection | normal, deviation d_model ** -0.5 | unit variance once scaled by sqrt(d_model), and logits of unit variance (Vaswani et al. 2017, section 3.4) |
    | q, k, v projections | uniform, Xavier with gain 2 ** -0.5 | what the fused d -> 3d matrix would get (fairseq's choice, more stable post-norm) |
    | other matrices | uniform, Xavier | Glorot & Bengio 2010 |
    | biases | 0 | |
    | norms | weight 1, bias 0 | |
    | learned positions | normal, deviation d_model ** -0.5 | as the embeddings before scaling |
    """  # noqa: E501
    for module in model.modules():
        if isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=d_model**-0.5)
        elif isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, AddedPositions) and isinstance(module.table_PD, nn.Parameter):
            nn.init.normal_(module.table_PD, std=d_model**-0.5)
    for module in model.modules():
        if isinstance(module, MultiHeadAttention):
            for projection in (module.q_proj, module.k_proj, module.v_proj):
                nn.init.xavier_uniform_(projection.weight, gain=2**-0.5)
