"""Other users and namespaces: a user without rights, a user without a name, no network."""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from tests.faults.fault import fault
from tests.faults.small_training import (
    STEPS,
    TRAIN,
    content_of,
    end_of,
    mtcli,
    run,
    train,
    train_undisturbed,
)
from tests.support.nobody import UID, run_as_root

pytestmark = pytest.mark.slow

# Run by root: each command in a fork of this process that has become another user.
AS_USER = """\
import json, os, runpy, sys
import mtcli.cli.train, mtcli.cli.translate, mtcli.training.setup, mtcli.engines.torch_loading
import mtcli.translating.translator

uid = int(sys.argv[1])
for folder, arguments in json.loads(sys.argv[2]):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups([]); os.setgid(uid); os.setuid(uid)
        os.chdir(folder)
        os.dup2(writing, 2)
        sys.argv = ["mtcli", *arguments]
        runpy.run_module("mtcli", run_name="__main__", alter_sys=True)
        sys.exit()
    os.close(writing)
    with open(reading) as said:
        text = said.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(json.dumps([code, text]), flush=True)
"""


@pytest.fixture
def place():
    """A folder that everybody may enter, unlike pytest's."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def as_nobody(requests: list[tuple[Path, list[str]]]) -> list[tuple[int, str]]:
    """Exit code and standard error of each `mtcli ARGUMENTS`, run by uid 65534 in its folder."""
    text = json.dumps([[str(folder), arguments] for folder, arguments in requests])
    done = run_as_root(["-c", AS_USER, str(UID), text], folder=Path("/"))
    ends = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(ends) == len(requests), done.stderr
    return [(code, said) for code, said in ends]


def owned(folder: Path, *, mode: int = 0o755, uid: int = UID) -> Path:
    """Give a folder and all that is in it to a user."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, uid, uid, follow_symlinks=False)
    folder.chmod(mode)
    return folder


def test_a_user_who_may_not_write(place):
    """Root's run stays root's; root's cache and models serve everybody who may read them."""
    newest = f"checkpoints/step_{STEPS:08d}"
    with fault("another user (uid 65534)", codes={0, 2}) as tries:
        undisturbed = train_undisturbed(place / "undisturbed")
        roots = undisturbed.copy(place / "roots", trained=True)
        shutil.rmtree(roots / "run" / newest)
        text = owned(undisturbed.copy(place / "own"))
        sticky = undisturbed.copy(place / "sticky")
        sticky.chmod(0o1777)
        shutil.copytree(roots / "cache", sticky / "cache")
        cache = ["--set", f"data.cache_dir={roots / 'cache'}"]
        model = ["-m", str(roots / "run"), "-q", "--engine", "torch"]
        translate = ["translate", *model, "-i", str(roots / "valid.en"), "-o", "out"]
        ends = as_nobody(
            [
                (roots, TRAIN),
                (text, [*TRAIN, *cache]),
                (text, [*TRAIN, "--set", "run_dir=again"]),
                (sticky, TRAIN),
                (text, translate),
            ]
        )
        codes, said = zip(*ends, strict=True)
        tries.note(
            "resumes root's run",
            codes=[codes[0], train(roots).returncode],
            said=said[0],
            is_exact=end_of(roots / "run") == undisturbed.end,
            lost="" if codes[0] == 2 and "owner" in said[0] else "owner and mode are not named",
        )
        for number, (what, run) in enumerate(
            [
                ("trains with root's cache", text / "run"),
                ("trains with an own cache", text / "again"),
                ("trains in a folder of all, with root's cache", sticky / "run"),
            ],
            start=1,
        ):
            tries.note(
                what,
                codes=[codes[number]],
                said=said[number],
                is_exact=codes[number] == 0 and end_of(run) == undisturbed.end,
            )
        own = mtcli(place, *translate)
        tries.note(
            "translates with root's model",
            codes=[codes[4], own.returncode],
            said=said[4] + own.stderr,
            is_exact=content_of(text / "out") == content_of(place / "out") is not None,
        )


# Namespaces by the flags of unshare(2); without a map a user is nobody, with all files nobody's.
UNSHARED = """\
import ctypes, os, runpy, sys
if ctypes.CDLL(None).unshare(int(sys.argv.pop(1))):
    sys.exit(77)
child = os.fork()
if child:
    os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
runpy.run_module("mtcli", run_name="__main__", alter_sys=True)
"""
NAMESPACES = {
    "no network, not even a loopback": 0x40000000,
    "a user without a name": 0x10000000,
    "process 1 of a container": 0x20000000,
    "an own host name and an own IPC": 0x04000000 | 0x08000000,
}


def test_namespaces(undisturbed, tmp_path):
    with fault("an empty namespace: network, user, processes, IPC", codes={0}) as tries:
        for what in tries.chosen(list(NAMESPACES), quick=2):
            folder = undisturbed.copy(tmp_path / what)
            command = [sys.executable, "-c", UNSHARED, str(NAMESPACES[what]), *TRAIN]
            done = run(command, folder)
            if done.returncode == 77:
                pytest.skip("this process may not make namespaces")
            tries.note(
                what,
                codes=[done.returncode],
                said=done.stderr,
                is_exact=end_of(folder / "run") == undisturbed.end,
            )
