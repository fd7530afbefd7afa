"""Call a function in a forked child with bounds, and tell how it ended and what it took."""

from __future__ import annotations

import gc
import json
import os
import resource
import select
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from mtcli.errors import MtcliError

MOST_CPU_S = 10
MOST_BYTES = 2**30
_WALL_S = 300
_ADDRESS_SPACE = 4 * 2**30
"""Above what the process has already: what is beyond the bound is measured, within this."""


@dataclass(frozen=True)
class End:
    """How a call ended."""

    code: int
    """0, that of an MtcliError, 1 for another error, minus the signal of a child that died."""
    text: str
    """What the call returned, the sentence of its error, or a traceback."""
    cpu_s: float
    grown_bytes: int
    """How much more memory it had at its peak than at its start."""

    @property
    def excess(self) -> str:
        """What it took too much of; empty if nothing."""
        if self.cpu_s > MOST_CPU_S or self.code in (-signal.SIGXCPU, -signal.SIGKILL):
            return f"{self.cpu_s:.0f} CPU seconds"
        return f"{self.grown_bytes >> 20} MiB" if self.grown_bytes > MOST_BYTES else ""


def call_in_child(function: Callable[[], str]) -> End:
    """Call `function` in a fork of this process; nothing that it does or breaks is seen here."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _run(function, writer)
    os.close(writer)
    message = _read(reader, child)
    _, status, usage = os.wait4(child, 0)
    cpu_s = usage.ru_utime + usage.ru_stime
    if not message:
        return End(os.waitstatus_to_exitcode(status) or 1, "it died", cpu_s, 0)
    code, text, start_kib = json.loads(message)
    return End(code, text, cpu_s, (usage.ru_maxrss - start_kib) * 1024)


def _run(function: Callable[[], str], writer: int) -> None:
    """In the child: call, write, end without the cleaning up that belongs to the parent."""
    code, text = 1, ""
    # Other tests of this process may have left threads of arithmetic, which were not forked and
    # would be waited for, and garbage whose removal needs such threads.
    gc.freeze()
    torch.set_num_threads(1)
    start_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + _ADDRESS_SPACE
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_S + 1, MOST_CPU_S + 2))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        try:
            code, text = 0, function()
        except MtcliError as error:
            code, text = int(error.exit_code), str(error)
        except BaseException:  # noqa: BLE001 - whatever it is, it is told
            text = traceback.format_exc()
        message = json.dumps([code, text[-5000:], start_kib]).encode("ascii")
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(message)
    finally:
        os._exit(0)


def _read(reader: int, child: int) -> bytes:
    """All that the child wrote; it is killed if it waits for something without an end."""
    content, deadline = b"", time.monotonic() + _WALL_S
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        while True:
            ready, _, _ = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                os.kill(child, signal.SIGKILL)
                return b""
            part = pipe.read(2**16)
            if not part:
                return content
            content += part
