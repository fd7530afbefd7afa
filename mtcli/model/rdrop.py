# Shape suffixes: N target tokens, D d_model, V vocabulary, C rows of one chunk.
"""R-Drop: the loss of two passes with different dropout, plus how far their predictions diverge.

As in `mtcli.model.loss`, logits are made chunk by chunk, here of both passes, and with them, in the
forward pass, the gradients.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mtcli.model.loss import mean_log_prob, product_dtype

_CHUNK_CELLS = 2**21
"""Logits of each pass that exist at once."""


class _RDropCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden_ND: Tensor,
        other_ND: Tensor,
        weight_VD: Tensor,
        ids_N: Tensor,
        smoothing: float,
        alpha: float,
    ) -> Tensor:
        """The loss; its gradients are kept for `backward`, which only scales them."""
        compute = product_dtype(hidden_ND)
        with torch.autocast(hidden_ND.device.type, enabled=False):
            loss, grads_hidden, grad_weight = _loss_and_gradients(
                (hidden_ND.to(compute), other_ND.to(compute)),
                weight_VD.to(compute),
                ids_N,
                smoothing,
                alpha,
            )
        ctx.save_for_backward(*(g.to(hidden_ND.dtype) for g in grads_hidden), grad_weight)
        return loss

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        grad_hidden, grad_other, grad_weight = ctx.saved_tensors
        scale = grad_outputs[0]
        return grad_hidden * scale, grad_other * scale, grad_weight * scale, None, None, None


def _loss_and_gradients(
    hidden: tuple[Tensor, Tensor], weight_VD: Tensor, ids_N: Tensor, smoothing: float, alpha: float
) -> tuple[Tensor, tuple[Tensor, Tensor], Tensor]:
    """The loss sum, and its gradients by the hidden states (N, D) of both passes and weight (V, D).

    With p, q the predictions, d = log p - log q, and the logits a of p:
    dKL(p||q)/da = p (d - KL(p||q)) and dKL(q||p)/da = p - q; those by the logits of q follow by
    exchange. For the cross-entropy see `mtcli.model.loss`.
    """
    N, V = hidden[0].size(0), weight_VD.size(0)
    exact = torch.promote_types(hidden[0].dtype, torch.float32)
    loss = torch.zeros((), dtype=exact, device=weight_VD.device)
    weight_sum_D = weight_VD.sum(0, dtype=exact)
    grads = tuple(h.new_empty(h.shape, dtype=exact) for h in hidden)
    grad_weight = weight_VD.new_zeros(weight_VD.shape, dtype=exact)
    rows = max(1, _CHUNK_CELLS // V)
    row_ids = torch.arange(min(rows, N), device=ids_N.device)
    mean_weight_D = weight_sum_D / V
    for start in range(0, N, rows):
        chunk = slice(start, start + rows)
        ids_C = ids_N[chunk]
        labels = (row_ids[: len(ids_C)], ids_C)
        # 1. Predictions of both passes, and half the cross-entropy of each.
        log_probs = []
        for h in hidden:
            logits_CV = torch.mm(h[chunk], weight_VD.t())
            log_probs.append(torch.log_softmax(logits_CV, dim=-1, dtype=exact))
            label_log_prob_C = log_probs[-1][labels]
            mean_C = mean_log_prob(logits_CV[labels], label_log_prob_C, h[chunk], mean_weight_D)
            loss -= ((1 - smoothing) * label_log_prob_C + smoothing * mean_C).sum() / 2
        probs = [log_prob_CV.exp() for log_prob_CV in log_probs]
        difference_CV = log_probs[0].sub_(log_probs[1])
        for n, sign in ((0, 1.0), (1, -1.0)):
            # 2. A quarter of the divergence from this pass to the other.
            p_CV, q_CV = probs[n], probs[1 - n]
            kl_C1 = torch.einsum("cv,cv->c", p_CV, difference_CV)[:, None] * sign
            loss += kl_C1.sum() * (alpha / 4)
            # 3. The gradient by this pass's logits, without the smoothing:
            # p (1/2 + alpha/4 (sign d - kl + 1)) - alpha/4 q, less (1 - smoothing)/2 at the labels
            grad_CV = difference_CV * (sign * alpha / 4)
            grad_CV.sub_((kl_C1 - 1) * (alpha / 4) - 0.5).mul_(p_CV)
            grad_CV.sub_(q_CV, alpha=alpha / 4)
            grad_CV.index_put_(labels, grad_CV[labels] - (1 - smoothing) / 2)
            # 4. From there to its hidden states and the output projection.
            grad_CV = grad_CV.to(weight_VD.dtype)
            grads[n][chunk] = torch.mm(grad_CV, weight_VD)
            grad_weight += torch.mm(grad_CV.t(), hidden[n][chunk])
    # 5. The smoothing's part, which is the same for every logit.
    if smoothing > 0:
        for n in (0, 1):
            grads[n].sub_(weight_sum_D * (smoothing / V / 2))
            grad_weight -= hidden[n].sum(0, dtype=exact) * (smoothing / V / 2)
    return loss, (grads[0], grads[1]), grad_weight


def rdrop_cross_entropy(
    hidden_ND: Tensor,
    other_ND: Tensor,
    weight_VD: Tensor,
    ids_N: Tensor,
    smoothing: float,
    alpha: float,
) -> Tensor:
    """Sum over N tokens of (CE(p) + CE(q)) / 2 + alpha (KL(p||q) + KL(q||p)) / 4, in nats.

    CE is the label-smoothed cross-entropy of `smoothed_cross_entropy`; p and q are the predictions
    of the two passes, without smoothing. With p = q it is the plain loss, so that the loss of a
    token stays comparable.

    Args:
        hidden_ND: hidden states of the first pass where there is loss; N may be 0.
        other_ND: those of the second pass.
        weight_VD: output projection.
        ids_N: correct ids.
        smoothing: from 0 to below 1.
        alpha: weight of the divergence, at least 0.

    Source: Wu et al. 2021 (R-Drop), equations 2 to 4, halved: CE(p) + CE(q) + alpha (KL + KL) / 2.
    """
    return _RDropCrossEntropy.apply(  # type: ignore[no-any-return,no-untyped-call]
        hidden_ND, other_ND, weight_VD, ids_N, smoothing, alpha
    )
