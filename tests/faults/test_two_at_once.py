"""Two at once in one folder: one waits for nothing, is refused or shares, and none breaks."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults.fault import fault
from tests.faults.small_training import MTCLI, TRAIN, content_of, end_of, leftovers, mtcli
from tests.support import warm

pytestmark = pytest.mark.slow

# In a PID namespace of its own, where the other's process ids mean nothing.
CONTAINED = """\
import ctypes, os, runpy, sys
CLONE_NEWPID = 0x20000000
if ctypes.CDLL(None).unshare(CLONE_NEWPID):
    sys.exit(77)
child = os.fork()
if child:
    os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""

# Waits in the middle of writing the store, until a file `go` is there.
WAITING = """\
import os, sys, time
has_waited = False

def watch(event, arguments):
    global has_waited
    path = str(arguments[0]) if event == "open" else ""
    if ".tmp-" in path and "store.json" in path and not has_waited:
        has_waited = True
        open("waiting", "w").close()
        while not os.path.exists("go"):
            time.sleep(0.01)

sys.addaudithook(watch)
"""
RUN = 'import runpy\nrunpy.run_module("mtcli", run_name="__main__", alter_sys=True)\n'


def start(command: list[str], folder: Path) -> warm.WarmProcess:
    pipe = subprocess.PIPE
    return warm.WarmProcess(command, cwd=folder, stdout=pipe, stderr=pipe, text=True)


def ends(*processes: warm.WarmProcess) -> tuple[list[int], str]:
    """Their exit codes, and all that they said."""
    said = "".join(process.communicate(timeout=600)[1] for process in processes)
    return [process.returncode for process in processes], said


def await_file(path: Path) -> None:
    deadline_s = time.monotonic() + 600
    while not path.exists():
        assert time.monotonic() < deadline_s, path
        time.sleep(0.01)


def test_two_trainings_of_one_run(undisturbed, tmp_path):
    """One trains; the other is refused, or comes when all is done."""
    with fault("two trainings of one run at once", codes={0, 2}) as tries:
        for number, draw in enumerate(tries.draws(quick=1, whole=8)):
            folder = undisturbed.copy(tmp_path / str(number))
            first = start([*MTCLI, *TRAIN], folder)
            time.sleep(draw.uniform(0, 0.2))
            codes, said = ends(first, start([*MTCLI, *TRAIN], folder))
            is_said = codes.count(0) == 2 or "is in use by another mtcli" in said
            tries.note(
                f"try {number}",
                codes=codes,
                said=said,
                is_exact=end_of(folder / "run") == undisturbed.end,
                lost=leftovers(folder) or ("" if is_said and 0 in codes else "both are refused"),
            )


def test_two_trainings_with_one_cache(undisturbed, tmp_path):
    with fault("two trainings that build one store at once", codes={0}) as tries:
        for number, draw in enumerate(tries.draws(quick=1, whole=8)):
            folder = undisturbed.copy(tmp_path / str(number))
            first = start([*MTCLI, *TRAIN], folder)
            time.sleep(draw.uniform(0, 0.2))
            codes, said = ends(first, start([*MTCLI, *TRAIN, "--set", "run_dir=other"], folder))
            tries.note(
                f"try {number}",
                codes=codes,
                said=said,
                is_exact={end_of(folder / name) for name in ("run", "other")} == {undisturbed.end},
                lost=leftovers(folder),
            )


def test_two_that_start_over(undisturbed, tmp_path):
    """`--fresh` twice at once: the old run is kept, and one of the two becomes the new one."""
    with fault("two trainings with --fresh at once", codes={0, 2}) as tries:
        for number, draw in enumerate(tries.draws(quick=1, whole=6)):
            folder = undisturbed.copy(tmp_path / str(number), trained=True)
            first = start([*MTCLI, *TRAIN, "--fresh"], folder)
            time.sleep(draw.uniform(0, 0.1))
            codes, said = ends(first, start([*MTCLI, *TRAIN, "--fresh"], folder))
            kept = [end_of(run) for run in folder.glob("run.*")]
            tries.note(
                f"try {number}",
                codes=codes,
                said=said,
                is_exact=end_of(folder / "run") == undisturbed.end,
                lost="" if undisturbed.end in kept else "the old run",
            )


def test_two_translations_into_one_file(undisturbed, tmp_path):
    """The second is refused while the first writes, with and without `--resume`."""
    folder = undisturbed.copy(tmp_path / "run", trained=True)
    lines = (folder / "valid.en").read_text().splitlines(keepends=True)
    command = ["translate", "-m", "run", "--engine", "torch", "-q", "-o", "out"]
    alone = mtcli(folder, *command, "-i", "valid.en")
    wanted, output = (folder / "out").read_bytes(), folder / "out"
    with fault("two translations into one file at once", codes={0, 2}) as tries:
        for more in tries.chosen([["--resume"], []], quick=1):
            output.unlink()
            pipe = subprocess.PIPE
            first = warm.WarmProcess(
                [*MTCLI, *command, "--line-buffered"],
                cwd=folder,
                text=True,
                stdin=pipe,
                stderr=pipe,
            )
            first.stdin.write(lines[0])
            first.stdin.flush()
            await_content(output)
            second = mtcli(folder, *command, "-i", "valid.en", *more)
            _, said = first.communicate("".join(lines[1:]), timeout=600)
            is_said = (
                second.returncode == 2 and "is being written by another mtcli" in second.stderr
            )
            tries.note(
                f"the second with {more}",
                codes=[alone.returncode, first.returncode, second.returncode],
                said=said + second.stderr,
                is_exact=content_of(output) == wanted,
                lost="" if is_said else "the second is not refused",
            )


def await_content(path: Path) -> None:
    deadline_s = time.monotonic() + 600
    while not path.exists() or not path.stat().st_size:
        assert time.monotonic() < deadline_s, path
        time.sleep(0.01)


@pytest.mark.parametrize("is_contained", [False, True], ids=["one namespace", "two namespaces"])
def test_a_store_that_another_process_is_writing(undisturbed, tmp_path, is_contained):
    """It is not taken for what a dead process has left, whatever its process id means here."""
    where = "in another PID namespace" if is_contained else "in this PID namespace"
    with fault(f"a second training while one {where} writes the store", codes={0}) as tries:
        code = (CONTAINED if is_contained else "") + "{}" + RUN
        for number, _ in enumerate(tries.draws(quick=1, whole=3)):
            folder = undisturbed.copy(tmp_path / str(number))
            first = start([sys.executable, "-c", code.format(WAITING), *TRAIN], folder)
            while not (folder / "waiting").exists():
                if first.poll() == 77:
                    pytest.skip("this process may not make namespaces")
                assert first.poll() is None, "it has not waited"
                time.sleep(0.01)
            other = [*TRAIN, "--set", "run_dir=other"]
            second = start([sys.executable, "-c", code.format(""), *other], folder)
            codes, said = ends(second)
            (folder / "go").touch()
            more_codes, more = ends(first)
            tries.note(
                f"try {number}",
                codes=codes + more_codes,
                said=said + more,
                is_exact={end_of(folder / name) for name in ("run", "other")} == {undisturbed.end},
                lost=leftovers(folder),
            )
