"""benchmarks/run_queue.py: jobs side by side, an interruption, going on, the table."""

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks import run_queue
from benchmarks.run_queue import Job, Queue, read_jobs
from mtcli.runs.folder import RunFolder
from mtcli.runs.lock import locked
from tests.support.small_run import write_run

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "benchmarks/run_queue.py"


def command(*args):
    return [sys.executable, str(SCRIPT), "jobs.txt", *args]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT) + os.pathsep + os.environ.get("PYTHONPATH", ""))
    write_run(tmp_path, "training.max_steps=100000")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_it_stops_goes_on_and_tabulates(folder, number):
    (folder / "jobs.txt").write_text(
        "config.yaml run_dir=long  # too long to wait for\n\n"
        "config.yaml run_dir=short training.max_steps=6\n"
    )
    process = subprocess.Popen(command("--jobs", "2"), cwd=folder, stdout=subprocess.PIPE)
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and not (
        (folder / "long/last").exists() and (folder / "short/best").exists()
    ):
        time.sleep(0.1)
    process.send_signal(number)
    stdout, _ = process.communicate(timeout=300)
    assert process.returncode == 75
    assert b"| long |" in stdout
    saved = max(RunFolder(folder / "long").all_checkpoints())
    (folder / "jobs.txt").write_text(
        f"config.yaml run_dir=long training.max_steps={saved + 1}\n"
        "config.yaml run_dir=short training.max_steps=6\n"
    )
    result = subprocess.run(command(), cwd=folder, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    assert f"resuming from the checkpoint of step {saved}" in (folder / "long/train.log").read_text(
        encoding="utf-8"
    )
    rows = [line.split(" | ") for line in result.stdout.split("\n") if line.startswith("| ")]
    assert [row[0] for row in rows] == ["| run", "| long", "| short"]
    assert all(row[-1] == "0 |" and float(row[7]) > 0 for row in rows[1:])
    shown = subprocess.run(
        command("--table"), cwd=folder, capture_output=True, text=True, timeout=300
    )
    assert [line.split(" | ")[:8] for line in shown.stdout.split("\n")[2:4]] == [
        row[:8] for row in rows[1:]
    ]


def test_two_jobs_in_one_folder_are_refused(folder):
    (folder / "jobs.txt").write_text("config.yaml\nconfig.yaml seed=2\n")
    result = subprocess.run(command(), cwd=folder, capture_output=True, text=True, timeout=300)
    assert result.returncode == 1
    assert "two jobs have the run_dir" in result.stderr


def test_set_holds_for_all_jobs(folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "jobs.txt").write_text("config.yaml run_dir=a\nconfig.yaml run_dir=b model.d_ff=8\n")
    jobs = read_jobs(folder / "jobs.txt", ["seed=7", "model.d_ff=16"])
    assert [job.overrides for job in jobs] == [
        ("run_dir=a", "seed=7", "model.d_ff=16"),
        ("run_dir=b", "model.d_ff=8", "seed=7", "model.d_ff=16"),
    ]


@pytest.mark.slow
def test_a_run_that_another_process_trains_is_waited_for(folder):
    (folder / "jobs.txt").write_text(
        "config.yaml run_dir=one training.max_steps=2\nconfig.yaml run_dir=two training.max_steps=2"
    )
    with locked(folder / "one"):
        process = subprocess.Popen(command(), cwd=folder, stdout=subprocess.PIPE, text=True)
        assert "waiting for one, which is in use" in process.stdout.readline()
        time.sleep(1)
        assert not (folder / "two").exists()
    rest, _ = process.communicate(timeout=300)
    assert process.returncode == 0, rest
    assert [line[9:] for line in rest.split("\n") if " starting " in line] == [
        "starting one",
        "starting two",
    ]


def test_a_job_that_another_process_came_before_with_waits_again(tmp_path, monkeypatch):
    """Refused, because in the meantime another one has the lock that nobody had when it started."""
    job, started = Job("config.yaml", (), tmp_path), []

    def start(queue, job):
        started.append(job)
        code = 2 if len(started) == 1 else 0
        queue.running[subprocess.Popen(["sh", "-c", f"exit {code}"])] = job

    in_use = iter([False, True, True, False])
    monkeypatch.setattr(run_queue, "is_in_use", lambda _: next(in_use))
    monkeypatch.setattr(Queue, "_start", start)
    queue = Queue([job], argparse.Namespace(jobs=1))
    queue.run()
    assert (started, queue.codes) == ([job, job], {job: 0})
