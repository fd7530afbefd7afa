"""Run jobs in forked processes, which share all that this process has loaded."""

from __future__ import annotations

import gc
import os
import signal
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe, wait
from multiprocessing.reduction import ForkingPickler
from typing import NamedTuple, NoReturn, TypeVar

import torch

from mtcli.errors import MtcliError
from mtcli.system.postponed_signals import postponed
from mtcli.system.processes import die_with
from mtcli.system.stop_signals import check_stop

T = TypeVar("T")

_FEWEST = 2
"""Processes that are worth forking: one would do what this process can do itself."""

_AHEAD = 2
"""Jobs that a worker has at a time: the next one waits in its pipe, so that it never idles."""


class CannotStartError(Exception):
    """The system allows no further processes or threads; the text says why."""


def run_forked(
    jobs: Sequence[Callable[[], T]], num_workers: int, on_done: Callable[[int], None]
) -> list[T]:
    """Run jobs in forked workers, `num_workers` at a time. Returns their results in order.

    Not with `concurrent.futures`, whose processes need semaphores, which are not available where
    /dev/shm is missing, full or read-only, and two threads of this process, whose failure to start
    would let it wait for ever. This needs a file descriptor for each worker, and nothing else.

    Args:
        jobs: what is run; results and errors must be picklable.
        num_workers: how many processes; fewer are used where the system allows fewer.
        on_done: told in this process of each job that is done, by its place and in order.

    Raises:
        CannotStartError: the system does not allow two processes.
        MtcliError: a worker was killed.
    """
    workers: list[_Worker] = []
    try:
        for _ in range(num_workers):
            try:
                _start(workers, jobs)
            except OSError as error:
                if len(workers) < _FEWEST:
                    raise CannotStartError(error.strerror or str(error)) from None
                break
        return _collect(workers, len(jobs), on_done)
    finally:
        for worker in workers:
            worker.end()


class _Worker(NamedTuple):
    pid: int
    connection: Connection

    def take(self, places: Iterator[int]) -> None:
        """Give the worker the next job, if there is one."""
        place = next(places, None)
        if place is not None:
            self.connection.send(place)

    def end(self) -> None:
        """End the process: what it knows has arrived, or is not wanted any more."""
        self.connection.close()
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def _start(workers: list[_Worker], jobs: Sequence[Callable[[], object]]) -> None:
    """Fork one more worker and add it to `workers`.

    Raises:
        OSError: the system does not allow it.
    """
    ours, theirs = Pipe()
    try:
        with postponed() as handled, warnings.catch_warnings():
            # Python 3.12 warns of threads, which torch's own are; no job here waits for them
            warnings.simplefilter("ignore", DeprecationWarning)
            parent = os.getpid()
            pid = os.fork()
            if pid == 0:
                of_parent = [ours, *(worker.connection for worker in workers)]
                _serve(jobs, theirs, of_parent, parent, handled)
            workers.append(_Worker(pid, ours))
    except OSError:
        ours.close()
        raise
    finally:
        theirs.close()


def _serve(
    jobs: Sequence[Callable[[], object]],
    connection: Connection,
    of_parent: Sequence[Connection],
    parent: int,
    handled: Sequence[int],
) -> NoReturn:
    """Run jobs until there are no more: all that a worker does."""
    # Garbage of the parent is not ours to collect: an engine or a store among it would join threads
    # that were not forked, and crash.
    gc.freeze()
    try:
        # a signal to every process of the terminal or of the service: the parent decides
        for number in handled:
            signal.signal(number, signal.SIG_IGN)
        die_with(parent)
        for other in of_parent:
            other.close()
        # before any arithmetic, because the parent's arithmetic threads were not forked
        torch.set_num_threads(1)
        with suppress(EOFError, OSError):
            while True:
                place = connection.recv()
                connection.send_bytes(_outcome(jobs[place], place))
    except BaseException:  # noqa: BLE001 a bug: nothing of the parent's may run here
        traceback.print_exc()
    finally:
        os._exit(0)  # the parent's buffers and exit hooks are not ours


def _outcome(job: Callable[[], object], place: int) -> memoryview:
    """Place, result and error of a job, as `Connection.recv` reads them."""
    try:
        return _packed((place, job(), None))
    except Exception as error:  # noqa: BLE001 the parent raises it
        trace = traceback.format_exc()
        error.add_note(f"in a translating process:\n{trace}")
        try:
            outcome = _packed((place, None, error))
            ForkingPickler.loads(outcome)  # some cannot be made again from their arguments
        except Exception:  # noqa: BLE001 packing calls what it likes
            return _packed((place, None, RuntimeError(trace)))
        return outcome


def _packed(outcome: tuple[int, object, Exception | None]) -> memoryview:
    return memoryview(ForkingPickler.dumps(outcome))


def _collect(workers: Sequence[_Worker], num_jobs: int, on_done: Callable[[int], None]) -> list[T]:
    """Give the workers their jobs, and wait for all results."""
    results: dict[int, T] = {}
    places = iter(range(num_jobs))
    num_told = 0
    by_connection = {worker.connection: worker for worker in workers}
    try:
        for _ in range(_AHEAD):
            for worker in workers:
                worker.take(places)
        while len(results) < num_jobs:
            for connection in wait(list(by_connection)):
                assert isinstance(connection, Connection)
                place, result, error = connection.recv()
                if error is not None:
                    raise error
                results[place] = result
                by_connection[connection].take(places)
                while num_told in results:
                    on_done(num_told)
                    num_told += 1
    except (EOFError, ConnectionError) as error:
        check_stop()  # whoever asked for the end may have killed the workers as well
        raise MtcliError(
            "a translating process was killed, probably because memory ran out",
            hint="use fewer `--threads`, or a smaller `--batch-size`",
        ) from error
    return [results[place] for place in range(num_jobs)]
