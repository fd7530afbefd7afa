"""Processes that train together agree on sums and gradients, and tell why they end."""

import json
import runpy
import signal
import sys
from pathlib import Path

import pytest
import torch

from mtcli.distributed import world as world_module
from mtcli.distributed.ddp import wrap
from mtcli.distributed.launch import Patience, supervise
from mtcli.distributed.worker import Place, place_from_environment, rank_from_environment
from mtcli.distributed.world import LostPeerError, World, _lost_peer, join
from mtcli.errors import DeviceError, ExitCode, MtcliError
from mtcli.system.stop_signals import Interrupted, interrupting

PROGRAM = Path(__file__).parent / "workers" / "world_program.py"
VARIABLES = {
    "RANK": "1",
    "WORLD_SIZE": "2",
    "LOCAL_RANK": "1",
    "MASTER_ADDR": "127.0.0.1",
    "MASTER_PORT": "29500",
}


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """No test inherits a place, say from a torchrun around pytest."""
    for name in (*VARIABLES, "LOCAL_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def only_our_words(monkeypatch):
    """On a starved machine, torch itself logs attempts to connect that it repeats."""
    monkeypatch.setenv("TORCH_CPP_LOG_LEVEL", "FATAL")


def run_two(program: str, folder: Path, settle_s: float = 15.0) -> int:
    command = [sys.executable, str(PROGRAM), program, str(folder)]
    return supervise(command, 2, Patience(settle_s=settle_s, grace_s=1.0))


def told(capfd) -> list[str]:
    """Our lines on standard error; torch may log there for an earlier test, whose peer is gone."""
    errors = capfd.readouterr().err
    assert "Traceback (most recent" not in errors
    return [line for line in errors.splitlines() if line.startswith(("mtcli: ", "[rank "))]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("talk")
    assert run_two("talk", folder) == 0
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(2)]


# ----------------------------------------------------------------------------------- two processes


def test_each_process_has_its_rank(results):
    assert [(result["rank"], result["is_main"]) for result in results] == [(0, True), (1, False)]


def test_sums_of_integers_are_exact(results):
    for result in results:
        assert result["sum"] == [2 * (2**53 + 1) + 1, -1]
        assert result["sum_of_nothing"] == []


def test_sums_of_floats_are_the_same_everywhere(results):
    assert results[0]["sum_floats"] == results[1]["sum_floats"] == [1e16 + 1.0, 0.2, -1.0]


def test_gathered_objects_come_in_order_of_rank(results):
    for result in results:
        assert result["gathered"] == [{"rank": rank, "text": "ä\u2028"} for rank in range(2)]


def test_what_rank_0_broadcasts_reaches_all(results):
    for result in results:
        assert result["broadcast"] == {"from": 0, "score": 0.1 + 0.2}


def test_a_long_save_is_waited_for(results):
    """Much longer than for a process that has not come yet."""
    assert [result["patience_s"] for result in results] == [7200.0, 7200.0]


def test_gradients_are_those_of_one_process(results):
    """Although the ranks had 9 and 6 tokens, one an empty micro-batch, and their own weights."""
    gradients = runpy.run_path(str(PROGRAM), run_name="imported")["gradients"]
    alone = torch.tensor(gradients([[0, 1, 2, 3, 4]], World())[-1], dtype=torch.float64)
    for result in results:
        got = torch.tensor(result["gradients"][-1], dtype=torch.float64)
        torch.testing.assert_close(got, alone, rtol=0, atol=1e-14)


def test_gradients_stay_local_until_the_last_micro_batch(results):
    assert results[0]["gradients"][0] != results[1]["gradients"][0]


def test_an_error_on_one_rank_is_the_one_that_is_told(tmp_path, capfd, only_our_words):
    """Even if the rank that has it cannot end any more."""
    assert run_two("fail", tmp_path, settle_s=4.0) == ExitCode.USER_ERROR
    assert told(capfd) == [
        "mtcli: error: rank 0 of 2 cannot continue, because another process of this run ended;"
        " see the message of that process",
        "[rank 1] mtcli: error: corpus.en is empty",
    ]


def test_a_rank_that_is_killed_is_named(tmp_path, capfd, only_our_words):
    assert run_two("die", tmp_path) == 128 + 9
    lines = told(capfd)
    assert lines[0].startswith("mtcli: error: rank 0 of 2 cannot continue")
    assert lines[1].startswith("mtcli: rank 1 of 2 was killed by SIGKILL")
    assert len(lines) == 2


# ------------------------------------------------------------------------------------ one process


def test_one_process_asks_nobody():
    world = World()
    assert world.is_main
    assert world.sum([3, -4]) == [3, -4]
    assert world.sum_floats([0.1]) == [0.1]
    assert world.gather_objects("own") == ["own"]
    assert world.broadcast_object("own") == "own"
    world.barrier()
    module = torch.nn.Linear(2, 2)
    assert wrap(module, world, torch.device("cpu")) is module
    with world.keep_gradients_local(module):
        module(torch.ones(1, 2)).sum().backward()
    assert module.weight.grad is not None


def test_without_an_environment_the_world_is_one_process():
    with join("cpu") as world:
        assert world == World()
    assert not torch.distributed.is_initialized()
    assert place_from_environment() is None
    assert rank_from_environment() == 0


