import os
import subprocess
import sys

import pytest

from mtcli.system.threads import describe_waiting, load_average, prepare_waiting

is_x86 = hasattr(os, "uname") and os.uname().machine == "x86_64"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
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
