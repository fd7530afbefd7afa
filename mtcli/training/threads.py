"""Train with the processes and threads that the run started with, and say how it is run."""

from __future__ import annotations

import logging
import os

import torch

from mtcli.distributed.world import World
from mtcli.runs.folder import RunFolder
from mtcli.runs.split import Split, read_split, write_split
from mtcli.system.cores import num_cores
from mtcli.system.threads import NUM_THREADS, describe_waiting, load_average

logger = logging.getLogger(__name__)


def keep_threads(run: RunFolder, world: World) -> None:
    """Take over the number of threads that the run started with, or keep today's for its resumes.

    Weights depend on it in their last bits. So a resume on a machine with other cores trains with
    the same number, unless `OMP_NUM_THREADS` is set or the number of processes is another: what was
    chosen for this invocation wins.
    """
    kept = world.broadcast_object(read_split(run) if world.is_main else None)
    is_free = NUM_THREADS not in os.environ  # processes that were launched have it set
    if kept is not None and is_free and kept.processes == world.size:
        torch.set_num_threads(kept.threads)
    split = Split(world.size, torch.get_num_threads())
    if not world.is_main:
        return
    load = load_average()
    logger.info(
        "%s, %d cores, load average %s, waiting threads: %s",
        split,
        num_cores(),
        "unknown" if load is None else f"{load:.2f}",
        describe_waiting(),
    )
    if kept is None:
        write_split(run, split)
    elif kept != split:
        logger.warning(
            "this run started with %s: its weights will differ in their last bits from those of an"
            " uninterrupted run",
            kept,
        )
    elif kept.processes * kept.threads != num_cores():
        logger.info("this run started with %s, and keeps them", kept)
