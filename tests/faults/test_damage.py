"""A changed byte in what training and translating read is found, or changes nothing."""

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.faults.fault import fault
from tests.faults.small_training import end_of, train
from tests.support import warm

pytestmark = pytest.mark.slow

MTCLI = [sys.executable, "-m", "mtcli"]


def change_a_byte(draw, path: Path) -> str:
    """Change one bit of a file. Returns which, for the table."""
    content = bytearray(path.read_bytes())
    place, bit = draw.randrange(len(content)), draw.randrange(8)
    content[place] ^= 1 << bit
    path.write_bytes(content)
    return f"{path.name}, bit {bit} of byte {place}"


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def test_a_changed_byte_of_the_cache_trains_no_other_weights(undisturbed, tmp_path):
    """The store, its manifest, and the hashes of the corpus beside it."""
    with fault("a changed byte in the cache of training", codes={0, 2}) as tries:
        for number, draw in enumerate(tries.draws(quick=3, whole=60)):
            folder = undisturbed.copy(tmp_path / str(number), trained=True)
            shutil.rmtree(folder / "run")
            what = change_a_byte(draw, draw.choice(files_in(folder / "cache")))
            done = train(folder)
            log = (folder / "run/train.log").read_text() if done.returncode == 0 else ""
            is_exact = end_of(folder / "run") == undisturbed.end if done.returncode == 0 else None
            is_store = what.startswith(("shard", "lengths", "store"))
            silent = is_store and "is damaged, and is built again" not in log
            tries.note(
                what,
                codes=[done.returncode],
                said=done.stderr,
                is_exact=is_exact,
                lost="nothing was said" if silent else "",
            )


def translate(model: Path, *arguments: str) -> subprocess.CompletedProcess:
    lines = "ba ce di\nfo gu ha je\nki lo\n"
    command = [*MTCLI, "translate", "-m", str(model), *arguments]
    return warm.run(command, input=lines, text=True, capture_output=True, cwd=model.parent)


@pytest.mark.parametrize("kind", ["a model folder", "an export"])
def test_a_changed_byte_translates_nothing_otherwise(undisturbed, tmp_path, kind):
    with fault(f"a changed byte in {kind}", codes={0, 2}) as tries:
        whole = tmp_path / "whole"
        if kind == "an export":
            if find_spec("ctranslate2") is None:
                pytest.skip("ctranslate2 is not installed")
            run = str(undisturbed.folder / "run")
            export = ["export", "-m", run, "--output", str(whole), "--threshold", "0"]
            done = warm.run([*MTCLI, *export], text=True, capture_output=True, cwd=tmp_path)
            assert done.returncode == 0, done.stderr
        else:
            shutil.copytree((undisturbed.folder / "run/best").resolve(), whole)
        expected = translate(whole)
        assert expected.returncode == 0, expected.stderr
        for number, draw in enumerate(tries.draws(quick=5, whole=80)):
            model = shutil.copytree(whole, tmp_path / str(number))
            what = change_a_byte(draw, draw.choice(files_in(model)))
            done = translate(model)
            is_other = done.returncode == 0 and done.stdout != expected.stdout
            tries.note(
                what,
                codes=[done.returncode],
                said=done.stderr,
                lost="another translation, in silence" if is_other else "",
            )
