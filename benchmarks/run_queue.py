"""Trains a list of configs, one after the other or side by side, and tabulates what they reached.

    python benchmarks/run_queue.py JOBS.txt [--jobs 2] [--nproc 1] [--threads 1] [--table]
        [--set KEY=VALUE ...]

JOBS.txt has a job a line: a config and overrides, for instance
    configs/demo.yaml seed=2 run_dir=runs/demo-2
Empty lines and what follows a # are ignored; --set holds for all jobs. Called again it goes on:
mtcli itself says of a finished run that it is, and resumes the others. Ctrl-C, SIGTERM and a closed
terminal let the runs save, then leave with code 75. A run that something else trains, an earlier
queue that was killed say, is waited for. --table trains nothing. The table is made from
metrics.jsonl, on valid only. benchmarks/jobs has the lists behind docs/results/training.md.
"""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from mtcli.config.load import load_config
from mtcli.errors import MtcliError
from mtcli.runs.lock import is_in_use
from mtcli.runs.metrics import read_validations
from mtcli.system.processes import discard_output, find_terminals

REFUSED, STOPPED = 2, 75


@dataclass(frozen=True)
class Job:
    """One run."""

    config: str
    overrides: tuple[str, ...]
    run_dir: Path

    @property
    def command(self) -> list[str]:
        """What mtcli is called with."""
        sets = [part for override in self.overrides for part in ("--set", override)]
        return [sys.executable, "-m", "mtcli", "train", self.config, *sets, "-q"]


def read_jobs(path: Path, sets: list[str]) -> list[Job]:
    """The jobs of a file, each with a run folder of its own; `sets` are overrides of them all."""
    jobs = []
    for line in path.read_text(encoding="utf-8").split("\n"):
        words = shlex.split(line, comments=True)
        if words:
            overrides = [*words[1:], *sets]
            run_dir = load_config(Path(words[0]), overrides).run_dir
            jobs.append(Job(words[0], tuple(overrides), run_dir))
    folders = [job.run_dir for job in jobs]
    for folder in folders:
        if folders.count(folder) > 1:
            sys.exit(f"error: {path}: two jobs have the run_dir {folder}")
    return jobs


class Queue:
    """Jobs that wait, jobs that run, and how those that ended did."""

    def __init__(self, jobs: list[Job], args: argparse.Namespace) -> None:
        self.waiting = list(jobs)
        self.args = args
        self.running: dict[subprocess.Popen[bytes], Job] = {}
        self.codes: dict[Job, int] = {}
        self.announced: set[Job] = set()
        self.is_stopping = False

    def stop(self, *_: object) -> None:
        """Let all runs save and exit; start no others."""
        for process in () if self.is_stopping else self.running:
            process.send_signal(signal.SIGTERM)
        self.is_stopping = True

    def run(self) -> None:
        """Until all jobs have ended, or all that run after a request to stop."""
        while self.running or (self.waiting and not self.is_stopping):
            self._start_what_may()
            for process in [p for p in self.running if p.poll() is not None]:
                job = self.running.pop(process)
                if process.returncode == REFUSED and is_in_use(job.run_dir):
                    # another one had started it, and not yet come to its lock
                    self.waiting.insert(0, job)
                    continue
                self.codes[job] = process.returncode
                print(f"{clock()} ended {job.run_dir.name}: {process.returncode}", flush=True)
            time.sleep(0.2)

    def _start_what_may(self) -> None:
        others = [job for job in self.waiting if is_in_use(job.run_dir)]
        for job in others:
            if job not in self.announced:
                print(f"{clock()} waiting for {job.run_dir.name}, which is in use", flush=True)
                self.announced.add(job)
        free = [job for job in self.waiting if job not in others]
        num_more = self.args.jobs - len(self.running) - len(others)
        for job in free[: max(0, num_more)]:
            if not self.is_stopping:
                self.waiting.remove(job)
                self._start(job)

    def _start(self, job: Job) -> None:
        print(f"{clock()} starting {job.run_dir.name}", flush=True)
        # A session of its own, so that Ctrl-C reaches it once, from here.
        process = subprocess.Popen(
            [*job.command, "--nproc", str(self.args.nproc)],
            env=os.environ | {"OMP_NUM_THREADS": str(self.args.threads)},
            start_new_session=True,
        )
        self.running[process] = job
        if self.is_stopping:  # the request came while it was started
            process.send_signal(signal.SIGTERM)


def clock() -> str:
    """Time of day."""
    return time.strftime("%H:%M:%S")


def table(jobs: list[Job], codes: dict[Job, int]) -> str:
    """The runs as a Markdown table, in the order of the jobs."""
    lines = [
        "| run | valid BLEU, best | at step | last | loss | tokens | computed | CPU s | exit |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for job in jobs:
        validations = read_validations(job.run_dir / "metrics.jsonl")
        code = codes.get(job, "")
        if not validations:
            lines.append(f"| {job.run_dir.name} | – | – | – | – | – | – | – | {code} |")
            continue
        best, last = max(validations, key=lambda m: m["bleu"]), validations[-1]
        computed = last.get("total_tgt_tokens_computed", "")
        lines.append(
            f"| {job.run_dir.name} | {best['bleu']:.2f} | {best['step']} | {last['bleu']:.2f}"
            f" | {last['loss_per_token']:.3f} | {last['total_tgt_tokens']}"
            f" | {computed} | {last.get('cpu_s', 0):.0f} | {code} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Run the queue, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("list", type=Path)
    parser.add_argument("--jobs", type=int, default=1, help="runs at the same time")
    parser.add_argument("--nproc", type=int, default=1, help="processes of each run")
    parser.add_argument("--threads", type=int, default=1, help="threads of each process")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--table", action="store_true", help="train nothing")
    args = parser.parse_args()
    try:
        jobs = read_jobs(args.list, args.set)
    except MtcliError as error:
        sys.exit(f"error: {error}")
    queue = Queue(jobs, args)
    if not args.table:
        signal.signal(signal.SIGINT, queue.stop)
        signal.signal(signal.SIGTERM, queue.stop)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup has it
            shown_on = find_terminals()
            signal.signal(signal.SIGHUP, lambda *_: (discard_output(shown_on), queue.stop()))
        queue.run()
    print(table(jobs, queue.codes))
    if queue.is_stopping:
        sys.exit(STOPPED)
    sys.exit(1 if any(queue.codes.values()) else 0)


if __name__ == "__main__":
    main()
