# Shape suffixes: N target tokens, D d_model, V vocabulary, C rows of one chunk.
"""Label-smoothed cross-entropy from hidden states; the full logits never exist.

Logits of all tokens are the largest tensor of a small model's training step (160 MB for 4096 tokens
and 10,000 pieces) and writing them is what the step waits for. Here they are made chunk by chunk,
and with them, in the forward pass, the gradients of hidden states and output weight.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

CHUNK_CELLS = 2**22
"""Logits that exist at the same time, together with their gradients."""

_SMALLEST_LOG_PROB = -80.0
"""Below it a probability is near underflow in fp32 and bf16, so its logarithm is lost."""


def product_dtype(hidden_ND: Tensor) -> torch.dtype:
    """The type in which products with the output projection are made: autocast's, if it is on."""
    device = hidden_ND.device.type
    if torch.is_autocast_enabled(device):
        return torch.get_autocast_dtype(device)
    return hidden_ND.dtype


class _SmoothedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden_ND: Tensor, weight_VD: Tensor, ids_N: Tensor, smoothing: float
    ) -> Tensor:
        """The loss; its gradients are kept for `backward`, which only scales them."""
        compute = product_dtype(hidden_ND)
        with torch.autocast(hidden_ND.device.type, enabled=False):
            loss, grad_hidden, grad_weight = _loss_and_gradients(
                hidden_ND.to(compute),
                weight_VD.to(compute),
                ids_N,
                smoothing,
                with_gradients=any(ctx.needs_input_grad[:2]),
            )
        if grad_hidden is not None:
            ctx.save_for_backward(grad_hidden.to(hidden_ND.dtype), grad_weight)
        return loss

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, Tensor, None, None]:
        grad_hidden, grad_weight = ctx.saved_tensors
        scale = grad_outputs[0]
        return grad_hidden * scale, grad_weight * scale, None, None


