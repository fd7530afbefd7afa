"""Jobs beside each other: their order, their threads, and what becomes of an error."""

import errno
import gc
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
import torch

from mtcli.engines import forked
from mtcli.engines import workers as beside
from mtcli.engines.workers import Workers
from mtcli.errors import MtcliError
from mtcli.system.stop_signals import STOP_SIGNALS
from tests.support.warm import WarmProcess

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
    found = Workers(may_fork=may_fork).run(jobs, num_workers, on_done=done.append)
    assert (found, done) == ([i * i for i in range(9)], list(range(9)))
    assert Workers(may_fork=may_fork).run([], num_workers) == []


@needs_fork
def test_a_process_does_not_collect_the_garbage_of_its_parent(two_threads, forking):
    class Engine:
        """As an engine with threads of its own: whoever removes it where they are not crashes."""

        def __init__(self, pid):
            self.cycle, self.pid = self, pid

        def __del__(self):
            if os.getpid() != self.pid:
                os._exit(1)

    gc.collect()
    gc.disable()
    try:
        Engine(os.getpid())
        assert Workers(may_fork=True).run([lambda: gc.collect() and 0] * 4, 2) == [0] * 4
    finally:
        gc.enable()


def test_two_jobs_are_at_work_at_a_time_with_a_thread_of_arithmetic_each(two_threads):
    barrier = threading.Barrier(2, timeout=20)

    def job():
        barrier.wait()  # nobody passes alone
        return torch.get_num_threads(), threading.get_ident()

    found = Workers().run([job] * 4, 2)
    assert [num_threads for num_threads, _ in found] == [1] * 4
    assert len({ident for _, ident in found}) == 2
    assert torch.get_num_threads() == 2


def test_a_single_job_has_this_thread_and_all_its_threads_of_arithmetic(two_threads):
    def job():
        return torch.get_num_threads(), threading.get_ident()

    assert Workers().run([job], 2) == [(2, threading.get_ident())]


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
        Workers(may_fork=may_fork).run([fail, *[job] * 1000], 2)
    assert done.stat().st_size < 1000
    assert torch.get_num_threads() == 2


@needs_fork
def test_two_processes_have_a_thread_of_arithmetic_each(two_threads, forking):
    def job():
        time.sleep(0.2)  # else one of them might do it all
        return os.getpid(), torch.get_num_threads()

    found = Workers(may_fork=True).run([job] * 4, 2)
    assert len({pid for pid, _ in found} - {os.getpid()}) == 2
    assert [num_threads for _, num_threads in found] == [1] * 4
    assert torch.get_num_threads() == 2


@needs_fork
def test_a_process_of_several_threads_is_not_forked(two_threads):
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        assert Workers(may_fork=True).run([os.getpid] * 4, 2) == [os.getpid()] * 4
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
        Workers(may_fork=True).run([job] * 4, 2)


@needs_fork
def test_an_error_does_not_wait_for_processes_that_are_at_work(two_threads, forking):
    def fail():
        raise ValueError("no")

    begun_s = time.monotonic()
    with pytest.raises(ValueError, match="no"):
        Workers(may_fork=True).run([fail, lambda: time.sleep(600)], 2)
    assert time.monotonic() - begun_s < 300


