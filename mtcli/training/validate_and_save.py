"""What happens every so often in a run: it is judged, and it is saved."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace

import torch

from mtcli.distributed.fsdp import gather_on_main
from mtcli.runs.ranking import rank_models
from mtcli.training.averaging import copy_weights, holding_weights, mean_weights, named_weights
from mtcli.training.best_score import BestScore
from mtcli.training.checkpoint import (
    Checkpoint,
    read_weights,
    stop_steps,
    write_checkpoint,
)
from mtcli.training.clock import process_cpu_s
from mtcli.training.parts import LoopParts
from mtcli.training.reporting import report_validation
from mtcli.training.schedule import PlateauState

logger = logging.getLogger(__name__)


def validate(parts: LoopParts, *, is_stop: bool = False) -> float:
    """Judge the weights as they will be used, save them as a model; seconds that it took.

    With `is_stop` it is no validation of the config's, but shows and keeps what a run has come to
    that will go on: the learning rate does not depend on it.
    """
    started = time.perf_counter()
    progress, world = parts.progress, parts.step_parts.world
    with whole_model(parts), holding_weights(parts.model, weights_to_use(parts)):
        result = parts.validator.validate(parts.model)
        score = result.score_by(parts.best.metric)
        is_best = parts.best.validated(score, progress.step)
        if not is_stop and parts.plateau.validated(parts.config.schedule, is_better=is_best):
            logger.info(
                "no better score: the learning rate falls to %g of its peak", parts.plateau.ratio
            )
        if world.is_main:
            parts.save_model(progress.step, result)
            if is_best:
                parts.run.point_best(progress.step)
    duration_s = time.perf_counter() - started
    (cpu_s,) = world.sum_floats([process_cpu_s()])
    progress.cpu_s = parts.cpu_before_s + cpu_s
    if world.is_main:
        report_validation(parts, result, is_best=is_best, is_stop=is_stop, duration_s=duration_s)
    world.barrier()
    return duration_s


@contextmanager
def whole_model(parts: LoopParts) -> Iterator[None]:
    """Inside, `parts.model` has the weights that are trained, and is where these are.

    Collective where they are sharded; outside, the whole model then takes no memory of a GPU.
    """
    if parts.model is parts.trained:
        yield
        return
    parts.model.to(parts.step_parts.numerics.device)
    copy_weights(named_weights(parts.trained), into=named_weights(parts.model))
    try:
        yield
    finally:
        parts.model.to("cpu")


def weights_to_use(parts: LoopParts) -> dict[str, torch.Tensor] | None:
    """What is validated and saved as model: an average where the config asks for one.

    Sharded where the weights are.
    """
    if parts.average is not None:
        return parts.average.weights
    wanted = parts.config.checkpoints.average_last - 1
    if wanted == 0:
        return None
    made_by_stops = stop_steps(parts.run)  # without the stop they would not be
    steps = [
        step
        for step in parts.run.checkpoint_steps()
        if step < parts.progress.step and step not in made_by_stops
    ]
    if not steps:
        return None
    earlier = [read_weights(parts.run, step) for step in steps[-wanted:]]
    return mean_weights([*earlier, {n: w.cpu() for n, w in named_weights(parts.model).items()}])


@dataclass(frozen=True)
class Stopped:
    """Judgements of a run at its last validation of the config's, which it goes on from.

    What a stop validates is for the user, and changes nothing of what comes after: a run that was
    stopped becomes what it had become without.
    """

    best: BestScore
    plateau: PlateauState

    @classmethod
    def before_validation(cls, parts: LoopParts) -> Stopped:
        """What the run has now."""
        return cls(replace(parts.best), replace(parts.plateau))


def best_steps_to_keep(
    parts: LoopParts, best: BestScore, made_by_stops: set[int]
) -> list[int | None]:
    """Steps of the best models that validations of the config's have made."""
    number = parts.config.checkpoints.keep_best
    if number == 1:
        return [best.step]
    ranked = [s for s in rank_models(parts.run, best.metric) if s not in made_by_stops]
    return [best.step, *ranked[:number]]


def save(parts: LoopParts, stopped: Stopped | None = None) -> None:
    """Write a checkpoint, then remove what is older than the config keeps.

    Args:
        parts: the run.
        stopped: where a stop makes the checkpoint, what the run goes on from.
    """
    best, plateau = (stopped.best, stopped.plateau) if stopped else (parts.best, parts.plateau)
    checkpoints, average, world = parts.config.checkpoints, parts.average, parts.step_parts.world
    weights = gather_on_main(named_weights(parts.trained), world)
    optimizer = gather_on_main(parts.step_parts.optimizers.state_tensors(), world)
    average_weights = None if average is None else gather_on_main(average.weights, world)
    if world.is_main and not parts.run.checkpoint(parts.progress.step).exists():
        write_checkpoint(
            parts.run,
            Checkpoint(
                step=parts.progress.step,
                weights=weights,
                optimizer=optimizer,
                average=average_weights,
                state={
                    "progress": asdict(parts.progress),
                    "best": asdict(best),
                    "plateau": asdict(plateau),
                    "scaler": parts.step_parts.scaler.state_dict(),
                    "is_stop": stopped is not None,
                    "data": parts.fingerprints,
                    "average_steps": 0 if average is None else average.num_steps,
                },
            ),
        )
        made_by_stops = stop_steps(parts.run)
        if stopped is None:  # it may be what a stop has found
            parts.run.point_best(best.step)
        parts.run.prune(
            keep_last=checkpoints.keep_last,
            keep_checkpoints=max(checkpoints.keep_last, checkpoints.average_last),
            best_steps=best_steps_to_keep(parts, best, made_by_stops),
            stop_steps=made_by_stops,
        )
        if not (parts.run.path / "best").exists():
            parts.run.point_best(best.step)
    world.barrier()
