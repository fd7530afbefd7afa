"""Open a run folder: start over if asked, lock it, claim it for the config, write its log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from mtcli.config.settle import Settled
from mtcli.runs.claim import claim
from mtcli.runs.copies import relink_copies
from mtcli.runs.folder import RunFolder
from mtcli.runs.lock import locked
from mtcli.runs.nproc_choice import read_choice
from mtcli.runs.retention import set_aside_files
from mtcli.runs.start_over import start_over
from mtcli.training.corpus_files import check_files_of
from mtcli.training.observers.loggers.choice import check_loggers
from mtcli.training.observers.loggers.observer import LoggerObserver, logging_to_trackers
from mtcli.training.run_length import has_end
from mtcli.training.run_log import logging_to

logger = logging.getLogger(__name__)


@contextmanager
def opened(
    run: RunFolder, settled: Settled, *, fresh: bool, budget_s: float | None
) -> Iterator[list[LoggerObserver]]:
    """Within the context, the run folder belongs to this process, and what it says is logged.

    Yields:
        What logs the run to the experiment trackers of its config, until the context ends.

    Raises:
        ConfigError: the library of a tracker is missing, and nothing was touched.
        DataError: a file of the corpus is missing, and nothing was touched.
        RunFolderError: the folder is in use, or holds something else.
    """
    config = settled.config
    check_files_of(config)
    check_loggers(config.logging)
    aside = start_over(run, config) if fresh else None
    with locked(run.path) as why_unlocked:
        is_begun = bool(run.all_checkpoints())
        changed_keys = claim(run, config, settled.reasons)
        with logging_to(run.log), logging_to_trackers(config.logging, run) as loggers:
            if why_unlocked:
                logger.warning(
                    "the file system of %s has no locks (%s): make sure that no other mtcli uses"
                    " this run",
                    run.path,
                    why_unlocked,
                )
            for name in set_aside_files(run):
                logger.warning("a file has the name of a folder of the run, now moved to %s", name)
            relink_copies(run)
            if not has_end(config, budget_s):
                logger.info(
                    "training until it is stopped: training.max_steps, training.max_epochs,"
                    " validation.patience and --budget are not set"
                )
            for line in () if is_begun else settled.described():
                logger.info("auto: %s", line)
            if aside is not None:
                logger.info("kept the earlier run as %s", aside)
            if measured := read_choice(run):
                logger.info("measured for --nproc auto: %s", measured.why)
            for key in changed_keys:
                logger.info("changed since the last invocation: %s", key)
            yield loggers