def _loss_and_gradients(
    hidden_ND: Tensor, weight_VD: Tensor, ids_N: Tensor, smoothing: float, *, with_gradients: bool
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """The loss sum, and its gradients by hidden states (N, D) and weight (V, D).

    With p the softmax, the gradient by the logits is p - (1 - smoothing) onehot - smoothing / V.
    The last term is the same for every logit, so it is added to the products afterwards.
    """
    N, V = hidden_ND.size(0), weight_VD.size(0)
    exact = torch.promote_types(hidden_ND.dtype, torch.float32)
    loss = torch.zeros((), dtype=exact, device=hidden_ND.device)
    weight_sum_D = weight_VD.sum(0, dtype=exact)
    grad_hidden = hidden_ND.new_empty(hidden_ND.shape, dtype=exact) if with_gradients else None
    grad_weight = weight_VD.new_zeros(weight_VD.shape, dtype=exact) if with_gradients else None
    rows = max(1, CHUNK_CELLS // V)
    row_ids = torch.arange(min(rows, N), device=ids_N.device)
    mean_weight_D = weight_sum_D / V
    for start in range(0, N, rows):
        hidden_CD, ids_C = hidden_ND[start : start + rows], ids_N[start : start + rows]
        labels = (row_ids[: len(ids_C)], ids_C)
        # 1. The loss of the chunk.
        logits_CV = torch.mm(hidden_CD, weight_VD.t())
        if grad_hidden is None or grad_weight is None:
            label_log_prob_C = torch.log_softmax(logits_CV, dim=-1, dtype=exact)[labels]
        else:
            probs_CV, label_log_prob_C = _softmax_and_labels(logits_CV, labels, exact)
        mean_C = mean_log_prob(logits_CV[labels], label_log_prob_C, hidden_CD, mean_weight_D)
        loss -= ((1 - smoothing) * label_log_prob_C + smoothing * mean_C).sum()
        if grad_hidden is None or grad_weight is None:
            continue
        # 2. The gradient by its logits, without the smoothing; not scatter_add_, which copies all
        # of the tensor twice.
        grad_CV = probs_CV.index_put_(labels, probs_CV[labels] - (1 - smoothing)).to(
            hidden_CD.dtype
        )
        # 3. From there to hidden states and output projection.
        grad_hidden[start : start + rows] = torch.mm(grad_CV, weight_VD)
        if grad_CV.dtype == exact:
            grad_weight.addmm_(grad_CV.t(), hidden_CD)
        else:
            grad_weight += torch.mm(grad_CV.t(), hidden_CD)
    # 4. The smoothing's part, which is the same for every logit.
    if grad_hidden is not None and grad_weight is not None and smoothing > 0:
        grad_hidden -= weight_sum_D * (smoothing / V)
        grad_weight -= hidden_ND.sum(0, dtype=exact) * (smoothing / V)
    return loss, grad_hidden, grad_weight


def _softmax_and_labels(
    logits_CV: Tensor, labels: tuple[Tensor, Tensor], exact: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Probabilities, and the log-probabilities (C) at the places `labels`.

    On CPU in one pass over the logits instead of four, in their type; the loss reported is then as
    exact as the logits are. Elsewhere that would wait for the device, to see what underflowed.
    """
    if logits_CV.device.type != "cpu":
        log_probs_CV = torch.log_softmax(logits_CV, dim=-1, dtype=exact)
        label_log_prob_C = log_probs_CV[labels]
        return log_probs_CV.exp_(), label_log_prob_C
    probs_CV = torch.softmax(logits_CV, dim=-1)
    label_log_prob_C = probs_CV[labels].to(exact).log()
    (rows,) = torch.nonzero(label_log_prob_C < _SMALLEST_LOG_PROB, as_tuple=True)
    if len(rows):
        log_probs_RV = torch.log_softmax(logits_CV[rows], dim=-1, dtype=exact)
        label_log_prob_C[rows] = log_probs_RV[torch.arange(len(rows)), labels[1][rows]]
    return probs_CV, label_log_prob_C


def mean_log_prob(
    label_logit_C: Tensor, label_log_prob_C: Tensor, hidden_CD: Tensor, mean_weight_D: Tensor
) -> Tensor:
    """Mean over all ids of the log-probabilities of each row, without a pass over the vocabulary.

    A log-probability is a logit less lse, which any id tells; the mean logit is the hidden state
    times the mean weight.

    Args:
        label_logit_C: the logit of any id of each row.
        label_log_prob_C: the log-probability of the same id.
        hidden_CD: the rows.
        mean_weight_D: mean over the ids of the output projection.
    """
    lse_C = label_logit_C.to(label_log_prob_C.dtype) - label_log_prob_C
    return hidden_CD.to(label_log_prob_C.dtype) @ mean_weight_D - lse_C


def smoothed_cross_entropy(
    hidden_ND: Tensor, weight_VD: Tensor, ids_N: Tensor, smoothing: float
) -> Tensor:
    """Sum over N tokens of the cross-entropy with smoothed labels, in nats.

    The label of a token is `(1 - smoothing)` on its id plus `smoothing / V` on every id.

    Args:
        hidden_ND: hidden states of the positions that carry loss; N may be 0, and then the loss is
            0 with gradients of zero.
        weight_VD: output projection; logits are `hidden_ND @ weight_VD.T`.
        ids_N: correct ids.
        smoothing: from 0 (plain cross-entropy) to below 1.

    Under autocast the matrix products run in its type; sums and softmax in fp32 at least.

    Source: Szegedy et al. 2016, section 7. The gradient is computed in the forward pass, as in
    Cut Your Losses (Wijmans et al. 2024) and Liger (Hsu et al. 2024), but by chunks of rows.
    """
    return _SmoothedCrossEntropy.apply(hidden_ND, weight_VD, ids_N, smoothing)  # type: ignore[no-any-return,no-untyped-call]
