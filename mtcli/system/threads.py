"""How many threads there can be, how they wait, and what else keeps the machine busy."""

from __future__ import annotations

import os
import threading

from mtcli.system.cores import num_cores

NUM_THREADS = "OMP_NUM_THREADS"
"""Environment variable: threads of each process, as torch and our launcher read it."""

_NUM_BLAS_THREADS = "OPENBLAS_NUM_THREADS"
_WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
_SPIN_COUNT = 3000


def prepare_waiting() -> None:
    """Let OpenMP threads that wait spin for a moment, then sleep; call it before importing torch.

    libgomp spins 300,000 times (3 ms) by default. Where another program wants the core, that is a
    whole slice of the scheduler's time in which the thread that is waited for cannot run: two
    threads then train several times slower than one. 3,000 times (33 us) still bridges the gap
    between one operator and the next, so that a quiet machine loses nothing
    (`benchmarks/busy_machine.py`). No sum depends on it.

    Does nothing if the user has set either variable, or on processors other than x86, whose pause
    is shorter. Has no effect once libgomp is loaded, with torch or with sentencepiece.

    Source: GNU libgomp manual, GOMP_SPINCOUNT and OMP_WAIT_POLICY.
    """
    is_x86 = hasattr(os, "uname") and os.uname().machine == "x86_64"
    if is_x86 and not os.environ.keys() & set(_WAITING):
        os.environ["GOMP_SPINCOUNT"] = str(_SPIN_COUNT)


def fit_threads() -> str:
    """Let libraries start no threads where the system allows none; call it before importing numpy.

    OpenBLAS (numpy) and libgomp (torch) end the process where they are refused a thread, the one
    with SIGINT and the other without a word on why. So all of them get one thread if not all that
    they would start can be started.

    Returns:
        What to tell the user; empty if all is well.
    """
    # numpy multiplies no matrices here
    os.environ.setdefault(_NUM_BLAS_THREADS, "1")
    first = os.environ.get(NUM_THREADS, "").split(",")[0].strip()
    wanted = int(first) if first.isdecimal() else num_cores()
    if wanted <= 1 or startable_threads(wanted) == wanted:
        return ""
    os.environ[NUM_THREADS] = "1"
    return (
        "using one thread, because the system allows no more; see `ulimit -u`, or the limit on the"
        " processes of the container"
    )


def startable_threads(wanted: int) -> int:
    """How many of so many threads the system allows besides this one; starting them takes 30 us."""
    is_over = threading.Event()
    started: list[threading.Thread] = []
    try:
        for _ in range(wanted):
            thread = threading.Thread(target=is_over.wait, daemon=True)
            thread.start()
            started.append(thread)
    except RuntimeError:  # "can't start new thread"
        pass
    finally:
        is_over.set()
        for thread in started:
            thread.join()
    return len(started)


def describe_waiting() -> str:
    """How threads wait, as the environment says it: `GOMP_SPINCOUNT=3000` for instance."""
    settings = [f"{name}={os.environ[name]}" for name in _WAITING if name in os.environ]
    return ", ".join(settings) or "OpenMP's default"


def load_average() -> float | None:
    """Programs that ran or wanted to run, on average over the last minute; None if unknown."""
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):
        return None
