"""Return a run to its newest checkpoint, when it resumes or has diverged."""

from __future__ import annotations

import logging

from mtcli.distributed.world import World
from mtcli.errors import CheckpointError
from mtcli.runs.folder import RunFolder
from mtcli.runs.retention import cut_back, set_aside_without_checkpoint
from mtcli.training.checkpoint import move_stops_of_format_1, newest_checkpoint, read_checkpoint
from mtcli.training.state import RunState

logger = logging.getLogger(__name__)


def resume(run: RunFolder, state: RunState, world: World) -> None:
    """Put the newest complete checkpoint into `state`, if there is one. Collective.

    What the run did after that checkpoint is removed, because it will be done again.

    Raises:
        CheckpointError: all checkpoints are damaged, or the newest does not fit the run.
    """
    if world.is_main:
        move_stops_of_format_1(run)
    step = return_to_newest(run, state, world)
    if not world.is_main:
        return
    if step is None:
        for aside in set_aside_without_checkpoint(run):
            logger.warning("a run without a checkpoint left this, now moved to %s", aside)
    else:
        logger.info("resuming from the checkpoint of step %d", step)


def return_to_newest(
    run: RunFolder, state: RunState, world: World, *, prefers_own: bool = False
) -> int | None:
    """Put the newest intact checkpoint into `state`, and remove what came later. Collective.

    Args:
        run: the run.
        state: what changes.
        world: the processes.
        prefers_own: as in `newest_checkpoint`.

    Returns:
        Its step; None if there is none, and nothing was done.

    Raises:
        CheckpointError: as `resume`.
    """
    # Rank 0 chooses, so that no rank resumes from another checkpoint than the others.
    checkpoint = newest_checkpoint(run, prefers_own=prefers_own) if world.is_main else None
    path = world.broadcast_object(None if checkpoint is None else checkpoint.path)
    if path is None:
        return None
    if checkpoint is None:
        try:
            checkpoint = read_checkpoint(path)
        except CheckpointError as error:
            raise CheckpointError(
                f"rank {world.rank} cannot read {path}, but rank 0 can: {error.sentence}",
                hint="put `run_dir` on a file system that all machines share",
            ) from error
    checkpoint.restore(state.parts)
    world.barrier()
    if world.is_main:
        cut_back(run, checkpoint.step, state.best.step)
    return checkpoint.step
