"""Time from `mtcli train` to the end of the first update, on a warm store, and what it goes into.

Usage: python benchmarks/startup.py CONFIG [--set KEY=VALUE ...] [--repeats 5] [--nproc 1]
           [--base CHECKOUT]
The first start, which trains the tokenizer and builds the store, is not counted. Prints wall and
CPU seconds (of the launcher and its workers) of every start, and the medians. On a machine that
others use, only the CPU seconds mean something. With `--base`, an older checkout that reads the
same config starts in turn with this one, and the median of the ratios is printed.
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

ROOT = Path(__file__).resolve().parents[1]
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(pid):
    """User and system seconds of a process and its children, ended or not."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = sum(int(ticks) for ticks in fields[11:15]) / TICKS
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(cpu_s(child) for child in children)


def environment(checkout):
    """That of a program that imports mtcli from there, with bytecode as an installed one has it."""
    kept = {k: value for k, value in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    # without the first, mtcli would be that of the working directory
    return kept | {"PYTHONSAFEPATH": "1", "PYTHONPATH": str(checkout)}


def start(arguments, checkout, run_dir):
    """Wall and CPU seconds from the start of a fresh run until it logs its first update."""
    command = [sys.executable, "-m", "mtcli", "train", arguments.config, "--fresh"]
    command += ["--nproc", str(arguments.nproc)]
    overrides = [*arguments.set, f"run_dir={run_dir}", "training.log_every_steps=1"]
    for override in overrides:
        command += ["--set", override]
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(checkout),
    )
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


def prepare(arguments, checkout, folder):
    """A prepared corpus, as the rivals have theirs. Returns the run folder of this checkout."""
    folder.mkdir()
    run_dir, kept = folder / "run", folder / "tokenizer"
    start(arguments, checkout, run_dir)
    is_given = any(override.startswith("tokenizer.model=") for override in arguments.set)
    if (run_dir / "tokenizer/tokenizer.model").exists() and not is_given:
        (run_dir / "tokenizer").rename(kept)
        arguments.set.append(f"tokenizer.model={kept / 'tokenizer.model'}")
        start(arguments, checkout, run_dir)
    return run_dir


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("config")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--nproc", type=int, default=1)
    parser.add_argument("--base", type=Path)
    arguments = parser.parse_args()
    checkouts = {"this": ROOT}
    if arguments.base is not None:
        checkouts["base"] = arguments.base.absolute()
    with tempfile.TemporaryDirectory() as folder:
        run_dirs = {
            name: prepare(arguments, checkout, Path(folder) / name)
            for name, checkout in checkouts.items()
        }
        taken = {name: [] for name in checkouts}
        for _ in range(arguments.repeats):
            for name, checkout in checkouts.items():
                taken[name].append(start(arguments, checkout, run_dirs[name]))
                wall, cpu = taken[name][-1]
                print(
                    f"{name}: first update after {wall:.2f} s, {cpu:.2f} s of CPU time", flush=True
                )
    for name, starts in taken.items():
        wall, cpu = (statistics.median(column) for column in zip(*starts, strict=True))
        print(f"{name}: median {wall:.2f} s, {cpu:.2f} s of CPU time")
    if arguments.base is not None:
        pairs = zip(taken["this"], taken["base"], strict=True)
        ratios = [[new / old for new, old in zip(*pair, strict=True)] for pair in pairs]
        wall, cpu = (statistics.median(column) for column in zip(*ratios, strict=True))
        print(f"this over base, median of the pairs: {wall:.3f}, CPU {cpu:.3f}")


if __name__ == "__main__":
    main()
