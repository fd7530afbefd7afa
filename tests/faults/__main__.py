"""Throw the faults and write the table: `python -m tests.faults --all --table FILE`.

In parts, with a table of all of them at the end:

    python -m tests.faults --all --record parts.jsonl -- -k signals
    python -m tests.faults --all --record parts.jsonl --table FILE -- -k "not signals"
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.fault import MOST_TRIES, RECORD, WHOLE
from tests.faults.table import make_table

ROOT = Path(__file__).parents[2]
PROCESSES_PER_CORE = 2

_PAGE = """\
# Faults

What was thrown at mtcli, how often, and how it ended. A try is bit-exact if the run, the
translation or the file became what it becomes without the fault. It is lost or silent if something
was lost, changed without a word, or ended with a traceback or an exit code that is not promised.
Codes below 0 are processes that the fault itself killed.

```bash
{command}
```

{date}, {machine}, {minutes:.0f} minutes, commit {commit}.

{table}"""


def main() -> int:
    """Run the tests of this folder, write the table; the exit code of pytest."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--all", action="store_true", help="throw all faults, not the quick ones")
    parser.add_argument("--tries", type=int, help="throw each fault at most so many times")
    parser.add_argument("--record", type=Path, help="the file that keeps all tries, old and new")
    parser.add_argument("--table", type=Path, help="the page to write; default: print the table")
    # most of the time goes into waiting: for a moment, a limit, a process that ends
    most = str(PROCESSES_PER_CORE * (os.cpu_count() or 1))
    parser.add_argument("--processes", default=most, help="of pytest; default: %(default)s")
    parser.add_argument("pytest", nargs="*", help="arguments for pytest, after `--`")
    given = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        record = (given.record or Path(folder) / "record.jsonl").absolute()
        # threads of arithmetic of more processes than cores would wait for each other
        environment = {"OMP_NUM_THREADS": "1", **os.environ, RECORD: str(record)}
        environment |= {WHOLE: "1"} if given.all else {}
        environment |= {MOST_TRIES: str(given.tries)} if given.tries else {}
        # worksteal would hand a file's tests out one by one, and each asks for the same fixtures
        how = ["-m", "slow", "-n", given.processes, "--dist", "loadgroup"]
        how += ["-p", "no:cacheprovider"]
        command = [sys.executable, "-m", "pytest", "tests/faults", *how, *given.pytest]
        code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        lines = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
    table = make_table(lines)
    if given.table is None:
        print(table)
        return code
    given.table.write_text(
        _PAGE.format(
            command=" ".join(["python", "-m", "tests.faults", *sys.argv[1:]]),
            date=time.strftime("%Y-%m-%d"),
            machine=f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
            minutes=(time.monotonic() - started) / 60,
            commit=_commit(),
            table=table,
        ),
        encoding="utf-8",
    )
    return code


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
