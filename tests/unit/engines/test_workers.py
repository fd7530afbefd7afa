"""Jobs beside each other: their order, their threads, and what becomes of an error."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch

from mtcli.engines import workers as beside
from mtcli.engines.workers import run_parallel
from mtcli.errors import MtcliError

needs_fork = pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux only")


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def forking(monkeypatch):
    """Processes even where other tests have left threads behind, which hold nothing."""
    monkeypatch.setattr(beside, "_is_fork_safe", lambda: True)


@pytest.mark.parametrize("may_fork", [False, pytest.param(True, marks=needs_fork)])
@pytest.mark.parametrize("num_workers", [1, 2, 7])
def test_results_come_in_the_order_of_the_jobs(two_threads, forking, num_workers, may_fork):
    jobs = [lambda i=i: i * i for i in range(9)]
    done: list[int] = []
    found = run_parallel(jobs, num_workers, may_fork=may_fork, on_done=done.append)
    assert (found, done) == ([i * i for i in range(9)], list(range(9)))
    assert run_parallel([], num_workers, may_fork=may_fork) == []


def test_two_jobs_are_at_work_at_a_time_with_a_thread_of_arithmetic_each(two_threads):
    barrier = threading.Barrier(2, timeout=20)

    def job():
        barrier.wait()  # nobody passes alone
        return torch.get_num_threads(), threading.get_ident()

    found = run_parallel([job] * 4, 2)
    assert [num_threads for num_threads, _ in found] == [1] * 4
    assert len({ident for _, ident in found}) == 2
    assert torch.get_num_threads() == 2


def test_a_single_job_has_this_thread_and_all_its_threads_of_arithmetic(two_threads):
    def job():
        return torch.get_num_threads(), threading.get_ident()

    assert run_parallel([job], 2) == [(2, threading.get_ident())]


@pytest.mark.parametrize("may_fork", [False, pytest.param(True, marks=needs_fork)])
def test_an_error_ends_the_jobs_that_wait_and_leaves_the_threads_as_they_were(
    two_threads, forking, tmp_path, may_fork
):
    done = tmp_path / "done"
    done.touch()

    def fail():
        raise ValueError("no")

    def job():
        with done.open("a") as file:
            file.write("x")

    with pytest.raises(ValueError, match="no"):
        run_parallel([fail, *[job] * 1000], 2, may_fork=may_fork)
    assert done.stat().st_size < 1000
    assert torch.get_num_threads() == 2


@needs_fork
def test_two_processes_have_a_thread_of_arithmetic_each(two_threads, forking):
    def job():
        time.sleep(0.2)  # else one of them might do it all
        return os.getpid(), torch.get_num_threads()

    found = run_parallel([job] * 4, 2, may_fork=True)
    assert len({pid for pid, _ in found} - {os.getpid()}) == 2
    assert [num_threads for _, num_threads in found] == [1] * 4
    assert torch.get_num_threads() == 2


@needs_fork
def test_a_process_of_several_threads_is_not_forked(two_threads):
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        assert run_parallel([os.getpid] * 4, 2, may_fork=True) == [os.getpid()] * 4
    finally:
        stop.set()
        thread.join()


@needs_fork
def test_a_worker_that_is_killed_is_told(two_threads, forking):
    parent = os.getpid()

    def job():
        assert os.getpid() != parent, "not in a worker"
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(MtcliError, match="a translating process was killed"):
        run_parallel([job] * 4, 2, may_fork=True)


@needs_fork
def test_an_error_does_not_wait_for_processes_that_are_at_work(two_threads, forking):
    def fail():
        raise ValueError("no")

    begun_s = time.monotonic()
    with pytest.raises(ValueError, match="no"):
        run_parallel([fail, lambda: time.sleep(600)], 2, may_fork=True)
    assert time.monotonic() - begun_s < 300


@needs_fork
def test_workers_do_not_outlive_a_parent_that_is_killed(tmp_path):
    program = (
        "import os, pathlib, sys, time\n"
        "from mtcli.engines.workers import run_parallel\n"
        "def job():\n"
        "    pathlib.Path(sys.argv[1], str(os.getpid())).touch()\n"
        "    time.sleep(600)\n"
        "run_parallel([job] * 2, 2, may_fork=True)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, tmp_path])
    wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
    parent.kill()
    parent.wait()
    wait_until(lambda: not any(is_running(int(path.name)) for path in tmp_path.iterdir()))


def is_running(pid):
    """Whether there is such a process; a dead one that nobody waited for is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
        return stat.rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition):
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("it did not come true within 30 s")
