"""Draw what users see on terminals of 80x24 and 100x30, as SVG files in docs/screens/.

    python scripts/screens.py               # all of them, with a training run of the demo corpus
    python scripts/screens.py --only help   # those whose name begins like this

Every screen is that of a real command, which runs on a pseudoterminal with a terminal emulator
(pyte) behind it. Needs a Unix and the `dev` extra.
"""

from __future__ import annotations

import argparse
import fcntl
import io
import os
import pty
import re
import select
import shlex
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pyte
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
SCREENS = ROOT / "docs/screens"
SIZES = ((80, 24), (100, 30))
_PATIENCE_S = 3600.0
"""Longest wait for a moment of a command."""
_NAMES = {"brown": "yellow", "brightblack": "bright_black", "default": ""}
"""Colours of pyte that Rich calls otherwise."""


class Terminal:
    """A command on a terminal of some size.

    Args:
        command: as it is typed; `mtcli` is this checkout.
        folder: where it runs.
        size: columns and lines.
    """

    def __init__(self, command: str, folder: Path, size: tuple[int, int]) -> None:
        self._screen = pyte.HistoryScreen(*size, history=1000)
        self._stream = pyte.ByteStream(self._screen)
        self._command = command
        self._stream.feed(f"$ {command}\r\n".encode())
        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            os.chdir(folder)
            os.environ |= {
                "PYTHONPATH": str(ROOT),
                "TERM": "xterm-256color",
                "OMP_NUM_THREADS": "1",
            }
            os.environ.pop("NO_COLOR", None)
            time.sleep(0.2)  # until the terminal has its size
            _, *words = shlex.split(command)
            os.execv(sys.executable, [sys.executable, "-m", "mtcli", *words])
        self._set_size(size)
        self._is_over = False

    def _set_size(self, size: tuple[int, int]) -> None:
        self.size = size
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))

    def resize(self, size: tuple[int, int]) -> None:
        """Change the size, and wait until the command has drawn everything again."""
        self._screen.resize(size[1], size[0])
        self._set_size(size)
        self._read(2.0)

    def wait_for(self, has_come: Callable[[str], bool], more_s: float = 0.6) -> None:
        """Read until the text on the screen is that of a moment, and a little longer."""
        end_s = time.monotonic() + _PATIENCE_S
        while not self._is_over and not has_come("\n".join(self._screen.display)):
            if time.monotonic() > end_s:
                sys.exit(f"{self._command}: the moment did not come:\n{self._screen.display}")
            self._read(0.1)
        self._read(more_s)

    def finish(self) -> None:
        """Read until the command has ended."""
        while not self._is_over:
            self._read(1.0)
        os.waitpid(self._pid, 0)
        self._stream.feed(b"$ ")

    def kill(self) -> None:
        """End the command."""
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)

    def draw(self, name: str) -> None:
        """Write the screen as an SVG."""
        columns, lines = self.size
        console = Console(record=True, width=columns, file=io.StringIO(), force_terminal=True)
        for number in range(lines):
            console.print(self._row(number, columns), no_wrap=True, overflow="crop")
        # without the fonts that Rich fetches from elsewhere
        template = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
        path = SCREENS / f"{name}-{columns}x{lines}.svg"
        path.parent.mkdir(parents=True, exist_ok=True)
        title = f"{columns} x {lines}"
        svg = console.export_svg(title=title, code_format=template, unique_id=f"s-{path.stem}")
        path.write_text(re.sub(r"[ \t]+\n", "\n", svg), encoding="utf-8")
        print(path.relative_to(ROOT))

    def _row(self, number: int, columns: int) -> Text:
        row = Text()
        for column in range(columns):
            cell = self._screen.buffer[number][column]
            colour = _NAMES.get(cell.fg, cell.fg)
            colour = f"#{colour}" if re.fullmatch(r"[0-9a-f]{6}", colour) else colour
            row.append(cell.data, f"{'bold ' if cell.bold else ''}{colour}".strip())
        row.rstrip()
        return row

    def _read(self, seconds: float) -> None:
        end_s = time.monotonic() + seconds
        while not self._is_over and (left_s := end_s - time.monotonic()) > 0:
            if not select.select([self._fd], [], [], left_s)[0]:
                continue
            try:
                data = os.read(self._fd, 65536)
            except OSError:  # the command has ended
                data = b""
            self._is_over = not data
            # pyte knows no faint text
            self._stream.feed(data.replace(b"\x1b[2m", b"\x1b[90m"))


def at_the_end(name: str, command: str, folder: Path, setup: str = "") -> None:
    """Draw the screen after a command, in each size."""
    for size in SIZES:
        if setup:
            subprocess.run(setup, shell=True, cwd=folder, check=True)
        terminal = Terminal(command, folder, size)
        terminal.finish()
        terminal.draw(name)


def train(folder: Path) -> None:
    """Draw a run in its first updates, later, while it validates, and in the end."""
    command = "mtcli train configs/demo.yaml"
    terminal = Terminal(command, folder, SIZES[0])
    for name, has_come in (
        ("train-early", lambda text: "loss  " in text),
        ("train-validating", lambda text: bool(re.search(r"validating .* of 500", text))),
        ("train-steady", lambda text: text.count("validation at step") >= 2 and "before  " in text
                                      and "training  " in text),
    ):  # fmt: skip
        for size in SIZES:
            if terminal.size != size:
                terminal.resize(size)
            terminal.wait_for(has_come, 0.0 if name == "train-validating" else 0.6)
            terminal.draw(name)
    terminal.resize(SIZES[0])
    terminal.finish()
    terminal.draw("train-end")
    again = Terminal(command, folder, SIZES[1])
    again.finish()
    again.draw("train-end")


def translate(folder: Path) -> None:
    """Draw the bar of a translation."""
    for size in SIZES:
        terminal = Terminal(
            "mtcli translate -m runs/demo -i data/demo/train.en -o output.de", folder, size
        )
        terminal.wait_for(lambda text: bool(re.search(r"of 20,000 lines", text)), 3.0)
        terminal.draw("translate")
        terminal.kill()


def main() -> None:
    """Prepare a folder, and draw what was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", default="", help="draw screens whose name begins like this")
    parser.add_argument("--folder", type=Path, help="work here, where a demo run may be finished")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or Path(temporary)
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        demo = [sys.executable, "-m", "mtcli", "demo", str(folder)]
        if not (folder / "configs/demo.yaml").exists():
            subprocess.run(demo, check=True, env=environment)
        for name, draw in (
            ("help", lambda: at_the_end("help", "mtcli --help", folder)),
            ("train", lambda: train(folder)),
            ("translate", lambda: translate(folder)),
            ("export", lambda: at_the_end(
                "export", "mtcli export -m runs/demo --verify-on data/demo/valid.en", folder,
                "rm -rf runs/demo/models/*/ctranslate2",
            )),
            ("error-option", lambda: at_the_end(
                "error-option", "mtcli translate -m runs/demo --engin torch -b 8", folder,
            )),
            ("error-config", lambda: at_the_end(
                "error-config",
                "mtcli train configs/demo.yaml --set optim.lrr=1e-3 --set model.d_model=big"
                " --set batch.max_token=4096",
                folder,
            )),
        ):  # fmt: skip
            if name.startswith(args.only):
                draw()


if __name__ == "__main__":
    main()
