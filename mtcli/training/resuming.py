"""Resume a run from its newest checkpoint."""

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
    # Rank 0 chooses, so that no rank resumes from another checkpoint than the others.
    checkpoint = newest_checkpoint(run) if world.is_main else None
    path = world.broadcast_object(None if checkpoint is None else checkpoint.path)
    if path is None:
        if world.is_main:
            for aside in set_aside_without_checkpoint(run):
                logger.warning("a run without a checkpoint left this, now moved to %s", aside)
        return
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
        logger.info("resuming from the checkpoint of step %d", checkpoint.step)
