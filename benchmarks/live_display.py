"""What the live display of `mtcli train` shows how soon, and what it costs.

Usage: python benchmarks/live_display.py CONFIG [--set KEY=VALUE ...] [--repeats 5] [--against TREE]

Trains on a pseudoterminal of 100x30. Prints for each run
- how long after the end of the first update its loss is on the screen (at most 0.3 s), and
- the CPU seconds of the display as a share of those of the run (under 0.5 %): the whole time of
  the thread that draws, and in the training thread the time of everything that exists for the
  display. They are times of threads, not a difference of runs.

With TREE, the folder of another version of mtcli, it prints instead how long after the start of
the command the first loss is on the screen, here and there in turns, and the ratio. The first runs,
which train the tokenizer and build the store, are not counted.
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOSS = re.compile(rb"loss +\d")
ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")


class Stopwatch:
    """Thread time of calls, those within others counted once."""

    def __init__(self) -> None:
        self.spent_s, self._depth = 0.0, 0

    def on(self, holder: Any, name: str) -> None:
        """Time a method of a class from now on."""
        method = getattr(holder, name)

        def timed(*args: Any, **keywords: Any) -> Any:
            with self.running():
                return method(*args, **keywords)

        setattr(holder, name, timed)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Count what is done inside."""
        self._depth += 1
        started_s = time.thread_time()
        try:
            yield
        finally:
            self._depth -= 1
            if self._depth == 0:
                self.spent_s += time.thread_time() - started_s


def measured_train(record: Path, arguments: Sequence[str]) -> None:
    """In the child: train with stopwatches on the display, and write what they say."""
    from mtcli.cli.app import main
    from mtcli.cli.live_panel import LiveObserver
    from mtcli.cli.live_region import Region
    from mtcli.training.readings import Readings

    times: dict[str, float] = {}
    watch, drawing = Stopwatch(), Stopwatch()
    for name in ("entered", "advanced", "stepped", "read", "reported", "validated"):
        watch.on(LiveObserver, name)
    watch.on(Readings, "updated")
    drawing.on(Region, "_keep_drawing")  # a thread of its own, from its start to its end
    stepped = LiveObserver.stepped

    def note_first(self: LiveObserver, step: int, total_steps: int | None) -> None:
        times.setdefault("first_update_at", time.time())
        stepped(self, step, total_steps)

    LiveObserver.stepped = note_first  # type: ignore[method-assign]

    def write() -> None:
        times["display_s"] = watch.spent_s + drawing.spent_s
        times["cpu_s"] = time.process_time()
        record.write_text(json.dumps(times), encoding="utf-8")

    atexit.register(write)
    sys.argv = ["mtcli", "train", *arguments]
    main()


def on_terminal(command: Sequence[str], tree: Path, *, ends_with_loss: bool) -> tuple[float, float]:
    """Run a command on a pseudoterminal. Returns when it began, and when a loss was on it."""
    started = time.time()
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ |= {"PYTHONPATH": str(tree), "TERM": "xterm-256color"}
        os.execv(command[0], list(command))
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    seen, shown = b"", 0.0
    while True:
        select.select([terminal], [], [])
        try:
            data = os.read(terminal, 65536)
        except OSError:  # the command has ended
            break
        if not data:
            break
        seen = (seen + data)[-200_000:]
        if not shown and LOSS.search(ESCAPES.sub(b"", seen)):
            shown = time.time()
            if ends_with_loss:
                os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    if not shown:
        sys.exit(ESCAPES.sub(b"", seen).decode("utf-8", "replace")[-2000:])
    return started, shown


def overrides(arguments: argparse.Namespace, run_dir: Path, *more: str) -> list[str]:
    keys = [*arguments.set, f"run_dir={run_dir}", *more]
    return [arguments.config, "--fresh", *(word for key in keys for word in ("--set", key))]


def keep_tokenizer(arguments: argparse.Namespace, folder: Path) -> None:
    """Let all further runs use a tokenizer that one run has trained."""
    words = [sys.executable, "-m", "mtcli", "train", *overrides(arguments, folder / "first")]
    on_terminal(words, ROOT, ends_with_loss=True)
    trained = folder / "first/tokenizer/tokenizer.model"
    if trained.exists():
        arguments.set.append(f"tokenizer.model={trained}")


def measure_here(arguments: argparse.Namespace, folder: Path) -> None:
    """How soon, and at what cost."""
    record = folder / "record.json"
    for number in range(arguments.repeats + 1):
        words = [sys.executable, __file__, "--child", str(record)]
        words += overrides(arguments, folder / "run")
        _, shown = on_terminal(words, ROOT, ends_with_loss=False)
        times = json.loads(record.read_text(encoding="utf-8"))
        if number:
            print(
                f"first loss {shown - times['first_update_at']:.3f} s after the first update;"
                f" display {times['display_s']:.3f} of {times['cpu_s']:.1f} CPU seconds,"
                f" {times['display_s'] / times['cpu_s']:.3%}"
            )


def compare(arguments: argparse.Namespace, folder: Path) -> None:
    """How soon after the start, here and in another tree."""
    taken: dict[Path, list[float]] = {ROOT: [], arguments.against.resolve(): []}
    for number in range(arguments.repeats + 1):
        for place, tree in enumerate(taken):
            # an old display shows nothing before the first report
            words = [sys.executable, "-m", "mtcli", "train"]
            words += overrides(arguments, folder / str(place), "training.log_every_steps=1")
            started, shown = on_terminal(words, tree, ends_with_loss=True)
            if number:
                taken[tree].append(shown - started)
                print(f"{tree}: first loss after {shown - started:.2f} s")
    ratios = [here / there for here, there in zip(*taken.values(), strict=True)]
    print(f"here / there: median {statistics.median(ratios):.3f}, {min(ratios):.3f} to"
          f" {max(ratios):.3f}")  # fmt: skip


def main() -> None:
    if sys.argv[1] == "--child":
        measured_train(Path(sys.argv[2]), sys.argv[3:])
        return
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("config")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--against", type=Path, metavar="TREE")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        keep_tokenizer(arguments, Path(folder))
        (measure_here if arguments.against is None else compare)(arguments, Path(folder))


if __name__ == "__main__":
    main()
