"""Schema of optimizers, learning-rate schedules, and what follows when a run diverges."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from mtcli.config.schema.bounds import (
    Bounds,
    Fraction,
    NotNegative,
    NotNegativeFloat,
    Positive,
    PositiveFloat,
    Probability,
)
from mtcli.config.schema.sections import ByKind, Conflict, refuse, section


@section
class AdamWConfig:
    """AdamW (Loshchilov & Hutter 2019); with weight_decay 0 it is Adam (Kingma & Ba 2015)."""

    kind: Literal["adamw"] = "adamw"
    lr: PositiveFloat = 5e-4
    """Peak learning rate; the schedule multiplies it."""
    betas: tuple[Probability, Probability] = (0.9, 0.98)
    """Decay of the first and second moment."""
    eps: PositiveFloat = 1e-9
    """Added to the root of the second moment."""
    weight_decay: NotNegativeFloat = 0.0
    """Decoupled weight decay of matrices; not applied to norms, biases and embeddings."""
    clip_norm: NotNegativeFloat = 1.0
    """Largest norm of the gradient of the mean loss per target token; 0 disables clipping."""


@section
class AdamConfig:
    """Adam (Kingma & Ba 2015), whose weight decay is added to the gradient (L2), as in torch."""

    kind: Literal["adam"]
    lr: PositiveFloat = 5e-4
    """Peak learning rate; the schedule multiplies it."""
    betas: tuple[Probability, Probability] = (0.9, 0.98)
    """Decay of the first and second moment."""
    eps: PositiveFloat = 1e-9
    """Added to the root of the second moment."""
    weight_decay: NotNegativeFloat = 0.0
    """L2 penalty of matrices; not applied to norms, biases and embeddings."""
    clip_norm: NotNegativeFloat = 1.0
    """Largest norm of the gradient of the mean loss per target token; 0 disables clipping."""


@section
class SgdConfig:
    """Stochastic gradient descent with momentum (Sutskever et al. 2013)."""

    kind: Literal["sgd"]
    lr: PositiveFloat = 0.1
    """Peak learning rate; the schedule multiplies it."""
    momentum: Probability = 0.9
    """Decay of the momentum; 0 disables it."""
    nesterov: bool = False
    """Nesterov's form of the momentum."""
    weight_decay: NotNegativeFloat = 0.0
    """L2 penalty of matrices; not applied to norms, biases and embeddings."""
    clip_norm: NotNegativeFloat = 1.0
    """Largest norm of the gradient of the mean loss per target token; 0 disables clipping."""

    def __post_init__(self) -> None:
        if self.nesterov and not self.momentum:
            refuse([Conflict(("nesterov", "momentum"), "nesterov: true needs a momentum above 0")])


@section
class MuonConfig:
    """Muon (Jordan et al. 2024) for the hidden matrices, AdamW for embeddings, norms and biases."""

    kind: Literal["muon"]
    lr: PositiveFloat = 0.02
    """Peak learning rate of the hidden matrices; the schedule multiplies it."""
    momentum: Probability = 0.95
    """Decay of Muon's momentum (Nesterov's form)."""
    weight_decay: NotNegativeFloat = 0.0
    """Decoupled weight decay of the hidden matrices."""
    adam_lr: PositiveFloat = 4e-3
    """Peak learning rate of everything else; the same schedule multiplies it."""
    adam_schedule_power: NotNegativeFloat = 1.0
    """Exponent on the schedule of everything else: 1 is the same schedule, 0 a constant rate, 2 a
    schedule that falls (and warms up) faster."""
    betas: tuple[Probability, Probability] = (0.9, 0.98)
    """Decay of AdamW's first and second moment."""
    eps: PositiveFloat = 1e-9
    """Added to the root of AdamW's second moment."""
    clip_norm: NotNegativeFloat = 1.0
    """Largest norm of the gradient of the mean loss per target token; 0 disables clipping."""


