"""Run batches in parallel on the CPU, one thread each."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

import torch

from mtcli.errors import MtcliError
from mtcli.system.processes import die_with

T = TypeVar("T")

_jobs_of_parent: Sequence[Callable[[], object]] = ()
"""In a forked process: the jobs, which it receives by index."""


def run_parallel(
    jobs: Sequence[Callable[[], T]],
    num_workers: int,
    *,
    may_fork: bool = False,
    on_done: Callable[[int], None] = lambda place: None,
) -> list[T]:
    """Run jobs, `num_workers` at a time. Returns their results in order.

    The tensors of a decoding step are small: two batches with one thread each take 0.7 to 0.9 of
    the time of one after the other with two threads (tiny, beam 5 and greedy, batches of 256;
    2026-11-25, EPYC Zen 3, torch 2.13). Two Python threads wait for each other between all those
    small steps; two processes do not, and are 1.10 to 1.19 times as fast (tiny, beam 5, batches of
    64; 2026-11-26, the same machine).

    Each job computes with one thread, in the modes (autocast, inference) that it enters itself,
    because torch's modes belong to a thread.

    Args:
        jobs: independent of each other; an error in one stops them all.
        num_workers: 1 runs the jobs in this thread, with its own threads of arithmetic.
        may_fork: whether the workers may be processes, which are forked where that is safe (on
            Linux, from a process with a single Python thread and no GPU). The jobs' only effects
            are then their results and errors, which must be picklable.
        on_done: told in this thread of each job that is done, by its place and in order.

    Raises:
        MtcliError: a worker was killed.
    """
    num_workers = min(num_workers, len(jobs))
    if num_workers <= 1:
        return [_told(job(), place, on_done) for place, job in enumerate(jobs)]
    if may_fork and _is_fork_safe():
        return _run_in_processes(jobs, num_workers, on_done)
    of_this_thread = torch.get_num_threads()
    pool = ThreadPoolExecutor(
        num_workers, "decoding", initializer=torch.set_num_threads, initargs=(1,)
    )
    try:
        running = [pool.submit(job) for job in jobs]
        return [_told(job.result(), place, on_done) for place, job in enumerate(running)]
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        torch.set_num_threads(of_this_thread)  # which new threads inherit


def _told(result: T, place: int, on_done: Callable[[int], None]) -> T:
    """The result of a job, after telling of it."""
    on_done(place)
    return result


def _run_in_processes(
    jobs: Sequence[Callable[[], T]], num_workers: int, on_done: Callable[[int], None]
) -> list[T]:
    """Run jobs in forked workers, which share the model without copying or loading it."""
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(
        num_workers,
        multiprocessing.get_context("fork"),
        initializer=_begin_worker,
        initargs=(os.getpid(), jobs),  # inherited, not pickled
    )
    with warnings.catch_warnings():
        # Python 3.12 warns of threads, which torch's own are; no job here waits for them
        warnings.simplefilter("ignore", DeprecationWarning)
        running: list[Future[T]] = [pool.submit(_job_of_parent, i) for i in range(len(jobs))]
    try:
        return [_told(job.result(), place, on_done) for place, job in enumerate(running)]
    except BrokenProcessPool as error:
        raise MtcliError(
            "a translating process was killed, probably because memory ran out",
            hint="use fewer `--threads`, or a smaller `--batch-size`",
        ) from error
    finally:
        if not all(future.done() for future in running):  # an error, or Ctrl-C
            for worker in set(multiprocessing.active_children()) - others:
                worker.kill()
        pool.shutdown(wait=True, cancel_futures=True)


def _is_fork_safe() -> bool:
    return (
        sys.platform == "linux"
        and threading.active_count() == 1
        and not torch.cuda.is_initialized()
    )


def _begin_worker(parent: int, jobs: Sequence[Callable[[], object]]) -> None:
    global _jobs_of_parent
    die_with(parent)
    # Ctrl-C reaches every process of the terminal: the parent decides what happens to the work
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # before any arithmetic, because the parent's arithmetic threads were not forked
    torch.set_num_threads(1)
    _jobs_of_parent = jobs


def _job_of_parent(index: int) -> T:  # type: ignore[type-var]
    return _jobs_of_parent[index]()  # type: ignore[return-value]
