"""benchmarks/gpu_check.sh on a CPU: every part runs, and the page says so."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks/gpu_check.sh"
pytestmark = pytest.mark.slow


def test_every_part_runs_on_a_cpu_with_tiny_shapes(tmp_path):
    command = [str(SCRIPT), str(tmp_path / "out"), "--device", "cpu"]
    environment = os.environ | {"PYTHON": sys.executable}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    page = (tmp_path / "out/results.md").read_text(encoding="utf-8")
    parts = ["tests", "train-fp32", "train-bf16", "train-half", "resume", "two-processes"]
    for part in [*parts, "translate", "bench-tiny"]:
        assert f"| {part} |" in page
    assert "failed**" not in page
    assert "share of the limit" in page
    assert len((tmp_path / "out/test.de").read_text(encoding="utf-8").splitlines()) == 8


def test_what_does_not_fit_into_the_time_has_failed(tmp_path):
    command = [str(SCRIPT), str(tmp_path), "--device", "cpu", "--limit-s", "0"]
    environment = os.environ | {"PYTHON": sys.executable}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 1
    assert "| translate | 0 | **failed** (out of time) |" in done.stdout
    assert done.stdout.endswith(" parts failed.\n")
