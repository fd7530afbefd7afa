"""How long `mtcli --help` and a one-line translation take, against the imports they cannot avoid.

    python benchmarks/startup_ratios.py [-m MODEL] [--repeats 25]

Prints two ratios: `mtcli --help` over `import typer, rich.console`, and, for a MODEL with an
export, `echo 'A dog runs .' | mtcli translate -m MODEL` over `import sentencepiece`. The two
commands of a ratio take turns, and the ratio is that of their medians. On a machine that others
use, trust the CPU time (user and system), not the wall time.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time

MTCLI = [sys.executable, "-m", "mtcli"]


def cost(command):
    """Wall and CPU seconds of one run of a command."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    process.stdin.write(b"A dog runs .\n")
    process.stdin.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command} ended with code {process.returncode}")
    return time.perf_counter() - started, usage.ru_utime + usage.ru_stime


def report(name, ours, statement, repeats):
    """Print the ratio of `ours` to a Python statement, in wall and in CPU time."""
    theirs = [sys.executable, "-c", statement]
    cost(ours), cost(theirs)  # warm the file cache
    costs = [(cost(ours), cost(theirs)) for _ in range(repeats)]
    print(f"{name} / {statement}")
    for kind, unit in enumerate(("wall", "CPU")):
        our_s, their_s = (statistics.median(run[side][kind] for run in costs) for side in range(2))
        print(f"  {unit:<4} {our_s / their_s:.2f} ({our_s:.3f} s / {their_s:.3f} s)")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("-m", "--model")
    parser.add_argument("--repeats", type=int, default=25)
    arguments = parser.parse_args()
    report("mtcli --help", [*MTCLI, "--help"], "import typer, rich.console", arguments.repeats)
    if arguments.model is not None:
        one_line = [*MTCLI, "translate", "-m", arguments.model]
        report("one line", one_line, "import sentencepiece", arguments.repeats)


if __name__ == "__main__":
    main()
