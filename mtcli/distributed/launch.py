"""Starts the processes of one machine and sees to it that they end together. No torch."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO

from mtcli.distributed.worker import FAILURE_FD, LOOPBACK, STORE_FD, place_from_environment
from mtcli.errors import ExitCode, MtcliError
from mtcli.system.cores import num_cores
from mtcli.system.processes import PARENT_PID, handling_signals, holding_back
from mtcli.system.stop_signals import SECOND_INTERRUPT_S, STOP_SIGNALS
from mtcli.system.temporary import temporary_file
from mtcli.system.threads import NUM_THREADS

_POLL_S = 0.05
_MAX_SHOWN_LINES = 200


@dataclass(frozen=True)
class Patience:
    """How long the others are waited for once a process has failed."""

    settle_s: float = 5.0
    """Until they get SIGTERM. They often fail of the same cause and say so by themselves."""
    grace_s: float = 10.0
    """After that, until SIGKILL."""


@dataclass(frozen=True)
class _Worker:
    rank: int
    process: subprocess.Popen[bytes]
    messages: IO[bytes] | None
    """Standard error of every rank but 0, which writes to the terminal."""


@dataclass(frozen=True)
class _Failure:
    rank: int
    exit_code: int
    """128 + n after signal n, as shells have it."""
    signal: int | None
    """What killed it, if something did."""
    is_wanted: bool = False
    """The user asked for it: nothing to explain."""


def should_launch(nproc: int) -> bool:
    """Whether this process is to start `nproc` others instead of training itself.

    False for one process, and in a process that is already one of `nproc`.

    Raises:
        MtcliError: `nproc` is below 1, or is not the number of processes that torchrun started.
    """
    if nproc < 1:
        raise MtcliError(f"`--nproc` must be at least 1, found {nproc}")
    place = place_from_environment()
    if place is not None and nproc not in (1, place.size):
        raise MtcliError(
            f"`--nproc {nproc}` cannot be used with the {place.size} processes that another program"
            " started (the environment variable `RANK` is set)",
            hint="drop `--nproc`",
        )
    return place is None and nproc > 1


def launch(argv: Sequence[str], nproc: int, threads: int | None = None) -> int:
    """Run `mtcli ARGV` in `nproc` processes of this machine; returns the exit code for them all.

    Args:
        argv: arguments of the command line, without the program.
        nproc: number of processes.
        threads: of each process, unless `OMP_NUM_THREADS` is set; None divides the cores.
    """
    return supervise([sys.executable, "-m", "mtcli", *argv], nproc, threads=threads)


def supervise(
    command: Sequence[str],
    nproc: int,
    patience: Patience | None = None,
    *,
    threads: int | None = None,
) -> int:
    """Run `command` as ranks 0 to nproc - 1; none of them is left when this returns.

    Each has `threads` threads, or its share of the cores; `OMP_NUM_THREADS`, where it is set, wins.

    SIGINT, SIGTERM, SIGHUP and SIGUSR1 are passed on to all once; a second SIGINT kills them. They
    reach a worker when it calls `die_with_parent`, and not before. Must be called in the main
    thread, whose death the workers take for this process's.

    Returns:
        0 if all ended so; else the code of the rank that failed first (128 + n for signal n); 75
        (stopped, resumable) if some ended so and none otherwise.
    """
    threads = threads or max(1, num_cores() // nproc)
    workers: list[_Worker] = []
    with ExitStack() as stack:
        caught = stack.enter_context(_caught_signals())
        reports, reports_end = (stack.enter_context(pipe_end) for pipe_end in _pipe())
        # Open from here on, so that no other program can take the port before rank 0 listens.
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        stack.callback(_kill, workers)
        for rank in range(nproc):
            messages = stack.enter_context(temporary_file()) if rank > 0 else None
            environment = _environment(rank, nproc, listener.getsockname()[1], threads)
            inherited = {FAILURE_FD: reports_end.fileno()}
            if rank == 0:
                inherited[STORE_FD] = listener.fileno()
            with holding_back(STOP_SIGNALS):
                process = _start(command, environment, messages, inherited)
            workers.append(_Worker(rank, process, messages))
        listener.close()  # or what rank 0 leaves open when it dies would be kept open here
        failure = _wait(workers, caught, reports, patience or Patience())
        _kill(workers)
        if failure is not None:
            _explain(failure, workers)
            return failure.exit_code
    return max(worker.process.returncode for worker in workers)  # 0 or 75


def _pipe() -> tuple[IO[bytes], IO[bytes]]:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    return os.fdopen(reading, "rb", buffering=0), os.fdopen(writing, "wb", buffering=0)


def _environment(rank: int, nproc: int, port: int, threads: int) -> dict[str, str]:
    environment = {
        NUM_THREADS: str(threads),
        **os.environ,
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(nproc),
        "LOCAL_WORLD_SIZE": str(nproc),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        PARENT_PID: str(os.getpid()),
    }
    if sys.platform in LOOPBACK:
        # All on this machine: no need of a host name that resolves, nor of a port open to others,
        # though the variables may name the network of a cluster.
        environment["GLOO_SOCKET_IFNAME"] = environment["NCCL_SOCKET_IFNAME"] = LOOPBACK[
            sys.platform
        ]
    return environment


def _start(
    command: Sequence[str],
    environment: dict[str, str],
    messages: IO[bytes] | None,
    inherited: dict[str, int],
) -> subprocess.Popen[bytes]:
    """Start one process: with `messages` it writes there, without it to the terminal.

    It inherits file descriptors, under the names of the variables that tell it of them.
    """
    return subprocess.Popen(
        command,
        env=environment | {name: str(descriptor) for name, descriptor in inherited.items()},
        stdin=subprocess.DEVNULL,
        stdout=None if messages is None else subprocess.DEVNULL,
        stderr=messages,
        pass_fds=list(inherited.values()),
        # A session of its own, or the terminal's Ctrl-C would reach it besides being passed on.
        start_new_session=True,
    )


@contextmanager
def _caught_signals() -> Iterator[list[int]]:
    """Collect signals in a list instead of dying of them; ignored ones stay ignored (nohup)."""
    caught: list[int] = []
    heard = [n for n in STOP_SIGNALS if signal.getsignal(n) is not signal.SIG_IGN]
    with handling_signals(heard, caught.append):
        yield caught


def _wait(
    workers: Sequence[_Worker], caught: list[int], reports: IO[bytes], patience: Patience
) -> _Failure | None:
    """Wait until no worker runs, or must not run on; returns what failed first."""
    failure: _Failure | None = None
    failed_at_s = 0.0
    asked_at_s: float | None = None
    is_ending = False
    while True:
        running = [worker for worker in workers if worker.process.poll() is None]
        now_s = time.monotonic()
        if failure is None:
            failure = _first_failure(workers, reports, is_wanted=asked_at_s is not None)
            failed_at_s = now_s
        if not running:
            return failure
        while caught:
            number = caught.pop(0)
            if asked_at_s is None:
                asked_at_s = now_s
                _signal(running, number)
            elif number == signal.SIGINT and now_s - asked_at_s > SECOND_INTERRUPT_S:
                return _Failure(0, 128 + number, number, is_wanted=True)
        if failure is not None and now_s - failed_at_s > patience.settle_s:
            if now_s - failed_at_s > patience.settle_s + patience.grace_s:
                return failure
            if not is_ending:
                is_ending = True
                _signal(running, signal.SIGTERM)
        time.sleep(_POLL_S)


def _first_failure(
    workers: Sequence[_Worker], reports: IO[bytes], *, is_wanted: bool
) -> _Failure | None:
    """The failure that came first, as far as one look can tell.

    A death by signal goes before what others report, who may only have noticed it. A rank that
    stopped in good order (75) has not failed, and the others may take their time to follow.
    """
    codes = {worker.rank: worker.process.returncode for worker in workers}
    for rank, code in codes.items():
        if code is not None and code < 0:
            return _Failure(rank, 128 - code, -code, is_wanted and -code in STOP_SIGNALS)
    if report := reports.read(4096):
        reported_rank, reported_code = report.split(b"\n")[0].split()
        return _Failure(int(reported_rank), int(reported_code), None)
    for rank, code in codes.items():
        if code not in (None, ExitCode.OK, ExitCode.STOPPED):
            return _Failure(rank, code, None, is_wanted and code == 128 + signal.SIGINT)
    return None


def _signal(workers: Sequence[_Worker], number: int) -> None:
    """Send the signal; a worker that was stopped continues, or it would never hear it."""
    for worker in workers:
        worker.process.send_signal(number)
        worker.process.send_signal(signal.SIGCONT)


def _kill(workers: Sequence[_Worker]) -> None:
    """Kill those that still run, with all that they have started."""
    for worker in workers:
        if worker.process.poll() is None:
            os.killpg(worker.process.pid, signal.SIGKILL)
    for worker in workers:
        worker.process.wait()


def _explain(failure: _Failure, workers: Sequence[_Worker]) -> None:
    """Show what the failed rank said, unless rank 0 has said it or the user asked for the end."""
    if failure.is_wanted:
        return
    common = (ExitCode.USER_ERROR, ExitCode.DIVERGED)  # every rank finds these, in the same words
    is_said = failure.exit_code in common and workers[0].process.returncode == failure.exit_code
    messages = workers[failure.rank].messages
    if messages is not None and not is_said:
        messages.seek(0)
        lines = messages.read().decode("utf-8", errors="replace").rstrip("\n").split("\n")
        if len(lines) > _MAX_SHOWN_LINES:
            lines[:-_MAX_SHOWN_LINES] = [f"... {len(lines) - _MAX_SHOWN_LINES} earlier lines"]
        sys.stderr.writelines(f"[rank {failure.rank}] {line}\n" for line in lines if any(lines))
    if failure.signal is not None:
        hint = " (out of memory?)" if failure.signal == signal.SIGKILL else ""
        sys.stderr.write(
            f"mtcli: rank {failure.rank} of {len(workers)} was killed by"
            f" {signal.Signals(failure.signal).name}{hint}; the others were stopped\n"
        )
