"""Clocks that jump, and files whose times say nothing: what is trained and kept is the same."""

import os
import shutil
import sys
import time
import zlib

import pytest

from tests.faults.fault import fault
from tests.faults.small_training import OVERRIDES, STEPS, TRAIN, end_of, leftovers, run, train
from tests.support.small_run import write_run

pytestmark = pytest.mark.slow
YEAR_S = 365 * 24 * 3600

# The wall clock jumps forwards or backwards by up to 30 years, one read in three.
JUMPING = f"""\
import random, runpy, sys, time
draw, now_ns, jump_s = random.Random(sys.argv.pop(1)), time.time_ns, 0

def jumping_ns():
    global jump_s
    if draw.random() < 1 / 3:
        jump_s = draw.uniform(-30, 30) * {YEAR_S}
    return now_ns() + int(jump_s * 1e9)

time.time_ns = jumping_ns
time.time = lambda: jumping_ns() / 1e9
runpy.run_module("mtcli", run_name="__main__", alter_sys=True)
"""


def test_a_wall_clock_that_jumps(undisturbed, tmp_path):
    """From the start, and once more on resuming."""
    with fault("a wall clock that jumps by years", codes={0}) as tries:
        for number, _ in enumerate(tries.draws(quick=1, whole=8)):
            folder = undisturbed.copy(tmp_path / str(number))
            codes, said = [], ""
            for _ in range(2):
                command = [sys.executable, "-c", JUMPING, str(number), *TRAIN]
                done = run(command, folder)
                codes.append(done.returncode)
                said += done.stderr
                if len(codes) == 1:
                    end = end_of(folder / "run")
                    shutil.rmtree(folder / f"run/checkpoints/step_{STEPS:08d}")
            ends = {end, end_of(folder / "run")}
            tries.note(
                f"seed {number}",
                codes=codes,
                said=said,
                is_exact=ends == {undisturbed.end},
                lost=leftovers(folder),
            )


TIMES = {
    "the future": lambda path: time.time() + 20 * YEAR_S,
    "1970": lambda path: 0.0,
    "newest first": lambda path: time.time() - zlib.crc32(bytes(path)) % YEAR_S,
}


def test_files_of_any_time(undisturbed, tmp_path):
    """A run, its cache and its corpus whose times were lost in a copy."""
    with fault("files from the future, or from 1970", codes={0}) as tries:
        for what in tries.chosen(list(TIMES), quick=1):
            folder = undisturbed.copy(tmp_path / what, trained=True)
            shutil.rmtree(folder / f"run/checkpoints/step_{STEPS:08d}")
            for path in folder.rglob("*"):
                os.utime(path, (TIMES[what](path),) * 2, follow_symlinks=False)
            resumed = train(folder)
            tries.note(
                what,
                codes=[resumed.returncode],
                said=resumed.stderr,
                is_exact=end_of(folder / "run") == undisturbed.end,
            )


def test_another_text_of_the_same_size_and_time(tmp_path):
    """`cp -p`, `rsync -t` and archives keep times: the cache must see another text all the same."""
    with fault("another corpus of the same size and time", codes={0, 2}) as tries:
        for name in tries.chosen(["train.de", "train.en"], quick=1):
            folder = tmp_path / name
            folder.mkdir()
            write_run(folder, *OVERRIDES)
            text, long_ago = folder / name, time.time() - 1000
            os.utime(text, (long_ago, long_ago))  # or its hash would not be cached
            old = train(folder)
            content = text.read_bytes()
            other = content.replace(b"ba", b"ce").replace(b"BA", b"CE")
            assert len(other) == len(content)
            assert other != content
            text.write_bytes(other)
            os.utime(text, (long_ago, long_ago))
            resumed = train(folder)
            new = train(folder, "--set", "run_dir=new")
            is_seen = resumed.returncode == 2 and end_of(folder / "new") != end_of(folder / "run")
            tries.note(
                name,
                codes=[old.returncode, resumed.returncode, new.returncode],
                said=resumed.stderr + new.stderr,
                lost="" if is_seen else "trained on the old text in silence",
            )
