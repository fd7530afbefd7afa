"""Run mtcli as another user, who has no home and may not read everything, unlike root."""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UID = 65534


@lru_cache
def _python() -> tuple[str, ...] | None:
    """The words that start this Python as another user; None if that user may not.

    The interpreter of a virtual environment may be in root's home: then one of the same version
    that everybody has, with this environment's packages, does as well.
    """
    packages = sysconfig.get_path("purelib")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    general = shutil.which(f"python{version}", path="/usr/bin")
    for program in filter(None, (sys.executable, general)):
        path = os.pathsep.join([str(ROOT), packages])
        command = ["/usr/bin/env", f"PYTHONPATH={path}", program]
        try:
            done = subprocess.run(
                [*command, "-c", "import torch, mtcli"],
                cwd="/", user=UID, group=UID, extra_groups=[], capture_output=True, check=False,
            )  # fmt: skip
        except OSError:
            continue
        if done.returncode == 0:
            return tuple(command)
    return None


def run_as_nobody(
    arguments: Sequence[str | Path], *, folder: Path, input: str = ""
) -> subprocess.CompletedProcess:
    """`python ARGUMENTS` as uid 65534, who can write neither home nor `folder`."""
    return _run(arguments, folder, input, user=UID, group=UID, extra_groups=[])


def run_as_root(arguments: Sequence[str | Path], *, folder: Path) -> subprocess.CompletedProcess:
    """`python ARGUMENTS`, with a Python that the other user may run, for what forks into one."""
    return _run(arguments, folder, "")


def _run(arguments, folder, input, **user) -> subprocess.CompletedProcess:
    if not hasattr(os, "getuid") or os.getuid() != 0 or _python() is None:
        pytest.skip("only root can become another user, who must be able to run this Python")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": "/proc/1/nobody",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.run(
        [*_python(), *map(str, arguments)],
        cwd=folder, env=environment, input=input, capture_output=True, text=True, check=False,
        timeout=600, **user,
    )  # fmt: skip
