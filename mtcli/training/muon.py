# Shape suffixes: N matrices of one shape, P its shorter side, Q its longer one.
"""Muon: steps for matrices whose singular values are all near one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from mtcli.distributed.fsdp import gather, scatter

NUM_ITERATIONS = 5
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_SMALLEST_NORM = 1e-7


def iteration_dtype(matrix: Tensor) -> torch.dtype:
    """The type in which the iteration runs: bf16 on an accelerator, at least fp32 on CPU.

    torch.optim.Muon iterates in bf16 everywhere. A CPU without bf16 units emulates it, matrix by
    matrix: that was 54 % of the time of a training step of `tiny` (`mtcli bench`, 2026-11-25, EPYC
    Zen 3, torch 2.13, one thread), and is less exact. Hence an optimizer of our own.
    """
    if matrix.device.type == "cpu":
        return torch.promote_types(matrix.dtype, torch.float32)
    return torch.bfloat16


def orthogonalize(update_NPQ: Tensor, num_iterations: int = NUM_ITERATIONS) -> Tensor:
    """Matrices with the singular vectors of `update_NPQ` and singular values of about 0.7 to 1.2.

    Args:
        update_NPQ: matrices no taller than wide, in the type to compute in.
        num_iterations: of the quintic Newton-Schulz iteration.

    Source: Jordan et al. 2024 (Muon), section "Derivation of Muon"; Bernstein & Newhouse 2024.
    """
    a, b, c = _COEFFICIENTS
    norm_N11 = torch.linalg.matrix_norm(update_NPQ, keepdim=True)
    x_NPQ: Tensor = update_NPQ / norm_N11.clamp(min=_SMALLEST_NORM)
    for _ in range(num_iterations):
        gram_NPP = x_NPQ @ x_NPQ.mT
        quintic_NPP = torch.baddbmm(gram_NPP, gram_NPP, gram_NPP, beta=b, alpha=c)
        x_NPQ = torch.baddbmm(x_NPQ, quintic_NPP, x_NPQ, beta=a)
    return x_NPQ


class Muon(torch.optim.Optimizer):
    """Momentum, Nesterov's look ahead, then the nearest (nearly) orthogonal matrix as the step.

    Matrices of one shape go through the iteration together. A step is `lr * sqrt(max(1, rows /
    columns))` long in every direction; weight decay is decoupled.

    Args:
        groups: parameter groups of matrices.
        lr: learning rate.
        momentum: of the average of gradients, from 0 to below 1.
        weight_decay: share of a weight that `lr` 1 takes away.

    Source: Jordan et al. 2024, algorithm 2; a step is that of torch.optim.Muon except for rounding.
    """

    def __init__(
        self,
        groups: Iterable[dict[str, Any]],
        lr: float = 0.02,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__(groups, defaults)
        for group in self.param_groups:
            if any(parameter.ndim != 2 for parameter in group["params"]):
                raise ValueError("Muon moves matrices only")

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move every matrix that has a gradient.

        Args:
            closure: not supported; must be None.
        """
        if closure is not None:
            raise ValueError("Muon takes no closure")
        for group in self.param_groups:
            self._step_group(group)

    def _step_group(self, group: dict[str, Any]) -> None:
        parameters = [p for p in group["params"] if p.grad is not None]
        if not parameters:
            return
        gradients = [p.grad for p in parameters]
        averages = [self._momentum_buffer(p) for p in parameters]
        torch._foreach_lerp_(averages, gradients, 1 - group["momentum"])
        updates = torch._foreach_lerp(gradients, averages, group["momentum"])
        if group["weight_decay"]:
            torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
        for of_one_shape in _by_shape(parameters):
            rows, columns = parameters[of_one_shape[0]].shape
            is_tall = rows > columns
            # the iteration needs whole matrices: every process makes all of it
            whole = [gather(updates[i]) for i in of_one_shape]
            stacked = torch.stack([update.mT if is_tall else update for update in whole])
            steps = orthogonalize(stacked.to(iteration_dtype(stacked)))
            length = group["lr"] * max(1.0, rows / columns) ** 0.5
            for i, step_PQ in zip(of_one_shape, steps.unbind(), strict=True):
                step = step_PQ.mT if is_tall else step_PQ
                own_rows = scatter(step.to(parameters[i].dtype), parameters[i])
                parameters[i].add_(own_rows, alpha=-length)

    def _momentum_buffer(self, parameter: Tensor) -> Tensor:
        state = self.state[parameter]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(parameter)
        buffer: Tensor = state["momentum_buffer"]
        return buffer


def _by_shape(parameters: list[Tensor]) -> list[list[int]]:
    """Indices of the parameters of each shape, in the order of first appearance."""
    indices: dict[torch.Size, list[int]] = {}
    for i, parameter in enumerate(parameters):
        indices.setdefault(parameter.shape, []).append(i)
    return list(indices.values())
