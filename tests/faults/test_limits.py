"""Limits of the system and of memory: translating goes on with what is left, and says so."""

import gzip
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

import pytest

from tests.faults.fault import fault
from tests.support.model_folder import write_tiny_model
from tests.support.tokenizers import WORDS, train_on_words

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="limits of Linux"),
]

LINES = "".join(f"{' '.join(WORDS[i : i + 4])}\n" for i in range(40)).encode()
SEVERAL_BATCHES = ["--batch-size", "4", "--max-length", "8"]

# A limit on processes holds for everybody but root: the real user becomes another one, who may
# still read root's files, without the right to ignore limits.
FEW_PROCESSES = """\
import ctypes, os, resource, sys
for right in (24, 21):  # CAP_SYS_RESOURCE and CAP_SYS_ADMIN
    ctypes.CDLL(None).prctl(24, right, 0, 0, 0)  # PR_CAPBSET_DROP
os.setresuid(60000 + int(sys.argv[1]), 0, 0)
resource.setrlimit(resource.RLIMIT_NPROC, (int(sys.argv[1]),) * 2)
os.execv(sys.argv[2], sys.argv[2:])
"""

needs_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can set these limits"
)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("limits")
    train_on_words(folder / "tokenizer.model")
    write_tiny_model(folder / "model", folder / "tokenizer.model", 1)
    return folder / "model"


@pytest.fixture(scope="module")
def expected(model):
    done = translate(model, *SEVERAL_BATCHES)
    assert done.returncode == 0, done.stderr
    return done.stdout


def translate(
    model, *arguments: str, under: Sequence[str] = (), content: bytes = LINES
) -> subprocess.CompletedProcess:
    """Translate in a process that another program has started, with two threads if it can."""
    environment = {
        key: value for key, value in os.environ.items() if key != "OPENBLAS_NUM_THREADS"
    } | {"OMP_NUM_THREADS": "2"}
    return subprocess.run(
        [*under, sys.executable, "-m", "mtcli", "translate", "-m", model, *arguments],
        input=content, capture_output=True, check=False, env=environment, timeout=300,
    )  # fmt: skip


def shell(script: str) -> list[str]:
    return ["sh", "-c", f'{script}; exec "$@"', "sh"]


@needs_root
def test_no_processes_and_no_threads(model, expected):
    """0 more, 1 more, and so on: one thread, threads, processes."""
    with fault("a limit on processes and threads", codes={0}) as tries:
        for number in tries.chosen([1, 2, 3, 4, 6], quick=3):
            under = [sys.executable, "-c", FEW_PROCESSES, str(number)]
            done = translate(model, *SEVERAL_BATCHES, under=under)
            said = done.stderr.decode()
            notes = [line for line in said.splitlines() if "because" in line]
            is_told = len(notes) == 1 or (number > 2 and not notes)
            tries.note(
                f"{number} at once",
                codes=[done.returncode],
                said=said,
                is_exact=done.stdout == expected,
                lost="" if is_told and "standard output" not in said else f"told: {notes}",
            )


def test_few_open_files(model, expected):
    with fault("a limit on open files", codes={0, 2}) as tries:
        for number in tries.chosen([8, 9, 10, 12, 20], quick=2):
            done = translate(model, *SEVERAL_BATCHES, under=shell(f"ulimit -n {number}"))
            said = done.stderr.decode()
            is_told = done.returncode == 0 or "ulimit -n" in said
            tries.note(
                f"{number} files",
                codes=[done.returncode],
                said=said,
                is_exact=done.stdout == expected if done.returncode == 0 else None,
                lost="" if is_told and "standard output" not in said else said,
            )


@needs_root
def test_shared_memory_that_cannot_be_used(model, expected):
    if shutil.which("unshare") is None:
        pytest.skip("needs a mount namespace")
    mounts = {
        "read-only": "mount -t tmpfs -o ro none /dev/shm",
        "full": "mount -t tmpfs -o size=4k none /dev/shm; head -c 4096 /dev/zero > /dev/shm/full",
        "missing": "mount -t tmpfs none /mnt; mkdir /mnt/dev; cp -a /dev/null /dev/zero"
        " /dev/random /dev/urandom /mnt/dev; mount --bind /mnt/dev /dev",
    }
    with fault("/dev/shm that cannot be used", codes={0}) as tries:
        for name, mount in mounts.items():
            if subprocess.run(["unshare", "-m", "sh", "-c", mount], check=False).returncode:
                pytest.skip("this machine allows no mounts")
            under = ["unshare", "-m", *shell(mount)]
            done = translate(model, *SEVERAL_BATCHES, under=under)
            tries.note(
                name,
                codes=[done.returncode],
                said=done.stderr.decode(),
                is_exact=done.stdout == expected,
            )


# Between this process and the command: the peak of a command is at least the memory of whoever
# started it, which other tests may have filled here.
MEASURED = """\
import resource, subprocess, sys
code = subprocess.run(sys.argv[2:]).returncode
with open(sys.argv[1], "w") as file:
    file.write(str(1024 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)
"""


def test_lines_without_end(model, tmp_path):
    """Memory does not grow with the line, plain or packed; one line comes out."""
    long = b"".join(word.encode() + b" " for word in WORDS) * 4000
    contents = {
        "one line": long[:60_000],
        "packed spaces": gzip.compress(b" " * 10_000_000),
        "packed words, then a line": gzip.compress(long[:50_000] + b"\n" + LINES),
    }
    options = ["--no-retry", "--max-length", "4", "--beam-size", "1", "--max-line-bytes", "20000"]
    with fault("a line without end", codes={0}) as tries:
        for name in tries.chosen(list(contents), quick=2):
            under = [sys.executable, "-c", MEASURED, str(tmp_path / "peak")]
            done = translate(model, *options, content=contents[name], under=under)
            peak_bytes = int((tmp_path / "peak").read_text())
            said = done.stderr.decode()
            num_lines = 1 + (40 if "then" in name else 0)
            is_right = (
                done.stdout.count(b"\n") in (num_lines, num_lines - 1)
                and "1 line of more than 20,000 bytes" in said
                and peak_bytes < 1_000_000_000
            )
            tries.note(
                name,
                codes=[done.returncode],
                said=said,
                is_exact=None,
                lost="" if is_right else f"{done.stdout.count(b'x')} {peak_bytes} {said}",
            )
