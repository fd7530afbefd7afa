"""Real processes without their start: they fork from one that has imported torch and mtcli.

Signals, pipes, exit codes, folder and environment are as with `subprocess`; what a library reads
from the environment when it is imported (OMP_NUM_THREADS) is the server's.
"""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]
PYTHON_M = [sys.executable, "-m"]
_SENDING = threading.Lock()


class WarmProcess:
    """`subprocess.Popen` of `python -m MODULE ...` or `python -c CODE ...`, as tests need it."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        stdin: int | IO | None = None,
        stdout: int | IO | None = None,
        stderr: int | IO | None = None,
        cwd: str | Path | None = None,
        env: Mapping[str, str] | None = None,
        text: bool = False,
    ) -> None:
        assert command[0] == sys.executable, command
        assert command[1] in ("-m", "-c"), command
        self.args, self.returncode = command, None
        kind = {"encoding": "utf-8"} if text else {"buffering": 0}
        opened: list[int] = []
        self.stdin = self.stdout = self.stderr = None
        streams = []
        for number, (name, given) in enumerate(
            (("stdin", stdin), ("stdout", stdout), ("stderr", stderr))
        ):
            if given == subprocess.PIPE:
                reading, writing = os.pipe()
                theirs, ours = (reading, writing) if number == 0 else (writing, reading)
                mode = ("w" if number == 0 else "r") + ("" if text else "b")
                setattr(self, name, os.fdopen(ours, mode, **kind))
                opened.append(theirs)
                streams.append(theirs)
            elif given == subprocess.DEVNULL:
                opened.append(os.open(os.devnull, os.O_RDWR))
                streams.append(opened[-1])
            elif given is None:
                streams.append(number)
            else:
                streams.append(given if isinstance(given, int) else given.fileno())
        reading, writing = os.pipe()
        opened.append(writing)
        self._report = os.fdopen(reading, encoding="utf-8")
        request = {
            "is_code": command[1] == "-c",
            "program": command[2],
            "arguments": [str(argument) for argument in command[3:]],
            "folder": str(Path.cwd() if cwd is None else cwd),
            "environment": dict(os.environ if env is None else env),
        }
        content = json.dumps(request).encode()
        with _SENDING:
            control = _server()
            socket.send_fds(control, [len(content).to_bytes(4, "big")], [*streams, writing])
            control.sendall(content)
        for descriptor in opened:
            os.close(descriptor)
        self.pid = int(self._report.readline())
        self._ended = threading.Event()
        threading.Thread(target=self._await_end, daemon=True).start()

    def _await_end(self) -> None:
        with self._report:
            code = self._report.readline()
        self.returncode = int(code) if code else -signal.SIGKILL
        self._ended.set()

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired(self.args, timeout)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, input=None, timeout: float | None = None):
        """Send the input, read both streams to their ends, wait."""
        outputs: dict[str, str | bytes] = {}

        def read(name: str) -> None:
            with getattr(self, name) as opened:
                outputs[name] = opened.read()

        opened = {"stdout": self.stdout, "stderr": self.stderr}
        names = [name for name, file in opened.items() if file is not None and not file.closed]
        readers = [threading.Thread(target=read, args=(name,), daemon=True) for name in names]
        for reader in readers:
            reader.start()
        if self.stdin is not None and not self.stdin.closed:
            try:
                if input:
                    self.stdin.write(input)
                self.stdin.close()
            except BrokenPipeError:
                pass
        for reader in readers:
            reader.join(timeout)
            if reader.is_alive():
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
        self.wait(timeout)
        return outputs.get("stdout"), outputs.get("stderr")

    def __enter__(self) -> "WarmProcess":
        return self

    def __exit__(self, *_: object) -> None:
        for opened in (self.stdin, self.stdout, self.stderr):
            if opened is not None:
                opened.close()
        self.wait()


def run(
    command: Sequence[str | Path], *, input=None, check: bool = False, capture_output: bool = False,
    timeout: float | None = 120, **streams,
) -> subprocess.CompletedProcess:  # fmt: skip
    """`subprocess.run` of a `WarmProcess`."""
    if capture_output:
        streams |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    if input is not None:
        streams["stdin"] = subprocess.PIPE
    with WarmProcess(command, **streams) as process:
        try:
            stdout, stderr = process.communicate(input, timeout)
        finally:
            process.kill()
    done = subprocess.CompletedProcess(command, process.returncode, stdout, stderr)
    if check:
        done.check_returncode()
    return done


def run_ranks(
    command: Sequence[str | Path], num_ranks: int, *, cwd: str | Path | None = None
) -> list[subprocess.CompletedProcess]:
    """`run` in several processes that find each other, as torchrun starts them."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    world = {"WORLD_SIZE": str(num_ranks), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    if sys.platform == "linux":
        world["GLOO_SOCKET_IFNAME"] = "lo"  # all on this machine
    with ThreadPoolExecutor(num_ranks) as threads:
        ranks = [
            threads.submit(
                run, command, cwd=cwd, text=True, capture_output=True,
                env={**os.environ, **world, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            )
            for rank in range(num_ranks)
        ]  # fmt: skip
    return [rank.result() for rank in ranks]


@lru_cache
def _server() -> socket.socket:
    """The server of this test process, started when it is first needed."""
    ours, theirs = socket.socketpair()
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    with theirs:
        server = subprocess.Popen(
            [*PYTHON_M, "tests.support.warm_server", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env={**os.environ, "PYTHONPATH": path},
            cwd=ROOT,
        )

    @atexit.register
    def end() -> None:
        ours.close()
        server.wait()

    return ours
