"""A worker without torch: writes down that it started, then plays its rank's part of a script.

Usage: actor.py FOLDER PART_OF_RANK_0 PART_OF_RANK_1 ...; a part is actions with `,` between them.
"""

import json
import os
import signal
import socket
import sys
import time
from pathlib import Path

from mtcli.distributed import worker
from mtcli.system import processes


def stop_in_order(folder: Path, rank: str) -> None:
    """At the first SIGINT or SIGTERM: save for a while, then exit with 75; a second spoils it."""
    received: list[str] = []

    def stop(number: int, _frame: object) -> None:
        received.append(signal.Signals(number).name)
        if len(received) == 1:
            time.sleep(0.6)
            (folder / f"{rank}.signals").write_text(" ".join(received))
            sys.exit(75)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


def play(action: str, folder: Path, rank: str) -> None:
    verb, _, value = action.partition("=")
    match verb:
        case "say":
            sys.stderr.write(value + "\n")
        case "print":
            sys.stdout.write(value + "\n")
        case "await":  # until that rank has started
            while not (folder / f"{value}.started").exists():
                time.sleep(0.01)
        case "sleep":
            time.sleep(float(value))
        case "exit":
            sys.exit(int(value))
        case "die":
            os.kill(os.getpid(), int(value))
        case "report":
            worker.report_failure(int(value))
        case "check_listener":
            with socket.socket(fileno=int(os.environ[worker.STORE_FD])) as listener:
                address = ("127.0.0.1", int(os.environ["MASTER_PORT"]))
                assert listener.getsockname() == address
                with socket.create_connection(address):
                    listener.accept()
        case "stop_in_order":
            stop_in_order(folder, rank)
        case "ignore_signals":
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        case _:
            raise ValueError(action)


def main() -> None:
    rank = os.environ["RANK"]
    folder = Path(sys.argv[1])
    if os.environ.get("ACTOR_PLATFORM"):
        sys.platform = os.environ["ACTOR_PLATFORM"]
    processes.die_with_parent()
    names = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "OMP_NUM_THREADS")
    names += ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME", worker.STORE_FD)
    state = {name: os.environ[name] for name in names if name in os.environ} | {
        "pid": os.getpid(),
        "session": os.getsid(0),
    }
    (folder / f"{rank}.json").write_text(json.dumps(state))
    actions = sys.argv[2 + int(rank)].split(",")
    if actions[0] in ("stop_in_order", "ignore_signals"):
        play(actions.pop(0), folder, rank)  # before anyone learns that it has started
    (folder / f"{rank}.started").touch()
    for action in actions:
        play(action, folder, rank)


main()
