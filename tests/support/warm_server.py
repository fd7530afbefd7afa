"""A process that has imported torch and mtcli, and forks into the commands that it is sent.

Usage: `python -m tests.support.warm_server FD`; FD is a socket, see `tests.support.warm`. Whatever
is not set here is as in a new process: signals, streams and the interpreter's end.
"""

import gc
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import tempfile
from importlib import import_module

# What a training, a translation and a measurement import.
PRELOADED = (
    "mtcli.bench.measuring",
    "mtcli.bench.worker",
    "mtcli.cli.app",
    "mtcli.cli.live",
    "mtcli.cli.train",
    "mtcli.cli.translate",
    "mtcli.config.diagnosis",
    "mtcli.config.keys",
    "mtcli.engines.torch_loading",
    "mtcli.training.setup",
    "mtcli.translating.translator",
    "mtcli.workflows.average",
    "numpy.random",
    "rich.live",
    "ruamel.yaml",
    "sacrebleu",
    "sentencepiece",
    "torch",
    "torch.distributed.fsdp",
    "torch.distributed.tensor",
)


def serve(control: socket.socket) -> dict:
    """Fork for every request until the other end is closed; returns the request in each child."""
    woken, wakes = os.pipe()
    for descriptor in (woken, wakes):
        os.set_blocking(descriptor, False)
    signal.set_wakeup_fd(wakes)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    reports: dict[int, int] = {}  # by process id: where its exit status is awaited
    selector = selectors.DefaultSelector()
    selector.register(control, selectors.EVENT_READ)
    selector.register(woken, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj == woken:
                os.read(woken, 1000)
                report_ended(reports)
                continue
            request, descriptors = receive(control)
            if request is None:
                sys.exit()
            *streams, report = descriptors
            pid = os.fork()
            if pid == 0:
                selector.close()
                become(request, streams)
                for descriptor in (woken, wakes, report, *reports.values()):
                    os.close(descriptor)
                control.close()
                return request
            os.write(report, f"{pid}\n".encode())
            reports[pid] = report
            for descriptor in streams:
                os.close(descriptor)


def report_ended(reports: dict[int, int]) -> None:
    """Tell the exit codes of the children that have ended."""
    while reports:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        with os.fdopen(reports.pop(pid), "w") as report:
            report.write(f"{os.waitstatus_to_exitcode(status)}\n")


def receive(control: socket.socket) -> tuple[dict | None, list[int]]:
    """A request, None at the end, and the descriptors that came with it."""
    size, descriptors, _, _ = socket.recv_fds(control, 4, 4)
    if not size:
        return None, []
    text = b""
    while len(text) < int.from_bytes(size, "big"):
        text += control.recv(int.from_bytes(size, "big") - len(text))
    return json.loads(text), descriptors


def become(request: dict, streams: list[int]) -> None:
    """Take over the folder, environment and standard streams of a request."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    tempfile.tempdir = None  # found by a library, in the environment of the server
    sys.stdin = sys.__stdin__ = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = sys.__stdout__ = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stdout.reconfigure(line_buffering=os.isatty(1))
    sys.stderr = sys.__stderr__ = os.fdopen(
        2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False
    )


if __name__ == "__main__":
    for name in PRELOADED:
        import_module(name)
    gc.freeze()  # else the first collection of every child would copy all pages
    request = serve(socket.socket(fileno=int(sys.argv[1])))
    sys.argv[1:] = request["arguments"]
    if request["is_code"]:
        exec(compile(request["program"], "<string>", "exec"), {"__name__": "__main__"})
    else:
        runpy.run_module(request["program"], run_name="__main__", alter_sys=True)
