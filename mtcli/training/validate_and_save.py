"""What happens every so often in a run: it is validated, and it is saved.

What a stop (a signal, the end of a budget) validates and saves is for the user and for resuming,
and lies in a place of its own: a run that was stopped becomes what it would have become without.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from mtcli.bundle.model_folder import verified_memory, write_model
from mtcli.data.batches import Batch, Update
from mtcli.errors import CheckpointError
from mtcli.runs.folder import SavedSteps
from mtcli.runs.lock import check_in_place
from mtcli.runs.ranking import rank_models
from mtcli.runs.retention import keep_newest_stop, prune, remove_stops
from mtcli.training.averaging import named_weights
from mtcli.training.best_score import BestScore
from mtcli.training.checkpoint import read_weights, write_checkpoint
from mtcli.training.divergence import diverged, refuse_state, refuse_weights
from mtcli.training.loop_parts import LoopParts
from mtcli.training.model_card import make_card, make_scores
from mtcli.training.reporting import report_validation
from mtcli.training.validation import LossNotFiniteError, ValidationResult

logger = logging.getLogger(__name__)


def validate(parts: LoopParts, update: Update) -> None:
    """Make a validation of the config's after an update, and save the model."""
    best, plateau = parts.state.best, parts.state.plateau
    _judge(parts, best, parts.run, update.micro_batches)
    if plateau.validated(parts.config.schedule, is_better=best.made_progress):
        logger.info("no better score: the learning rate falls to %g of its peak", plateau.ratio)


def validate_stop(parts: LoopParts) -> None:
    """Show and save what a run has reached that was saved before. Its state does not change."""
    is_best = _judge_stop(parts)
    if parts.world.is_main:
        _link_stop(parts, is_best=is_best)


def save(parts: LoopParts) -> None:
    """Make a checkpoint of the config's, then remove what is older than it keeps."""
    run, best, step = parts.run, parts.state.best, parts.state.progress.step
    _write_checkpoint(parts, run.checkpoint(step))
    if parts.world.is_main:
        run.point_last(run.checkpoint(step))
        run.point_best(None if best.step is None else run.model(best.step))
        remove_old(parts)
        remove_stops(run)
    parts.world.barrier()


def remove_old(parts: LoopParts) -> None:
    """Remove what is older than the config keeps; a killed process may not have come to it."""
    config = parts.config.checkpoints
    prune(
        parts.run,
        keep_last=config.keep_last,
        keep_checkpoints=max(config.keep_last, config.average_last),
        best_steps=_best_steps_to_keep(parts),
    )


def save_stop(parts: LoopParts, *, validates: bool) -> None:
    """Make a checkpoint to resume from, which is gone after the next one of the config's.

    Args:
        parts: the run.
        validates: whether to show and save what the run has reached, too.
    """
    is_best = _judge_stop(parts) if validates else False
    step = parts.state.progress.step
    checkpoint = parts.run.stopped.checkpoint(step)
    _write_checkpoint(parts, checkpoint)
    if parts.world.is_main:
        parts.run.point_last(checkpoint)
        _link_stop(parts, is_best=is_best)
    parts.world.barrier()


def _write_checkpoint(parts: LoopParts, path: Path) -> None:
    """Write the state, if there is nothing wrong with it and with its place. Collective."""
    refuse_state(parts)
    if parts.world.is_main:
        check_in_place(parts.run.path)
    write_checkpoint(path, parts.state.progress.step, parts.state.parts, parts.world)


def _judge_stop(parts: LoopParts) -> bool:
    """Validate where a run stops, without a change of its state; whether that was the best."""
    best = replace(parts.state.best)
    _judge(parts, best, parts.run.stopped)
    return best.step == parts.state.progress.step


def _link_stop(parts: LoopParts, *, is_best: bool) -> None:
    """Let `best` be the model of the stop if it is, then keep the newest one only."""
    if is_best:
        parts.run.point_best(parts.run.stopped.model(parts.state.progress.step))
    keep_newest_stop(parts.run)


def _judge(
    parts: LoopParts, best: BestScore, place: SavedSteps, training_batches: Sequence[Batch] = ()
) -> None:
    """Validate the weights as they will be used, record the score in `best`, save the model.

    Links are left to what comes after the checkpoint: a link that cannot be made loses nothing.
    """
    started = time.perf_counter()
    step, world = parts.state.progress.step, parts.world
    refuse_weights(parts)
    parts.observers.entered("validating")
    with parts.model.holding(parts.numerics.device, _weights_to_average_with(parts)):
        try:
            result = parts.validator.validate(
                parts.model.whole, training_batches, parts.observers.advanced
            )
        except LossNotFiniteError as error:
            raise diverged(parts, str(error)) from error
        best.validated(result.scores, step)
        if world.is_main:
            check_in_place(parts.run.path)
            _save_model(parts, result, place)
    duration_s = time.perf_counter() - started
    is_stop = place.path != parts.run.path
    report_validation(parts, result, best, is_stop=is_stop, duration_s=duration_s)
    parts.observers.entered("training")
    world.barrier()


def _weights_to_average_with(parts: LoopParts) -> list[dict[str, Tensor]]:
    """The weights of earlier checkpoints, where `checkpoints.average_last` asks for a mean."""
    number = parts.config.checkpoints.average_last - 1
    if number == 0:
        return []
    run, step = parts.run, parts.state.progress.step
    earlier = [other for other in run.checkpoint_steps() if other < step]
    weights = []
    for other in earlier[-number:]:
        try:
            weights.append(read_weights(run.checkpoint(other), verified_memory()))
        except CheckpointError as error:
            logger.warning("a damaged checkpoint is not in the average: %s", error.sentence)
    return weights


def _save_model(parts: LoopParts, result: ValidationResult, place: SavedSteps) -> None:
    config, corpus, progress = parts.config, parts.corpus, parts.state.progress
    weights = named_weights(parts.model.whole)
    write_model(
        place.model(progress.step),
        {name: weight.float().cpu().numpy() for name, weight in weights.items()},
        make_card(config, corpus, progress),
        corpus.tokenizer_files,
        config.decoding,
        make_scores(config, result),
    )


def _best_steps_to_keep(parts: LoopParts) -> list[int | None]:
    """Steps of the best models of the config's validations."""
    number, best = parts.config.checkpoints.keep_best, parts.state.best
    if number == 1:
        return [best.step]
    return [best.step, *rank_models(parts.run, best.metric)[:number]]
