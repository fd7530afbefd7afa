# Shape suffixes: B sentences, S source length, T target length, D d_model, N target tokens.
"""The training forward through torch.compile, for `training.compile`."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mtcli.model.loss import smoothed_cross_entropy
from mtcli.model.seq2seq import Seq2Seq, TensorBatch


class CompiledForward(nn.Module):
    """Computes what `model` computes, with encoder and decoder compiled for any lengths.

    The model itself stays as it is: validation and decoding, with shapes of their own, do not
    compile anything. The loss stays as it is, too: its loop over chunks depends on the number of
    tokens. Compiling takes a minute or more, in the first updates.

    Args:
        model: shares its weights, and its mode, with this module.
    """

    def __init__(self, model: Seq2Seq) -> None:
        super().__init__()
        self.model = model
        self._encode = torch.compile(model.encode, dynamic=True)
        self._decode = torch.compile(model.decode, dynamic=True)

    def forward(self, batch: TensorBatch, label_smoothing: float) -> Tensor:
        """As `Seq2Seq.forward`."""
        memory_BSD = self._encode(batch.src_ids_BS, batch.src_keep_BS)
        hidden_BTD = self._decode(batch.tgt_in_ids_BT, memory_BSD, batch.src_keep_BS)
        hidden_ND = hidden_BTD.flatten(0, 1).index_select(0, batch.loss_positions_N)
        return smoothed_cross_entropy(
            hidden_ND, self.model.output_weight_VD, batch.loss_ids_N, label_smoothing
        )
