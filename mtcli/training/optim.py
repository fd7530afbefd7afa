"""Build the optimizers, and name their state after the parameters that they move."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from mtcli.config.schema.optimization import AdamConfig, AdamWConfig, MuonConfig, Optim, SgdConfig
from mtcli.distributed.fsdp import scatter
from mtcli.errors import CheckpointError
from mtcli.training.muon import Muon
from mtcli.training.saved_values import check_tensor


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters that share an optimizer and its settings; printed in the log."""

    name: str
    names: tuple[str, ...]
    num_weights: int
    lr: float
    """At the peak."""
    schedule_power: float
    """Power of the schedule's multiplier that the rate follows."""
    weight_decay: float

    def __str__(self) -> str:
        power = self.schedule_power
        return (
            f"{self.name}: {len(self.names)} tensors, {self.num_weights} weights, lr {self.lr:g}"
            + ("" if power == 1 else f" (schedule to the power {power:g})")
            + f", weight decay {self.weight_decay:g}"
        )


class _WithoutCompiler(torch.optim.Optimizer):
    """An optimizer whose methods do not import torch.compile.

    torch wraps them so that torch.compile leaves them alone, and the wrappers import it: 2 seconds
    of CPU time before the first update (2026-11-23, EPYC Zen 4, torch 2.13). Ours are not compiled.
    """

    add_param_group = inspect.unwrap(torch.optim.Optimizer.add_param_group)
    zero_grad = inspect.unwrap(torch.optim.Optimizer.zero_grad)


class _AdamW(_WithoutCompiler, torch.optim.AdamW):
    step = torch.no_grad()(inspect.unwrap(torch.optim.AdamW.step))


class _Adam(_WithoutCompiler, torch.optim.Adam):
    step = torch.no_grad()(inspect.unwrap(torch.optim.Adam.step))


class _Muon(_WithoutCompiler, Muon):
    pass


class _Together:
    """Several optimizers as a gradient scaler sees one: all step, or none."""

    def __init__(self, parts: list[torch.optim.Optimizer]) -> None:
        self._parts = parts

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        return [group for part in self._parts for group in part.param_groups]

    def step(self) -> None:
        for part in self._parts:
            part.step()


