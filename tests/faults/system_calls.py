"""Run mtcli under strace, which counts the calls that write, kills at one or lets it fail."""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import warm

WRITING = (
    "write,pwrite64,writev,ftruncate,fsync,fdatasync,rename,renameat,renameat2,mkdir,mkdirat,"
    "unlink,unlinkat,rmdir,symlink,symlinkat,chmod,fchmod,fchmodat"
)

# Waits until strace is attached.
_WAITING = """\
import os, runpy, sys
os.read(0, 1)
runpy.run_module("mtcli", run_name="__main__", alter_sys=True)
"""
_LINE = re.compile(r"(\d+) +(\w+)\((.*)")
_NO_FILE = re.compile(r"<(pipe|socket|anon_inode|/dev/)")


@dataclass(frozen=True)
class Call:
    """A system call of the main thread."""

    name: str
    nth: int
    """Among those of its name, from 1."""
    about: str
    """Its arguments."""

    def __str__(self) -> str:
        return f"{self.name} number {self.nth} ({self.about[:120]})"


def run_traced(
    arguments: list[str], folder: Path, inject: str = ""
) -> tuple[subprocess.CompletedProcess, list[Call]]:
    """Run `mtcli ARGUMENTS` in a folder, with its writing system calls traced.

    Args:
        arguments: of mtcli.
        folder: where to run it.
        inject: what strace does at which call, for instance `fsync:signal=KILL:when=3`.

    Returns:
        how it ended, and the calls to files in order.
    """
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    trace = folder / "trace.txt"
    process = warm.WarmProcess(
        [sys.executable, "-c", _WAITING, *arguments],
        cwd=folder, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    options = ["-f", "-y", "-e", f"trace={WRITING}", "-e", "signal=none", "-o", str(trace)]
    options += ["-e", f"inject={inject}"] if inject else []
    with subprocess.Popen(
        ["strace", *options, "-p", str(process.pid)], stderr=subprocess.PIPE, text=True
    ) as strace:
        said = strace.stderr.readline()
        if "attached" not in said:
            process.kill()
            pytest.skip(f"strace may not trace here: {said.strip()}")
        stdout, stderr = process.communicate("x", timeout=600)
        strace.stderr.read()
    done = subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr)
    return done, _calls(trace, process.pid)


def _calls(trace: Path, pid: int) -> list[Call]:
    calls, counts = [], Counter()
    for line in trace.read_text(encoding="utf-8", errors="replace").splitlines():
        match = _LINE.match(line)
        if match is None or int(match[1]) != pid:
            continue
        counts[match[2]] += 1
        if not _NO_FILE.search(match[3].partition(",")[0]):
            calls.append(Call(match[2], counts[match[2]], match[3]))
    trace.unlink()
    return calls


KILLED_AT_EVENT = f"""\
import os, runpy, signal, sys
at, seen = int(sys.argv.pop(1)), 0
EVENTS = {{"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.symlink", "os.chmod", "open"}}

def watch(event, arguments):
    global seen
    reads = event == "open" and not (arguments[2] or 0) & {os.O_WRONLY | os.O_RDWR}
    if event not in EVENTS or reads:
        return
    seen += 1
    if seen == at:
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(watch)
try:
    runpy.run_module("mtcli", run_name="__main__", alter_sys=True)
finally:
    print(seen)
"""
"""`python -c` of it runs mtcli, and kills itself before its nth change of a file by Python; at 0 it
prints how many there are. For machines without strace."""
