"""environment.json: versions, hardware and git revision of a run."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mtcli.folders import write_json
from mtcli.runs.folder import RunFolder


def write_environment(run: RunFolder, extra: dict[str, Any]) -> None:
    """Write environment.json: versions, hardware, git revision, and what the caller knows."""
    packages = ("torch", "sentencepiece", "sacrebleu", "safetensors", "numpy", "datasets")
    write_json(
        run.path / "environment.json",
        {
            "format_version": 1,
            "written_at_s": time.time(),
            "mtcli": _own_version(),
            "python": platform.python_version(),
            "packages": {name: version(name) for name in packages},
            "platform": platform.platform(),
            "hostname": platform.node(),
            "cpu": _cpu_name(),
            "num_cpus": os.cpu_count(),
            "git_revision": _git_revision(),
        }
        | extra,
    )


def _own_version() -> str:
    """The package's: the metadata have the name of the distribution, which may be another one.

    It is looked up by name, because the public API in `mtcli/__init__.py` knows all rooms.
    """
    return str(import_module("mtcli").__version__)


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n")
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _git_revision() -> str | None:
    """Revision of the working directory's repository; None outside one."""
    try:
        result = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() or None if result.returncode == 0 else None
