"""Processes that train together find each other, or say in time who did not come."""

import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import torch.distributed as dist

from mtcli.distributed import meeting
from mtcli.distributed.meeting import MeetingError, meet
from mtcli.distributed.worker import STORE_FD, Place
from mtcli.errors import ExitCode

SHORT_S = 0.4


@pytest.fixture
def port(monkeypatch):
    """A free port of the loopback interface, which the environment names."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number = listener.getsockname()[1]
    set_address(monkeypatch, "127.0.0.1", number)
    monkeypatch.delenv("TORCHELASTIC_USE_AGENT_STORE", raising=False)
    monkeypatch.delenv(STORE_FD, raising=False)
    return number


@pytest.fixture
def agent(port, monkeypatch):
    """The store of a torchrun: it outlives the processes that torchrun starts."""
    monkeypatch.setenv("TORCHELASTIC_USE_AGENT_STORE", "True")
    timeout = timedelta(seconds=20)
    return dist.TCPStore("127.0.0.1", port, is_master=True, wait_for_workers=False, timeout=timeout)


def set_address(monkeypatch, host, port):
    monkeypatch.setenv("MASTER_ADDR", host)
    monkeypatch.setenv("MASTER_PORT", str(port))


def place(rank, size=2, **facts):
    return Place(rank, size, local_rank=rank, **facts)


def meet_all(*ranks, size, timeout_s=20.0):
    """The stores of these ranks, which call in this order, each some time after the one before."""
    with ThreadPoolExecutor(len(ranks)) as threads:
        calls = []
        for rank in ranks:
            calls.append(threads.submit(meet, place(rank, size), timeout_s))
            time.sleep(0.2)
        return [call.result() for call in calls]


def refusal(rank=1, size=2, **facts):
    """What is said, which must be in time."""
    started_s = time.monotonic()
    with pytest.raises(MeetingError) as caught:
        meet(place(rank, size, **facts), SHORT_S)
    assert time.monotonic() - started_s < SHORT_S + 5
    assert caught.value.exit_code == ExitCode.USER_ERROR
    return str(caught.value)


def unreached(address, reason):
    return (
        f"rank 1 of 2 could not reach the other processes at `{address}` within 0.4 s: {reason}\n"
        "hint: check `MASTER_ADDR` and `MASTER_PORT`, and start all processes;"
        " `training.peer_timeout_s` limits the wait"
    )


# ------------------------------------------------------------------------------------- they meet


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_all_have_one_store(port, order):
    stores = meet_all(*order, size=3)
    stores[0].set("said", "hello")
    assert [store.get("said") for store in stores] == [b"hello"] * 3


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_processes_that_were_started_again_do_not_read_what_those_before_wrote(agent, order):
    """Whoever comes first, and however many restarts the agent of its machine has counted."""
    for attempt in range(3):
        one, other = meet_all(*order, size=2)
        assert not one.check(["address"])
        one.set("address", str(attempt))
        assert other.get("address") == str(attempt).encode()


def test_one_that_was_started_again_before_all_were_there_is_taken(agent):
    with pytest.raises(MeetingError):
        meet(place(1), SHORT_S)  # of an attempt that rank 0 never called
    with ThreadPoolExecutor(1) as threads:
        main = threads.submit(meet, place(0, 3), 20.0)
        with pytest.raises(MeetingError):
            meet(place(1, 3), SHORT_S)  # it gives up while rank 2 is not there yet
        others = meet_all(1, 2, size=3)
        main.result().set("said", "hello")
    assert [store.get("said") for store in others] == [b"hello"] * 2


def test_rank_0_uses_the_socket_that_the_launcher_opened(port, monkeypatch):
    listener = socket.create_server(("127.0.0.1", port))
    monkeypatch.setenv(STORE_FD, str(listener.detach()))
    meet_all(0, 1, size=2)
    assert STORE_FD not in os.environ


def test_the_log_says_once_what_is_waited_for(monkeypatch, caplog):
    wait = meeting._Wait(60.0)
    wait.pause(0.0, "rank 1 of 2")
    monkeypatch.setattr(meeting, "_QUIET_S", -1.0)
    wait.pause(0.0, "rank 2 of 4")
    wait.pause(0.0, "rank 3 of 4")
    assert caplog.messages == ["waiting for rank 2 of 4, for up to 60 s"]


# ----------------------------------------------------------------------------------- they do not


@pytest.mark.parametrize(
    ("size", "absent"),
    [(2, "rank 1"), (4, "ranks 1, 2, 3"), (12, "ranks 1, 2, 3, 4, 5, 6, 7, 8 and 3 more")],
)
def test_others_that_never_come(port, size, absent):
    assert refusal(rank=0, size=size) == (
        f"{absent} of {size} did not join within 0.4 s\n"
        "hint: start all processes; `training.peer_timeout_s` limits the wait"
    )


def test_rank_0_that_never_comes(agent):
    assert refusal(rank=1) == (
        "rank 0 of 2 did not join within 0.4 s\n"
        "hint: start all processes; `training.peer_timeout_s` limits the wait"
    )


def test_nobody_listens(port):
    assert refusal() == unreached(f"127.0.0.1:{port}", "Connection refused")


@pytest.mark.parametrize("rank", [0, 1])
def test_an_address_without_a_machine(port, monkeypatch, rank):
    def find_nothing(*_arguments, **_options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", find_nothing)
    set_address(monkeypatch, "no.such.machine", 29500)
    assert refusal(rank) == unreached("no.such.machine:29500", "Name or service not known").replace(
        "rank 1", f"rank {rank}"
    )


def test_an_address_that_is_no_name(port, monkeypatch):
    set_address(monkeypatch, "a..b", 29500)
    assert "could not reach the other processes at `a..b:29500` within 0.4 s" in refusal()


def test_something_else_listens_and_says_nothing(monkeypatch, port):
    with socket.create_server(("127.0.0.1", port)):
        assert refusal() == unreached(f"127.0.0.1:{port}", "no answer")


def test_something_else_listens_and_hangs_up(monkeypatch, port):
    def answer(listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:  # the end of the test
                return
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", port)) as listener:
        threading.Thread(target=answer, args=(listener,), daemon=True).start()
        assert f"could not reach the other processes at `127.0.0.1:{port}`" in refusal()
        listener.shutdown(socket.SHUT_RDWR)


def test_a_port_in_use(port):
    with socket.create_server(("127.0.0.1", port)):
        assert refusal(rank=0) == (
            f"rank 0 cannot listen at `127.0.0.1:{port}`: Address already in use\n"
            "hint: set `MASTER_ADDR` to the address of rank 0's machine, and `MASTER_PORT` to a"
            " port that is free there"
        )


def test_the_address_of_another_machine(monkeypatch, port):
    set_address(monkeypatch, "192.0.2.1", port)  # documentation's own, RFC 5737
    said = refusal(rank=0, local_size=2)
    assert f"cannot listen at `192.0.2.1:{port}`: Cannot assign requested address" in said


# -------------------------------------------------------------------------------- who may connect


@pytest.mark.parametrize(
    ("host", "facts", "is_open"),
    [
        ("127.0.0.1", {}, False),
        ("localhost", {}, False),
        ("127.0.0.1", {"local_size": 1}, False),
        ("192.0.2.1", {}, True),  # other machines may take part
        ("192.0.2.1", {"local_size": 1}, True),
    ],
)
def test_rank_0_listens_to_other_machines_only_where_there_are_some(port, host, facts, is_open):
    with meeting._listen(place(0, **facts), host, port) as listener:
        address = listener.getsockname()[0]
    assert address in (("::", "0.0.0.0") if is_open else ("127.0.0.1", "::1"))
