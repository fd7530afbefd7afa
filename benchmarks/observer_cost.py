"""CPU seconds of a run's observers and loggers, as a share of all CPU seconds of its process.

Usage: python benchmarks/observer_cost.py CONFIG [--set KEY=VALUE ...] [--limit 1.0]
Trains the config from the start, in a temporary run folder, with the observers of `mtcli train` and
the loggers of `logging` (for example --set logging='[{kind: tensorboard}, {kind: wandb, mode:
offline}]'). The time is that of the code itself, measured by the clock of the thread that it runs
in: every call of an observer, and all that the threads of loggers do, their imports included.
Threads and processes that a tracker starts itself are not in it: what all child processes took is
printed as well. Exit code 1: the share is above the limit, in percent.
"""

import argparse
import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from mtcli.config.load import load_config
from mtcli.runs.folder import RunFolder
from mtcli.runs.invocations import Invocation
from mtcli.training.observers.invocation_recorder import InvocationRecorder
from mtcli.training.observers.loggers.observer import LoggerObserver
from mtcli.training.observers.protocol import Observer, Observers
from mtcli.training.setup import train

CALLS = [name for name in vars(Observer) if not name.startswith("_")]


def timed(cpu_s, name, function):
    """The function, which counts its CPU time under a name."""

    def call(*arguments, **options):
        started = time.thread_time()
        try:
            return function(*arguments, **options)
        finally:
            cpu_s[name] += time.thread_time() - started

    return call


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--limit", type=float, default=1.0)
    arguments = parser.parse_args()
    cpu_s = Counter()
    for name in CALLS:
        setattr(Observers, name, timed(cpu_s, f"observers: {name}", getattr(Observers, name)))
    work = LoggerObserver._work

    def timed_work(observer):
        name = f"logger: {type(observer._logger).__name__}"
        timed(cpu_s, name, work)(observer)

    LoggerObserver._work = timed_work
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder) / "run"
        config = load_config(arguments.config, [*arguments.set, f"run_dir={run_dir}"])
        recorder = InvocationRecorder(RunFolder(run_dir), Invocation(sys.argv, {}))
        started = time.process_time()
        outcome = train(config, observers=[recorder])
        total_s = time.process_time() - started
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    share = 100 * sum(cpu_s.values()) / total_s
    print(outcome.reason)
    for name, seconds in cpu_s.most_common():
        print(f"{name:35} {seconds:8.3f} CPU s {100 * seconds / total_s:7.3f} %")
    print(f"{'all of these':35} {sum(cpu_s.values()):8.3f} CPU s {share:7.3f} %")
    print(f"{'the run':35} {total_s:8.3f} CPU s")
    print(f"{'child processes':35} {children.ru_utime + children.ru_stime:8.3f} CPU s")
    sys.exit(int(share > arguments.limit))  # wandb cannot report an exit code that is a bool


if __name__ == "__main__":
    main()
