"""Have the system break connections to machines that no longer answer."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

_DESCRIPTORS = Path("/dev/fd")
"""On Linux and macOS: the open file descriptors of this process."""
_NUM_PROBES = 4


def limit_silence(timeout_s: float) -> int:
    """Break each TCP connection of this process whose other end does not answer for a time.

    Whoever reads from it or writes to it then gets an error. It is the other machine that must
    answer, not the program there, which may be busy.

    Args:
        timeout_s: Seconds of silence, at least 1.

    Returns:
        The number of connections.
    """
    num_limited = 0
    for entry in list(_DESCRIPTORS.iterdir()):
        try:
            descriptor = os.dup(int(entry.name))
        except OSError:  # the one that lists them
            continue
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            continue
        with socket.socket(fileno=descriptor) as connection:
            if _is_tcp(connection):
                _limit(connection, timeout_s)
                num_limited += 1
    return num_limited


def _is_tcp(connection: socket.socket) -> bool:
    is_tcp = connection.family in (socket.AF_INET, socket.AF_INET6)
    if not (is_tcp and connection.type == socket.SOCK_STREAM):
        return False
    try:
        connection.getpeername()
    except OSError:  # it listens
        return False
    return True


def _limit(connection: socket.socket, timeout_s: float) -> None:
    # Probes find out about a connection that is idle; where data is on its way, Linux would try to
    # send it for a quarter of an hour, unless TCP_USER_TIMEOUT says how long.
    interval_s = max(1, round(timeout_s / (2 * _NUM_PROBES)))
    idle_s = max(1, round(timeout_s) - _NUM_PROBES * interval_s)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    options = {
        "TCP_KEEPIDLE": idle_s,
        "TCP_KEEPALIVE": idle_s,  # the same on macOS
        "TCP_KEEPINTVL": interval_s,
        "TCP_KEEPCNT": _NUM_PROBES,
        "TCP_USER_TIMEOUT": round(1000 * timeout_s),
    }
    for name, value in options.items():
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
