"""How the processes of a run find each other: at a store that rank 0 or torchrun opens."""

from __future__ import annotations

import concurrent.futures
import errno
import json
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, TypeVar

import torch.distributed as dist

from mtcli.distributed.worker import STORE_FD, Place
from mtcli.errors import MtcliError

if TYPE_CHECKING:
    from torch._C._distributed_c10d import Store

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

_POLL_S = 0.02
_RETRY_S = 0.2
_QUIET_S = 10.0
"""After this time the log says what is waited for."""
_GRACE_S = 30.0
_ATTEMPTS = "mtcli/attempts"
_MAX_NAMED_RANKS = 8


class MeetingError(MtcliError):
    """The processes of a run did not find each other in time."""


class _Wait:
    """The time that is left for finding the others."""

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._started_s = time.monotonic()
        self._is_announced = False

    @property
    def remaining_s(self) -> float:
        return max(0.0, self._started_s + self.timeout_s - time.monotonic())

    def pause(self, seconds: float, waited_for: str) -> None:
        """Sleep; after a while the log says once what is waited for."""
        if not self._is_announced and time.monotonic() - self._started_s > _QUIET_S:
            self._is_announced = True
            logger.warning("waiting for %s, for up to %g s", waited_for, self.timeout_s)
        time.sleep(min(seconds, self.remaining_s))


def meet(place: Place, timeout_s: float) -> Store:
    """Wait until all processes are there; returns a store for what they tell each other.

    torchrun restarts processes, and its store then still has what those before wrote: the store
    that is returned is for these processes alone.

    Args:
        place: Of this process, one of several.
        timeout_s: Longest wait.

    Raises:
        MeetingError: The address is wrong, its port is in use, or not all came in time.
    """
    host, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    wait, reason = _Wait(timeout_s), ""
    while True:
        try:
            store = _within(wait.remaining_s, lambda: _open_store(place, host, port, wait))
            prefix = _agree(store, place, wait)
            return dist.PrefixStore(prefix, store)  # type: ignore[attr-defined]
        # The store may not be open yet, or be that of processes that are just ending.
        except (OSError, UnicodeError, RuntimeError) as error:
            # Of an attempt that the end of the time cuts short, nothing is known.
            is_cut_short = isinstance(error, TimeoutError) and wait.remaining_s == 0.0
            reason = reason if reason and is_cut_short else _reason(error)
            if wait.remaining_s == 0.0:
                raise MeetingError(
                    f"rank {place.rank} of {place.size} could not reach the other processes at"
                    f" `{host}:{port}` within {timeout_s:g} s: {reason}",
                    hint="check `MASTER_ADDR` and `MASTER_PORT`, and start all processes;"
                    " `training.peer_timeout_s` limits the wait",
                ) from error
        wait.pause(_RETRY_S, f"the other processes at `{host}:{port}` ({reason})")


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).split("\n")[0]


def _within(timeout_s: float, action: Callable[[], _T]) -> _T:
    """The result of `action`, which may hang: then it is left alone, in a thread of its own.

    torch waits without end for the greeting of a store, where something else listens.

    Raises:
        TimeoutError: It takes longer.
    """
    outcome: concurrent.futures.Future[_T] = concurrent.futures.Future()

    def run() -> None:
        try:
            outcome.set_result(action())
        except Exception as error:  # noqa: BLE001 - raised below, in the thread that asked
            outcome.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        return outcome.result(timeout_s)
    except TimeoutError:
        if outcome.done():  # what it raised itself
            raise
        raise TimeoutError(errno.ETIMEDOUT, "no answer") from None


# ------------------------------------------------------------------------------------- the store


