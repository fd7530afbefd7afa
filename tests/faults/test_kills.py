"""kill -9 at the system calls that write: training, translating, averaging and exporting."""

import gzip
import json
import shutil
import sys

import pytest

from mtcli.errors import ModelFolderError
from mtcli.folders import verify_folder
from tests.faults.fault import fault
from tests.faults.small_training import TRAIN, content_of, end_of, leftovers, mtcli, run, train
from tests.faults.system_calls import KILLED_AT_EVENT, run_traced

pytestmark = pytest.mark.slow
KILLED = -9


def test_training_killed_at_a_system_call(undisturbed, tmp_path):
    with fault("kill -9 at a system call that writes: train", codes={0, KILLED}) as tries:
        _, calls = run_traced(TRAIN, undisturbed.copy(tmp_path / "counted"))
        for number, draw in enumerate(tries.draws(quick=3, whole=60)):
            folder = undisturbed.copy(tmp_path / str(number))
            call = draw.choice(calls)
            killed, _ = run_traced(TRAIN, folder, f"{call.name}:signal=KILL:when={call.nth}")
            resumed = train(folder)
            tries.note(
                str(call),
                codes=[killed.returncode, resumed.returncode],
                said=resumed.stderr,
                is_exact=end_of(folder / "run") == undisturbed.end,
                lost=leftovers(folder),
            )
            shutil.rmtree(folder)


def test_training_killed_before_it_changes_a_file(undisturbed, tmp_path):
    command = [sys.executable, "-c", KILLED_AT_EVENT]
    with fault(
        "kill -9 before a file is opened, renamed or removed: train", codes={0, KILLED}
    ) as tries:
        counted = undisturbed.copy(tmp_path / "counted")
        done = run([*command, "0", *TRAIN], counted)
        num_events = int(done.stdout)
        for number, draw in enumerate(tries.draws(quick=2, whole=30)):
            folder = undisturbed.copy(tmp_path / str(number))
            at = draw.randint(1, num_events)
            killed = run([*command, str(at), *TRAIN], folder)
            resumed = train(folder)
            tries.note(
                f"event {at} of {num_events}",
                codes=[killed.returncode, resumed.returncode],
                said=resumed.stderr,
                is_exact=end_of(folder / "run") == undisturbed.end,
                lost=leftovers(folder),
            )
            shutil.rmtree(folder)


@pytest.mark.parametrize("name", ["out.txt", "out.jsonl", "out.gz"])
def test_translating_killed_at_a_system_call(undisturbed, tmp_path, name):
    folder = undisturbed.copy(tmp_path / "run", trained=True)
    options = ["--jsonl"] if name.endswith("jsonl") else []
    command = ["translate", "-m", "run", "-i", "train.en", "--engine", "torch", "-q", *options]
    with fault("kill -9 at a system call that writes: translate", codes={0, KILLED}) as tries:
        output = folder / name
        command += ["-o", name, "--line-buffered"]
        done, calls = run_traced(command, folder)
        assert done.returncode == 0, done.stderr
        wanted = unpacked(output)
        for draw in tries.draws(quick=1, whole=8):
            output.unlink(missing_ok=True)
            call = draw.choice(calls)
            killed, _ = run_traced(command, folder, f"{call.name}:signal=KILL:when={call.nth}")
            resumed = mtcli(folder, *command, "--resume")
            tries.note(
                f"{name}, {call}",
                codes=[killed.returncode, resumed.returncode],
                said=resumed.stderr,
                is_exact=unpacked(output) == wanted,
            )


@pytest.mark.parametrize(
    ("arguments", "made"),
    [
        (["average", "-m", "run", "--last", "2", "--output", "made"], "made"),
        (["export", "-m", "run", "--output", "made", "--threshold", "0"], "made"),
        (["export", "-m", "run", "--threshold", "0"], "run/models/*/ctranslate2"),
    ],
    ids=["average", "export", "export in place"],
)
def test_a_folder_is_complete_or_absent(undisturbed, tmp_path, arguments, made):
    with fault("kill -9 at a system call that writes: average, export", codes={0, KILLED}) as tries:
        first = undisturbed.copy(tmp_path / "first", trained=True)
        done, calls = run_traced(arguments, first)
        assert done.returncode == 0, done.stderr
        [made] = [path.relative_to(first) for path in first.glob(made)]
        wanted = hashes_of(first / made)
        for number, draw in enumerate(tries.draws(quick=1, whole=8)):
            folder = undisturbed.copy(tmp_path / str(number), trained=True)
            call = draw.choice(calls)
            killed, _ = run_traced(arguments, folder, f"{call.name}:signal=KILL:when={call.nth}")
            if (folder / made).exists():
                verify_folder(folder / made, error=ModelFolderError)
                shutil.rmtree(folder / made)
            again = mtcli(folder, *arguments)
            tries.note(
                f"{arguments[0]}, {call}",
                codes=[killed.returncode, again.returncode],
                said=again.stderr,
                is_exact=hashes_of(folder / made) == wanted,
            )
            shutil.rmtree(folder)


def hashes_of(folder):
    """The files of a manifest, without the one of an export in which measured times stand."""
    files = json.loads((folder / "MANIFEST.json").read_text(encoding="utf-8"))["files"]
    return {name: file["sha256"] for name, file in files.items() if name != "mtcli.json"}


def unpacked(path):
    content = content_of(path)
    return gzip.decompress(content) if content and path.suffix == ".gz" else content