class Optimizers:
    """One or two torch optimizers that step together under one schedule."""

    def __init__(self, parts: list[torch.optim.Optimizer], names: dict[Tensor, str]) -> None:
        self.parts = parts
        self.as_one = parts[0] if len(parts) == 1 else cast(torch.optim.Optimizer, _Together(parts))
        """For `GradScaler`, which remembers for each optimizer what was infinite: apart, one would
        step while the other skips, and clipping by the norm of all would give it NaN."""
        self._names = names

    def set_lr(self, multiplier: float) -> None:
        """Every group's learning rate becomes its peak times its power of `multiplier`."""
        rates = self.rates_at(multiplier)
        for group in self.as_one.param_groups:
            group["lr"] = rates[group["group_name"]]

    def rates_at(self, multiplier: float) -> dict[str, float]:
        """The learning rate that each group has where the schedule is at `multiplier`."""
        return {
            group["group_name"]: float(group["peak_lr"] * multiplier ** group["schedule_power"])
            for group in self.as_one.param_groups
        }

    def rates(self) -> dict[str, float]:
        """The learning rate that each group has now, by its name."""
        return {group["group_name"]: float(group["lr"]) for group in self.as_one.param_groups}

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for part in self.parts:
            part.zero_grad(set_to_none=True)

    def describe(self) -> list[ParameterGroup]:
        """What is moved by what."""
        return [
            ParameterGroup(
                name=group["group_name"],
                names=tuple(self._names[p] for p in group["params"]),
                num_weights=sum(p.numel() for p in group["params"]),
                lr=group["peak_lr"],
                schedule_power=group["schedule_power"],
                weight_decay=group["weight_decay"],
            )
            for group in self.as_one.param_groups
        ]

    def state_dict(self) -> dict[str, Any]:
        """Every state tensor under `kind/parameter name`, for instance `exp_avg/encoder...`.

        Sharded where its parameter is.
        """
        return {
            f"{kind}/{self._names[parameter]}": value
            for part in self.parts
            for parameter, of_parameter in part.state.items()
            for kind, value in of_parameter.items()
            if value is not None  # SGD without momentum keeps the name of what it lacks
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` returned, gathered where it was sharded.

        Raises:
            CheckpointError: a tensor belongs to no parameter or has another shape, or one of
                several of a parameter is missing.
        """
        owners = {self._names[p]: (part, p) for part in self.parts for p in _parameters(part)}
        for key, value in state.items():
            kind, _, name = key.partition("/")
            if name not in owners:
                raise CheckpointError(f"the optimizer state `{key}` belongs to no parameter")
            part, parameter = owners[name]
            check_tensor(
                f"optimizer/{key}", value, () if kind == "step" else tuple(parameter.shape)
            )
            if kind == "step":
                # It counts on the CPU unless the optimizer is fused on the parameter's device.
                device = parameter.device if _is_fused(part) else torch.device("cpu")
                part.state[parameter][kind] = value.to(device)
            else:
                part.state[parameter][kind] = scatter(value, parameter)
        for part in self.parts:
            kinds = {kind for of_parameter in part.state.values() for kind in of_parameter}
            for parameter, of_parameter in part.state.items():
                if missing := sorted(kinds - of_parameter.keys()):
                    key = f"{missing[0]}/{self._names[parameter]}"
                    raise CheckpointError(f"the optimizer state lacks `{key}`")


def _parameters(part: torch.optim.Optimizer) -> list[Tensor]:
    return [p for group in part.param_groups for p in group["params"]]


def _is_fused(part: torch.optim.Optimizer) -> bool:
    return bool(part.defaults.get("fused"))


def build_optimizers(model: nn.Module, config: Optim) -> Optimizers:
    """Optimizers over all parameters of `model` that are trained.

    Weight decay spares embeddings, norms and biases: they are not transformations, and pulling them
    to zero only changes the scale that the next norm undoes.
    """
    named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    hidden = [(n, p) for n, p in named if p.ndim == 2 and not _is_embedding(n)]
    other = [(n, p) for n, p in named if p.ndim != 2 or _is_embedding(n)]
    names: dict[Tensor, str] = {p: n for n, p in named}
    parts: list[torch.optim.Optimizer]
    match config:
        case AdamWConfig() | AdamConfig():
            groups = [
                _group(f"hidden matrices ({config.kind})", hidden, config.lr, config.weight_decay),
                _group(f"embeddings, norms, biases ({config.kind})", other, config.lr, 0.0),
            ]
            parts = [_adam(_not_empty(groups), config)]
        case SgdConfig():
            groups = [
                _group("hidden matrices (sgd)", hidden, config.lr, config.weight_decay),
                _group("embeddings, norms, biases (sgd)", other, config.lr, 0.0),
            ]
            groups = _not_empty(groups)
            parts = [torch.optim.SGD(groups, momentum=config.momentum, nesterov=config.nesterov)]
        case MuonConfig():
            group = _group("hidden matrices (muon)", hidden, config.lr, config.weight_decay)
            parts = [_Muon([group], momentum=config.momentum)] if hidden else []
            group = _group("embeddings, norms, biases (adamw)", other, config.adam_lr, 0.0)
            group["schedule_power"] = config.adam_schedule_power
            parts += [_adam([group], config)] if other else []
    return Optimizers(parts, names)


def _is_embedding(name: str) -> bool:
    return "embed" in name or "output_proj" in name or "positions" in name


def _group(
    name: str, named: list[tuple[str, nn.Parameter]], lr: float, weight_decay: float
) -> dict[str, Any]:
    return {
        "params": [p for _, p in named],
        "lr": lr,
        "peak_lr": lr,
        "schedule_power": 1.0,
        "weight_decay": weight_decay,
        "group_name": name,
    }


def _not_empty(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The groups that have parameters: what is frozen may be all of one."""
    return [group for group in groups if group["params"]]


def _adam(
    groups: list[dict[str, Any]], config: AdamWConfig | AdamConfig | MuonConfig
) -> torch.optim.Optimizer:
    devices = {p.device.type for g in groups for p in g["params"]}
    fused = devices <= {"cpu", "cuda"}  # the kernels of other devices do not take every dtype
    kind = _Adam if isinstance(config, AdamConfig) else _AdamW
    return kind(groups, betas=config.betas, eps=config.eps, fused=fused)