def test_torchrun_may_start_one_process(monkeypatch):
    for name, value in {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    with join("cpu") as world:
        assert world == World()


# ------------------------------------------------------------------------------- user's mistakes


def test_the_environment_says_which_place(monkeypatch):
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    assert place_from_environment() == Place(rank=1, size=2, local_rank=1)
    assert rank_from_environment() == 1


@pytest.mark.parametrize(
    ("local_size", "is_one_machine"), [(None, False), ("1", False), ("2", True)]
)
def test_whether_all_are_on_one_machine(monkeypatch, local_size, is_one_machine):
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    if local_size is not None:
        monkeypatch.setenv("LOCAL_WORLD_SIZE", local_size)
    assert place_from_environment().is_one_machine is is_one_machine


def test_an_empty_address_is_none(monkeypatch):
    for name, value in (VARIABLES | {"MASTER_ADDR": ""}).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(MtcliError, match="`RANK` is set, but `MASTER_ADDR` is not"):
        place_from_environment()


@pytest.mark.parametrize("missing", ["WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"])
def test_a_variable_is_missing(monkeypatch, missing):
    for name, value in VARIABLES.items():
        if name != missing:
            monkeypatch.setenv(name, value)
    with pytest.raises(MtcliError) as caught, join("cpu"):
        pass
    assert str(caught.value) == (
        f"the environment variable `RANK` is set, but `{missing}` is not\n"
        "hint: start several processes with `--nproc` or `torchrun`, or unset `RANK`"
    )


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("RANK", "one", "the environment variable `RANK` must be a number, found `one`"),
        ("WORLD_SIZE", "-2", "the environment variable `WORLD_SIZE` must be a number, found `-2`"),
        ("RANK", "2", "`RANK` must be below `WORLD_SIZE`, found 2 and 2"),
        (
            "LOCAL_WORLD_SIZE",
            "",
            "the environment variable `LOCAL_WORLD_SIZE` must be a number, found ``",
        ),
        (
            "MASTER_PORT",
            "abc",
            "the environment variable `MASTER_PORT` must be a number, found `abc`",
        ),
        (
            "MASTER_PORT",
            "0",
            "the environment variable `MASTER_PORT` must be a port from 1 to 65535, found `0`",
        ),
        (
            "MASTER_PORT",
            "65536",
            "the environment variable `MASTER_PORT` must be a port from 1 to 65535, found `65536`",
        ),
    ],
)
def test_a_variable_is_wrong(monkeypatch, name, value, sentence):
    for known, given in (VARIABLES | {name: value}).items():
        monkeypatch.setenv(known, given)
    with pytest.raises(MtcliError) as caught:
        place_from_environment()
    assert str(caught.value) == sentence


def test_more_processes_than_gpus(monkeypatch):
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(DeviceError) as caught, join("cuda"):
        pass
    assert str(caught.value) == (
        "process 2 of this machine has no CUDA device of its own: torch finds 1\n"
        "hint: start at most one process per device"
    )


def test_a_device_that_cannot_be_shared(monkeypatch):
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(DeviceError) as caught, join("mps"):
        pass
    assert str(caught.value) == (
        "several processes cannot train on `mps`\nhint: use `cpu` or `cuda`, or one process"
    )


@pytest.mark.parametrize(
    ("torch_says", "sentence"),
    [
        ("[tcp/pair.cc:553] Connection closed by peer [127.0.0.1]:1", "process of this run ended;"
         " see the message of that process"),
        ("[tcp/pair.cc:601] Read error [10.0.0.2]:1: Connection reset by peer", "process of this"
         " run ended; see the message of that process"),
        ("Read error [10.0.0.2]:1: Connection timed out", "machine of this run has not answered"
         " for 600 s\nhint: check that machine and the network, then run the same command again to"
         " resume"),
        ("Read error [10.0.0.2]:1: No route to host", "machine of this run has not answered for"
         " 600 s\nhint: check that machine and the network, then run the same command again to"
         " resume"),
        ("Timed out waiting 7200000ms for recv operation to complete", "process of this run has"
         " not answered for 7200 s"),
    ],
)  # fmt: skip
def test_how_torch_says_that_a_process_is_gone(torch_says, sentence):
    lost = _lost_peer(RuntimeError(torch_says), Place(1, 4, 0), 600.0)
    assert str(lost) == f"rank 1 of 4 cannot continue, because another {sentence}"


@pytest.mark.parametrize("error", [RuntimeError("mat1 and mat2"), KeyError("Broken pipe")])
def test_other_errors_are_about_no_process(error):
    assert _lost_peer(error, Place(1, 4, 0), 600.0) is None


@pytest.mark.parametrize("number", [None, signal.SIGUSR1])
def test_a_lost_peer_after_a_signal_is_what_the_signal_asked_for(monkeypatch, number):
    """The other left at once; here it could not be raised yet, in the middle of an import say."""
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(world_module, "_open_group", lambda *_, **__: None)

    def lose_a_peer():
        signal.getsignal(signal.SIGUSR1).number = number
        raise RuntimeError("[tcp/pair.cc:553] Connection closed by peer [127.0.0.1]:1")

    ends_with = LostPeerError if number is None else Interrupted
    with pytest.raises(ends_with), interrupting(), join("cpu"):
        lose_a_peer()


def test_a_lost_peer_is_no_mistake_of_the_user():
    assert LostPeerError.exit_code == ExitCode.BUG
