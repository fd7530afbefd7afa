# Shape suffixes: B sentences, S source length, T target length, D d_model.
"""What each source piece contributed to each output piece: gradient times input."""

from __future__ import annotations

import torch
from torch import Tensor

from mtcli.explaining.forced_batch import ForcedBatch
from mtcli.model.attention.full import as_key_mask
from mtcli.model.seq2seq import Seq2Seq

REFERENCE = (
    "Gradient times input: how much the log-probability would fall, to first order, if the"
    " embeddings of the word became zero (Shrikumar et al. 2016, arXiv:1605.01713)."
)
"""What contributions are measured against."""


@torch.enable_grad()
def contributions(model: Seq2Seq, batch: ForcedBatch) -> Tensor:
    """Contributions BTS in nats; positive ones made the output piece more probable; 0 at padding.

    The input is the scaled embedding of a piece, without its position.

    Args:
        model: in evaluation mode; its parameters get no gradients.
        batch: the pairs.

    Source: gradient times input: Shrikumar et al. 2016, arXiv:1605.01713, section 3; that it finds
    the words that a translation comes from: Ding et al. 2019, arXiv:1906.10282, section 3.
    """
    x_BSD = model.embed_source(batch.src_ids_BS).detach().requires_grad_()
    keep = as_key_mask(batch.src_keep_BS)
    is_separator_BS = model.separators.in_source(batch.src_ids_BS)
    memory_BSD = model.encoder(model.place_source(x_BSD), keep, is_separator_BS=is_separator_BS)
    hidden_BTD = model.decode(batch.tgt_in_ids_BT, memory_BSD, batch.src_keep_BS)
    log_probs_BTV = model.output_logits(hidden_BTD).log_softmax(-1)
    log_probs_BT = log_probs_BTV.gather(-1, batch.tgt_out_ids_BT[..., None])[..., 0]
    return gradient_times_input(log_probs_BT, x_BSD)


def gradient_times_input(values_BT: Tensor, x_BSD: Tensor) -> Tensor:
    """The gradient of each value times each input vector, BTS.

    If a value is linear in the inputs, its contributions sum to what it is above its value at
    inputs of zero.

    Args:
        values_BT: functions of the inputs of their own sentence alone.
        x_BSD: the inputs, which require a gradient.
    """
    rows = []
    for step in range(values_BT.size(1)):
        # sentences do not mix, so one pass gives the gradients of all
        (gradient_BSD,) = torch.autograd.grad(values_BT[:, step].sum(), x_BSD, retain_graph=True)
        rows.append((gradient_BSD * x_BSD.detach()).sum(-1))
    return torch.stack(rows, dim=1)
