"""The training forward through torch.compile, for `training.compile`."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mtcli.model.seq2seq import OutputLayer, PassSettings, Seq2Seq, TensorBatch, training_loss


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

    def forward(
        self,
        batch: TensorBatch,
        label_smoothing: float,
        settings: PassSettings = PassSettings(),
    ) -> Tensor:
        """As `Seq2Seq.forward`; the config refuses layer dropout, whose draws break the graph."""
        return training_loss(
            self._encode,
            self._decode,
            OutputLayer(self.model.output_weight_VD, self.model.output_bias),
            batch,
            label_smoothing,
            settings,
        )
