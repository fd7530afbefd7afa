import os
import subprocess
import sys
import threading

import pytest

from mtcli.system import threads
from mtcli.system.threads import (
    describe_waiting,
    fit_threads,
    load_average,
    prepare_waiting,
    startable_threads,
)

is_x86 = hasattr(os, "uname") and os.uname().machine == "x86_64"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    for name in (
        *("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"),
        *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"),
    ):
        monkeypatch.setenv(name, "")  # so that it is restored afterwards
        monkeypatch.delenv(name)


def test_threads_spin_for_a_moment_then_sleep():
    assert describe_waiting() == "OpenMP's default"
    prepare_waiting()
    assert describe_waiting() == ("GOMP_SPINCOUNT=3000" if is_x86 else "OpenMP's default")


@pytest.mark.parametrize(
    ("name", "value"), [("OMP_WAIT_POLICY", "ACTIVE"), ("GOMP_SPINCOUNT", "infinity")]
)
def test_what_the_user_has_set_is_left_alone(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    prepare_waiting()
    assert describe_waiting() == f"{name}={value}"


@pytest.mark.skipif(not is_x86 or sys.platform != "linux", reason="needs libgomp on x86")
def test_libgomp_hears_of_it():
    """It reads the environment as it is loaded, with torch: after the program has begun."""
    command = "from mtcli.system.threads import prepare_waiting; prepare_waiting(); import torch"
    environment = {**os.environ, "OMP_DISPLAY_ENV": "VERBOSE"}
    loaded = subprocess.run(
        [sys.executable, "-c", command], env=environment, capture_output=True, text=True, check=True
    )
    assert "GOMP_SPINCOUNT = '3000'" in loaded.stderr


def test_the_load_is_a_number_where_the_system_tells(monkeypatch):
    monkeypatch.setattr(os, "getloadavg", lambda: (1.5, 2.0, 3.0), raising=False)
    assert load_average() == 1.5

    def fail():
        raise OSError("unobtainable")

    monkeypatch.setattr(os, "getloadavg", fail)
    assert load_average() is None


@pytest.fixture
def allowed(monkeypatch):
    """Let the system allow so many more threads."""

    def allow(number):
        start, running = threading.Thread.start, threading.active_count()

        def start_or_refuse(thread):
            if threading.active_count() - running >= number:
                raise RuntimeError("can't start new thread")
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", start_or_refuse)

    return allow


def test_threads_that_the_system_allows(allowed):
    before = threading.active_count()
    assert startable_threads(3) == 3
    allowed(2)
    assert startable_threads(3) == 2
    assert threading.active_count() == before


@pytest.mark.parametrize(
    ("number", "asked", "fitted"),
    [(4, "", None), (3, "", "1"), (0, "", "1"), (2, "2", "2"), (1, "2,4", "1"), (0, "1", "1")],
)
def test_libraries_get_one_thread_where_all_are_not_allowed(
    allowed, monkeypatch, number, asked, fitted
):
    monkeypatch.setattr(threads, "num_cores", lambda: 4)
    if asked:
        monkeypatch.setenv("OMP_NUM_THREADS", asked)
    allowed(number)
    remark = fit_threads()
    assert os.environ.get("OMP_NUM_THREADS") == fitted
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
    is_less = fitted not in (None, asked)
    assert remark == (
        "using one thread, because the system allows no more; see `ulimit -u`, or the limit on the"
        " processes of the container"
        if is_less
        else ""
    )