@needs_fork
def test_workers_do_not_outlive_a_parent_that_is_killed(tmp_path):
    program = (
        "import os, pathlib, sys, time\n"
        "from mtcli.engines.workers import Workers\n"
        "def job():\n"
        "    pathlib.Path(sys.argv[1], str(os.getpid())).touch()\n"
        "    time.sleep(600)\n"
        "Workers(may_fork=True).run([job] * 2, 2)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, tmp_path])
    wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
    parent.kill()
    parent.wait()
    wait_until(lambda: not any(is_running(int(path.name)) for path in tmp_path.iterdir()))


GROUP = """
import os, pathlib, sys, time
from mtcli.system.stop_signals import ending_on_signals
from mtcli.engines.workers import Workers
os.setsid()
def job():
    pathlib.Path(sys.argv[1], str(os.getpid())).touch()
    time.sleep(600)
with ending_on_signals(lambda number: 128 + number):
    Workers(may_fork=True).run([job] * 2, 2)
"""


@needs_fork
@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_signal_to_the_whole_group_ends_it_without_a_word(tmp_path, number):
    """As of a terminal and of job queues; one of the workers was stopped."""
    parent = WarmProcess([sys.executable, "-c", GROUP, tmp_path], stderr=subprocess.PIPE, text=True)
    wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
    workers = [int(path.name) for path in tmp_path.iterdir()]
    os.kill(workers[0], signal.SIGSTOP)
    os.killpg(parent.pid, number)
    _, stderr = parent.communicate(timeout=15)
    assert (parent.returncode, stderr) == (128 + number, "")
    wait_until(lambda: not any(map(is_running, workers)))


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


@pytest.fixture
def noted(caplog):
    """What was said while the test ran."""
    return lambda: [record.getMessage() for record in caplog.records]


def refuse(code):
    def refused(*_):
        raise OSError(code, os.strerror(code))

    return refused


def refuse_thread(self):
    raise RuntimeError("can't start new thread")


@needs_fork
@pytest.mark.parametrize("code", [errno.EAGAIN, errno.ENOMEM, errno.EMFILE])
@pytest.mark.parametrize("place", ["fork", "pipe"])
def test_threads_work_where_no_process_can_be_started(
    two_threads, forking, monkeypatch, noted, code, place
):
    if place == "fork":
        monkeypatch.setattr(os, "fork", refuse(code))
    else:
        monkeypatch.setattr(forked, "Pipe", refuse(code))
    workers, barrier = Workers(may_fork=True), threading.Barrier(2, timeout=20)
    jobs = [lambda: (barrier.wait() >= 0, os.getpid())] * 4
    for _ in range(2):
        assert workers.run(jobs, 2) == [(True, os.getpid())] * 4
    assert noted() == [
        f"translating in threads, because no process can be started: {os.strerror(code)}"
    ]


@needs_fork
def test_the_processes_that_can_be_started_are_used(two_threads, forking, monkeypatch, noted):
    fork, num_forked = os.fork, itertools.count(1)

    def fork_twice():
        return fork() if next(num_forked) <= 2 else refuse(errno.EAGAIN)()

    monkeypatch.setattr(os, "fork", fork_twice)
    found = Workers(may_fork=True).run([lambda: time.sleep(0.1) or os.getpid()] * 6, 5)
    assert len(set(found) - {os.getpid()}) == 2
    assert noted() == []


@pytest.mark.parametrize("may_fork", [False, pytest.param(True, marks=needs_fork)])
def test_one_thread_works_where_no_other_can_be_started(
    two_threads, forking, monkeypatch, noted, may_fork
):
    monkeypatch.setattr(os, "fork", refuse(errno.EAGAIN))
    monkeypatch.setattr(threading.Thread, "start", refuse_thread)
    workers = Workers(may_fork=may_fork)
    for _ in range(2):
        found = workers.run([lambda: (threading.get_ident(), torch.get_num_threads())] * 3, 2)
        assert found == [(threading.get_ident(), 1)] * 3
    assert noted() == [
        "translating in one thread, because no other can be started: can't start new thread"
    ]


def children():
    """The children of this thread, dead ones that nobody waited for, too."""
    place = f"/proc/{os.getpid()}/task/{threading.get_native_id()}/children"
    return Path(place).read_text(encoding="ascii").split()


@needs_fork
def test_nothing_is_left_behind(two_threads, forking):
    """Neither descriptors nor processes, with results and with an error."""

    def fail():
        raise ValueError("no")

    before, children_before = len(list(Path("/dev/fd").iterdir())), children()
    for jobs in ([os.getpid] * 4, [fail] * 4):
        with suppress(ValueError):
            Workers(may_fork=True).run(jobs, 2)
        assert len(list(Path("/dev/fd").iterdir())) == before
    assert children() == children_before


class NotRemadeError(Exception):
    def __init__(self, first, second):
        super().__init__(f"{first} {second}")


@needs_fork
@pytest.mark.parametrize("job", [lambda: threading.Lock(), lambda: 1 / 0])
def test_an_error_says_where_in_the_worker_it_was(two_threads, forking, job):
    with pytest.raises((TypeError, ZeroDivisionError)) as error:
        Workers(may_fork=True).run([job] * 2, 2)
    (text,) = error.value.__notes__
    assert text.startswith("in a translating process:\nTraceback")


@needs_fork
def test_an_error_that_cannot_be_sent_is_told(two_threads, forking):
    def job():
        raise NotRemadeError("it", "failed")

    with pytest.raises(RuntimeError, match="NotRemadeError: it failed"):
        Workers(may_fork=True).run([job] * 2, 2)


@needs_fork
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGINT])
def test_a_signal_at_a_fork_is_not_lost(two_threads, forking, monkeypatch, number):
    """What its handler raises comes out, wherever it arrives."""

    class StoppedError(Exception):
        pass

    def stop(*_):
        raise StoppedError

    fork = os.fork

    def fork_in_a_signal():
        os.kill(os.getpid(), number)  # waits, or would be raised in a hook of the fork
        return fork()

    monkeypatch.setattr(os, "fork", fork_in_a_signal)
    children_before, before = children(), signal.signal(number, stop)
    try:
        with pytest.raises(StoppedError):
            Workers(may_fork=True).run([os.getpid] * 4, 2)
    finally:
        signal.signal(number, before)
    assert children() == children_before
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ())


@needs_fork
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_whole_group_is_the_parents_alone(two_threads, forking, number):
    def job():
        os.kill(os.getpid(), number)
        return 1

    before = signal.signal(number, lambda *_: None)
    try:
        assert Workers(may_fork=True).run([job] * 4, 2) == [1] * 4
    finally:
        signal.signal(number, before)
