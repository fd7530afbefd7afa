"""What an update of one process needs, for measuring one outside of a run."""

from __future__ import annotations

from mtcli.config.schema.root import TrainConfig
from mtcli.device.precision import Numerics
from mtcli.distributed.world import World
from mtcli.model.seq2seq import PassSettings, Seq2Seq
from mtcli.training.frozen import freeze
from mtcli.training.optim import build_optimizers
from mtcli.training.start_pull import StartPull
from mtcli.training.step import StepParts


def parts_alone(model: Seq2Seq, config: TrainConfig, numerics: Numerics) -> StepParts:
    """The model on its device, with the optimizers, the smoothing and the clipping of a config."""
    freeze(model, config.training.freeze)
    strength = config.regularization.l2_to_start
    return StepParts(
        model=model,
        optimizers=build_optimizers(model, config.optim),
        scaler=numerics.make_scaler(),
        numerics=numerics,
        world=World(),
        label_smoothing=config.training.label_smoothing,
        clip_norm=config.optim.clip_norm,
        pull=StartPull(model, strength) if strength else None,
    )


def largest_settings(config: TrainConfig) -> PassSettings:
    """The passes that need the most memory: those of the largest value of R-Drop's schedule."""
    rdrop = config.regularization.rdrop
    return PassSettings(
        rdrop_alpha=max(rdrop.value, rdrop.start or 0.0),
        recompute=config.training.activation_checkpointing == "layers",
    )
