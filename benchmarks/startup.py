"""Time from `mtcli train` to the end of the first update, on a warm store, and what it goes into.

Usage: python benchmarks/startup.py CONFIG [--set KEY=VALUE ...] [--repeats 5] [--nproc 1]
The first start, which trains the tokenizer and builds the store, is not counted. Prints wall and
CPU seconds (of the launcher and its workers) of every start, and the medians. On a machine that
others use, only the CPU seconds mean something.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(pid):
    """User and system seconds of a process and its children, ended or not."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = sum(int(ticks) for ticks in fields[11:15]) / TICKS
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(cpu_s(child) for child in children)


def start(arguments, run_dir):
    """Wall and CPU seconds from the start of a fresh run until it logs its first update."""
    command = [sys.executable, "-m", "mtcli", "train", arguments.config, "--fresh"]
    command += ["--nproc", str(arguments.nproc)]
    overrides = [*arguments.set, f"run_dir={run_dir}", "training.log_every_steps=1"]
    for override in overrides:
        command += ["--set", override]
    started = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    said = []
    for line in process.stderr:
        said.append(line)
        if line.startswith("step 1"):
            break
    else:
        sys.exit("".join(said))
    taken = time.perf_counter() - started, cpu_s(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return taken


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("config")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--nproc", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder) / "run"
        start(arguments, run_dir)
        kept = Path(folder) / "tokenizer"  # a prepared corpus, as the rivals have theirs
        if (run_dir / "tokenizer/tokenizer.model").exists():
            (run_dir / "tokenizer").rename(kept)
            arguments.set.append(f"tokenizer.model={kept / 'tokenizer.model'}")
            start(arguments, run_dir)
        taken = [start(arguments, run_dir) for _ in range(arguments.repeats)]
    for wall, cpu in taken:
        print(f"first update after {wall:.2f} s, {cpu:.2f} s of CPU time")
    wall, cpu = (statistics.median(column) for column in zip(*taken, strict=True))
    print(f"median {wall:.2f} s, {cpu:.2f} s of CPU time")


if __name__ == "__main__":
    main()
