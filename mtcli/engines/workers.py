"""Run batches in parallel on the CPU, one thread each."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch

from mtcli.engines.forked import CannotStartError, run_forked

T = TypeVar("T")

_logger = logging.getLogger(__name__)


class Workers:
    """Runs jobs in processes, in threads or one after another: the fastest that is possible.

    What the system refuses once is not tried again, and a warning says so.

    The tensors of a decoding step are small: two batches with one thread each take 0.7 to 0.9 of
    the time of one after the other with two threads (tiny, beam 5 and greedy, batches of 256;
    2026-11-25, EPYC Zen 3, torch 2.13). Two Python threads wait for each other between all those
    small steps; two processes do not, and are 1.10 to 1.19 times as fast (tiny, beam 5, batches of
    64; 2026-11-26, the same machine).

    Args:
        may_fork: whether the workers may be processes, which are forked where that is safe (on
            Linux, from a process with a single Python thread and no GPU). The jobs' only effects
            are then their results and errors, which must be picklable.
    """

    def __init__(self, *, may_fork: bool = False) -> None:
        self._may_fork, self._may_thread = may_fork, True

    def run(
        self,
        jobs: Sequence[Callable[[], T]],
        num_workers: int,
        on_done: Callable[[int], None] = lambda place: None,
    ) -> list[T]:
        """Run jobs, `num_workers` at a time. Returns their results in order.

        Each job computes with one thread, in the modes (autocast, inference) that it enters
        itself, because torch's modes belong to a thread.

        Args:
            jobs: independent of each other; an error in one stops them all.
            num_workers: 1 runs the jobs in this thread, with its own threads of arithmetic.
            on_done: told in this thread of each job that is done, by its place and in order.

        Raises:
            MtcliError: a worker was killed.
        """
        num_workers = min(num_workers, len(jobs))
        why = ""
        if num_workers > 1 and self._may_fork and _is_fork_safe():
            try:
                return run_forked(jobs, num_workers, on_done)
            except CannotStartError as refusal:
                self._may_fork, why = False, str(refusal)
        if num_workers > 1 and self._may_thread:
            try:
                return self._run_in_threads(jobs, num_workers, on_done, why)
            except CannotStartError as refusal:
                self._may_thread = False
                torch.set_num_threads(1)  # libgomp ends the process where it may not start one
                _logger.warning(
                    "translating in one thread, because no other can be started: %s", refusal
                )
        return [_told(job(), place, on_done) for place, job in enumerate(jobs)]

    def _run_in_threads(
        self,
        jobs: Sequence[Callable[[], T]],
        num_workers: int,
        on_done: Callable[[int], None],
        why: str,
    ) -> list[T]:
        """The same in threads; `why` processes were refused, if they were.

        Raises:
            CannotStartError: the system does not allow so many threads; no job is running.
        """
        of_this_thread = torch.get_num_threads()
        pool = ThreadPoolExecutor(
            num_workers, "decoding", initializer=torch.set_num_threads, initargs=(1,)
        )
        try:
            running: list[Future[T]] = []
            try:
                for job in jobs:
                    running.append(pool.submit(job))
            except RuntimeError as error:
                raise CannotStartError(str(error)) from None
            if why:
                _logger.warning(
                    "translating in threads, because no process can be started: %s", why
                )
            return [_told(job.result(), place, on_done) for place, job in enumerate(running)]
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            torch.set_num_threads(of_this_thread)  # which new threads inherit


def _told(result: T, place: int, on_done: Callable[[int], None]) -> T:
    """The result of a job, after telling of it."""
    on_done(place)
    return result


def _is_fork_safe() -> bool:
    return (
        sys.platform == "linux"
        and threading.active_count() == 1
        and not torch.cuda.is_initialized()
    )