def _open_store(place: Place, host: str, port: int, wait: _Wait) -> Store:
    """Connect to the store; rank 0 opens it first, unless torchrun has one for its processes."""
    is_torchruns = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    if place.rank == 0 and not is_torchruns:
        listener = _listen(place, host, port)
        own_host = listener.getsockname()[0]
        if ip_address(own_host).is_unspecified:
            own_host = "127.0.0.1"
        descriptor = listener.detach()
    else:
        # Tried first by ourselves, because torch prints the stack of each failure.
        socket.create_connection((host, port), timeout=max(_RETRY_S, wait.remaining_s)).close()
        own_host, descriptor = host, None
    return dist.TCPStore(  # type: ignore[attr-defined]
        own_host,
        port,
        is_master=descriptor is not None,
        wait_for_workers=False,
        # Longer than it is waited for: torch prints a stack when it gives up.
        timeout=timedelta(seconds=wait.remaining_s + _GRACE_S),
        master_listen_fd=descriptor,
    )


def _listen(place: Place, host: str, port: int) -> socket.socket:
    """The socket that rank 0's store listens on: open to others only if other machines take part.

    Raises:
        MeetingError: The address is not of this machine, or its port is in use.
    """
    if (inherited := os.environ.pop(STORE_FD, None)) is not None:
        return socket.socket(fileno=int(inherited))
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    is_own = place.is_one_machine or ip_address(address[0]).is_loopback
    try:
        if is_own:
            return socket.create_server(address[:2], family=family)
        if socket.has_dualstack_ipv6():
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
        return socket.create_server(("", port))
    except OSError as error:
        raise MeetingError(
            f"rank 0 cannot listen at `{host}:{port}`: {os.strerror(error.errno or 0)}",
            hint="set `MASTER_ADDR` to the address of rank 0's machine, and `MASTER_PORT` to a port"
            " that is free there",
        ) from error


# ----------------------------------------------------------------------------------- the attempt


def _agree(store: Store, place: Place, wait: _Wait) -> str:
    """A prefix of the store that is used by these processes, and was never used before.

    Rank 0 counts the attempts, and the others say that they are there for the newest; rank 0 then
    names those that it has seen. So one that has seen an earlier attempt, whose rank 0 is gone,
    joins the next. torchrun's count of restarts does not do: its agents count for themselves.

    Raises:
        MeetingError: Somebody did not come in time.
        RuntimeError: The store is gone.
    """
    return _call(store, place, wait) if place.rank == 0 else _answer(store, place, wait)


def _call(store: Store, place: Place, wait: _Wait) -> str:
    attempt = _prefix(store.add(_ATTEMPTS, 1))
    keys = {rank: f"{attempt}/{rank}" for rank in range(1, place.size)}
    for rank, key in keys.items():
        while not store.check([key]):
            if wait.remaining_s == 0.0:
                missing = [other for other in keys if not store.check([keys[other]])]
                raise _absent(missing, place, wait)
            wait.pause(_POLL_S, f"rank {rank} of {place.size}")
    # Read when all are there: one that was started again in the meantime has another name.
    names = {str(rank): store.get(key).decode() for rank, key in keys.items()}
    store.set(f"{attempt}/all", json.dumps(names))
    return attempt


def _answer(store: Store, place: Place, wait: _Wait) -> str:
    name, number = secrets.token_hex(8), 0
    while True:
        newest = store.add(_ATTEMPTS, 0)
        if newest != number:
            number = newest
            store.set(f"{_prefix(number)}/{place.rank}", name)
        key = f"{_prefix(number)}/all"
        is_called = number > 0 and store.check([key])
        if is_called and json.loads(store.get(key)).get(str(place.rank)) == name:
            return _prefix(number)
        if wait.remaining_s == 0.0:
            raise _absent([0], place, wait)
        wait.pause(_POLL_S, f"rank 0 of {place.size}")


def _prefix(number: int) -> str:
    return f"mtcli/attempt-{number}"


def _absent(ranks: Sequence[int], place: Place, wait: _Wait) -> MeetingError:
    named = ", ".join(map(str, ranks[:_MAX_NAMED_RANKS]))
    more = f" and {len(ranks) - _MAX_NAMED_RANKS} more" if len(ranks) > _MAX_NAMED_RANKS else ""
    return MeetingError(
        f"{'rank' if len(ranks) == 1 else 'ranks'} {named}{more} of {place.size} did not join"
        f" within {wait.timeout_s:g} s",
        hint="start all processes; `training.peer_timeout_s` limits the wait",
    )