Optim: TypeAlias = Annotated[AdamWConfig | AdamConfig | SgdConfig | MuonConfig, ByKind()]


@section
class InverseSqrtConfig:
    """Linear warm-up, then lr * sqrt(warmup / step) (Vaswani et al. 2017, equation 3, rescaled)."""

    kind: Literal["inverse_sqrt"] = "inverse_sqrt"
    warmup_steps: Positive = 4000
    """Steps until the peak."""
    max_warmup_ratio: Fraction | None = None
    """Largest share of the run that the warm-up may take if `--budget` is given: it is shortened to
    that, by the throughput of the first updates. Null: it is as long as `warmup_steps` says, and a
    run that ends before it is refused."""


@section
class CosineConfig:
    """Linear warm-up, then half a cosine down to final_ratio at the last step."""

    kind: Literal["cosine"]
    warmup_steps: NotNegative = 1000
    """Steps until the peak."""
    max_warmup_ratio: Fraction | None = None
    """As in inverse_sqrt."""
    final_ratio: Fraction = 0.0
    """Learning rate at the end, as a share of the peak. The step after the last one would
    reach it, so no step is made at 0."""
    fit: Literal["steps", "budget"] = "steps"
    """Where the last step is: `steps` takes the stop condition of `training`; `budget` predicts it
    from `--budget` and the throughput of the first 100 steps."""


@section
class LinearConfig:
    """Linear warm-up, then a straight line down to final_ratio at the last step."""

    kind: Literal["linear"]
    warmup_steps: NotNegative = 1000
    """Steps until the peak."""
    max_warmup_ratio: Fraction | None = None
    """As in inverse_sqrt."""
    final_ratio: Fraction = 0.0
    """Learning rate at the end, as a share of the peak. The step after the last one would
    reach it, so no step is made at 0."""
    fit: Literal["steps", "budget"] = "steps"
    """As in cosine."""


@section
class WsdConfig:
    """Warm-up, stable, decay (Hu et al. 2024): constant, then linear to final_ratio."""

    kind: Literal["wsd"]
    warmup_steps: NotNegative = 1000
    """Steps until the peak."""
    max_warmup_ratio: Fraction | None = None
    """As in inverse_sqrt."""
    decay_ratio: Annotated[float, Bounds(gt=0, le=1)] = 0.2
    """Share of all steps, at the end, over which the learning rate falls."""
    final_ratio: Fraction = 0.0
    """Learning rate at the end, as a share of the peak. The step after the last one would
    reach it, so no step is made at 0."""
    fit: Literal["steps", "budget"] = "steps"
    """As in cosine."""


@section
class PlateauConfig:
    """Linear warm-up, then a rate that is lowered when validation stops improving."""

    kind: Literal["plateau"]
    warmup_steps: NotNegative = 1000
    """Steps until the peak."""
    max_warmup_ratio: Fraction | None = None
    """As in inverse_sqrt."""
    factor: Annotated[float, Bounds(gt=0, lt=1)] = 0.7
    """Factor that lowers the learning rate."""
    patience: Positive = 3
    """Validations without a better score before the rate is lowered."""
    min_ratio: Fraction = 0.01
    """Smallest learning rate, as a share of the peak."""


Schedule: TypeAlias = Annotated[
    InverseSqrtConfig | CosineConfig | LinearConfig | WsdConfig | PlateauConfig, ByKind()
]


@section
class OnDivergenceConfig:
    """What follows when the loss, its gradient or a weight is no longer a finite number."""

    action: Literal["stop", "rollback"] = "stop"
    """`stop` ends the run with exit code 3; `rollback` returns to the newest checkpoint and
    continues from there with a lower learning rate."""
    lr_factor: Annotated[float, Bounds(gt=0, lt=1)] = 0.5
    """Factor by which each rollback lowers the learning rate, for the rest of the run."""
    max_times: Positive = 3
    """Rollbacks of the whole run; the next divergence ends it with exit code 3."""
