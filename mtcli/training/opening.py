"""Open a run folder: start over if asked, lock it, claim it for the config, write its log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from mtcli.config.settle import Settled
from mtcli.errors import RunFolderError
from mtcli.folders import read_json
from mtcli.runs.claim import claim
from mtcli.runs.copies import relink_copies
from mtcli.runs.folder import RunFolder
from mtcli.runs.lock import locked
from mtcli.runs.start_over import start_over
from mtcli.training.corpus_files import check_files_of
from mtcli.training.run_length import has_end
from mtcli.training.run_log import logging_to

logger = logging.getLogger(__name__)


@contextmanager
def opened(
    run: RunFolder, settled: Settled, *, fresh: bool, budget_s: float | None
) -> Iterator[None]:
    """Within the context, the run folder belongs to this process, and what it says is logged.

    Raises:
        DataError: a file of the corpus is missing, and nothing was touched.
        RunFolderError: the folder is in use, or holds something else.
    """
    config = settled.config
    check_files_of(config)
    aside = start_over(run, config) if fresh else None
    with locked(run.path) as why_unlocked:
        is_begun = bool(run.all_checkpoints())
        changed_keys = claim(run, config, settled.reasons)
        with logging_to(run.log):
            if why_unlocked:
                logger.warning(
                    "the file system of %s has no locks (%s): make sure that no other mtcli uses"
                    " this run",
                    run.path,
                    why_unlocked,
                )
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
            if run.nproc.exists():
                why = read_json(run.nproc, RunFolderError)["why"]
                logger.info("measured for --nproc auto: %s", why)
            for key in changed_keys:
                logger.info("changed since the last invocation: %s", key)
            yield
