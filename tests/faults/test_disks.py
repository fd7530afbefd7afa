"""Disks that are full, break or are read-only: one sentence, and nothing is lost."""

import gzip
import lzma
import random
import shutil

import pytest

from tests.faults.fault import fault
from tests.faults.mounts import remount, small_disk
from tests.faults.small_training import TRAIN, content_of, end_of, leftovers, mtcli, train
from tests.faults.system_calls import run_traced

pytestmark = pytest.mark.slow
PROMISED = {0, 2}


@pytest.mark.parametrize("place", ["run", "cache"])
def test_a_disk_that_fills_during_training(undisturbed, tmp_path, place):
    """Each try has a disk of another size; then it grows, and the run is resumed."""
    with fault("a disk that fills during training", codes=PROMISED, seed=len(place)) as tries:
        files = (undisturbed.folder / place).rglob("*")
        used_kb = sum(file.stat().st_size // 1024 + 4 for file in files)
        for number, draw in enumerate(tries.draws(quick=1, whole=15)):
            folder = undisturbed.copy(tmp_path / str(number))
            size = f"{draw.randint(4, used_kb)}k"
            with small_disk(folder / place, size):
                filled = train(folder)
                is_said = filled.returncode == 0 or "No space left" in filled.stderr
                remount(folder / place, "size=50m")
                resumed = train(folder)
                tries.note(
                    f"{place} on a disk of {size}",
                    codes=[filled.returncode, resumed.returncode],
                    said=filled.stderr + resumed.stderr,
                    is_exact=end_of(folder / "run") == undisturbed.end,
                    lost="" if is_said else "the full disk is not named",
                )


@pytest.mark.parametrize("name", ["out.txt", "out.gz", "out.xz"])
def test_a_disk_that_fills_while_translating(undisturbed, tmp_path, name):
    folder = undisturbed.copy(tmp_path / "run", trained=True)
    lines = [f"{line} {random.Random(line).randbytes(20).hex()}" for line in range(250)]
    (folder / "text").write_text("\n".join(lines) + "\n")
    command = ["translate", "-m", "run", "-i", "text", "-q", "--engine", "torch"]
    command += ["--beam-size", "1", "--max-length", "30"]

    def translate(*more):
        return mtcli(folder, *command, *more)

    with fault("a disk that fills while translating", codes=PROMISED, seed=len(name)) as tries:
        assert translate("-o", name).returncode == 0
        wanted = (folder / name).read_bytes()
        for draw in tries.draws(quick=1, whole=3):
            size = f"{4 * draw.randint(1, max(1, len(wanted) // 5000))}k"
            with small_disk(folder / "disk", size):
                output = ["-o", f"disk/{name}"]
                filled = translate(*output)
                written = unpacked_if_whole(content_of(folder / "disk" / name), name)
                is_said = filled.returncode == 2 and "No space left" in filled.stderr
                is_whole = filled.returncode == 0 and written == unpacked(wanted, name)
                remount(folder / "disk", "size=50m")
                resumed = translate(*output, "--resume")
                content = content_of(folder / "disk" / name)
                tries.note(
                    f"{name} on a disk of {size}",
                    codes=[filled.returncode, resumed.returncode],
                    said=filled.stderr + resumed.stderr,
                    is_exact=unpacked(content, name) == unpacked(wanted, name),
                    lost="" if is_said or is_whole else "the full disk is not said",
                )


def unpacked_if_whole(content, name):
    """None for a file that is cut off."""
    try:
        return unpacked(content, name)
    except (EOFError, OSError, lzma.LZMAError):
        return None


def unpacked(content, name):
    if content is None or name.endswith(".txt"):
        return content
    return (gzip if name.endswith(".gz") else lzma).decompress(content)


@pytest.mark.parametrize("error", ["EIO", "ENOSPC", "EDQUOT", "EROFS"])
@pytest.mark.parametrize("lasts", [False, True])
def test_a_system_call_that_fails(undisturbed, tmp_path, error, lasts):
    """One call of a training fails, or all from one on; then the disk is well again."""
    how = "from one on" if lasts else "once"
    with fault(f"a system call that writes fails with {error}, {how}", codes=PROMISED) as tries:
        number_of_tries = {"quick": int(error in ("EIO", "ENOSPC")), "whole": 8}
        if not any(True for _ in tries.draws(**number_of_tries)):
            pytest.skip("only in the whole suite")
        _, calls = run_traced(TRAIN, undisturbed.copy(tmp_path / "counted"))
        for number, draw in enumerate(tries.draws(**number_of_tries)):
            folder = undisturbed.copy(tmp_path / str(number))
            call = draw.choice(calls)
            when = f"{call.nth}{'+' if lasts else ''}"
            failed, _ = run_traced(TRAIN, folder, f"{call.name}:error={error}:when={when}")
            resumed = train(folder)
            tries.note(
                str(call),
                codes=[failed.returncode, resumed.returncode],
                said=failed.stderr + resumed.stderr,
                is_exact=end_of(folder / "run") == undisturbed.end,
                lost=leftovers(folder),
            )
            shutil.rmtree(folder)


READ_ONLY = {
    "the run": ("run", TRAIN),
    "the cache": ("cache", [*TRAIN, "--set", "run_dir=new"]),
    "the output": ("made", ["translate", "-m", "run", "-i", "valid.en", "-o", "made/out"]),
    "the average": ("made", ["average", "-m", "run", "--last", "2", "--output", "made/a"]),
    "the export": ("made", ["export", "-m", "run", "--threshold", "0", "--output", "made/e"]),
    "the text": ("text", ["translate", "-m", "run", "-i", "text/valid.en", "-o", "out", "-q"]),
    "the model": ("run", ["translate", "-m", "run", "-i", "valid.en", "-o", "out", "-q"]),
}
"""What is on a read-only disk, and the command."""
READS_ONLY = {"the text", "the model", "the cache"}


def test_a_read_only_disk(undisturbed, tmp_path):
    """What is written is refused in one sentence; what is read works as elsewhere."""
    with fault("a read-only disk", codes=PROMISED) as tries:
        for what in tries.chosen(list(READ_ONLY), quick=2):
            place, arguments = READ_ONLY[what]
            folder = undisturbed.copy(tmp_path / what, trained=True)
            (folder / place).mkdir(exist_ok=True)
            source = folder / place if place != "text" else folder
            saved = folder / "saved"
            shutil.copytree(source, saved, symlinks=True, ignore=lambda *_: {"saved", "cache"})
            with small_disk(folder / place, "50m"):
                shutil.copytree(saved, folder / place, symlinks=True, dirs_exist_ok=True)
                if what == "the run":
                    shutil.rmtree(folder / "run/checkpoints/step_00000006")
                remount(folder / place, "ro")
                done = mtcli(folder, *arguments)
                wanted = 0 if what in READS_ONLY else 2
                is_said = wanted == 0 or "Read-only file system" in done.stderr
                codes = [done.returncode]
                is_exact = None
                if what == "the run":
                    remount(folder / place, "rw")
                    codes.append(train(folder).returncode)
                    is_exact = end_of(folder / "run") == undisturbed.end
                elif what == "the cache":
                    is_exact = end_of(folder / "new") == undisturbed.end
                tries.note(
                    what,
                    codes=codes,
                    said=done.stderr,
                    is_exact=is_exact,
                    lost=""
                    if is_said and codes[0] == wanted
                    else f"exit {codes[0]}: {done.stderr}",
                )
