"""Memory of `mtcli translate` while millions of lines run through it, and whether all come out.

Usage: python benchmarks/memory_of_translate.py [--lines 200000] [--stub-lines 20000]
           [--noise-lines 100000] [--threads 1] [--at-once]
           [--svg docs/results/translate-memory.svg]

Three runs of the whole command, each a process of its own between two pipes:
- identity: an engine that gives back what it gets; the output must be the input, byte for byte.
- stub: a tiny untrained model on the torch engine; as many lines must come out.
- noise: lines of random bytes through the identity engine; as many must come out, and those that
  are valid text or blank must be the same bytes.
The resident set size of the process (VmRSS of /proc/PID/status, Linux) is read once a second. It
must never be more than 8 MiB or 5 % above the most that the first windows had. (Not Pss: it grows
whenever another process ends that shares libraries with this one.) With --threads 2 the stub's
batches are translated by processes that end with their window; memory is then that of the process
that stays. Exit code 1 says that something failed.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from line_chart import Series, line_chart

if TYPE_CHECKING:
    from mtcli.engines.protocol import EngineBatch, PostponedSearch

BATCH_SIZE = 256
WARM_LINES = 4 * 32 * BATCH_SIZE
"""Lines after which memory must stay as it is: four windows; three are held at a time."""


# ---------------------------------------------------------------------------------- the command


class CharacterTokenizer:
    """Every character is a piece, so that any text comes back as it was."""

    def encode_batch(self, texts: list[str]) -> list[list[int]]:
        return [list(map(ord, text)) for text in texts]

    def decode(self, ids: list[int]) -> str:
        return "".join(map(chr, ids))

    def decode_batch(self, batch: list[list[int]]) -> list[str]:
        return ["".join(map(chr, ids)) for ids in batch]


class WordTokenizer:
    """Numbers are pieces: quick, and hardly ever twice in a line."""

    def encode_batch(self, texts: list[str]) -> list[list[int]]:
        return [list(map(int, text.split(" "))) if text.strip() else [] for text in texts]

    def decode(self, ids: list[int]) -> str:
        return " ".join(map(str, ids))

    def decode_batch(self, batch: list[list[int]]) -> list[str]:
        return [" ".join(map(str, ids)) for ids in batch]


class IdentityEngine:
    """Gives back what it gets."""

    max_positions = 1000

    def begin(self, batches: list[EngineBatch], options: object) -> PostponedSearch:
        from mtcli.decoding.options import Hypothesis
        from mtcli.engines.protocol import PostponedSearch

        return PostponedSearch(
            lambda: [
                [[Hypothesis(tuple(ids), True, -1.0, -1.0)] for ids in batch.src_ids]
                for batch in batches
            ]
        )


def run_command(kind: str, model: str, threads: str) -> None:
    """What a child does: the command itself, with another engine if that is wanted."""
    from mtcli.cli.app import main
    from mtcli.config.schema.decoding import DecodingConfig
    from mtcli.translating.loaded_model import LoadedModel
    from mtcli.translating.request import PreparedRequest
    from mtcli.translating.translator import Translator

    if kind != "stub":
        tokenizer = WordTokenizer() if kind == "identity" else CharacterTokenizer()
        loaded = LoadedModel(IdentityEngine(), tokenizer, tokenizer, DecodingConfig(), 999)
        PreparedRequest.open = lambda self: Translator(loaded, self.options)
    sys.argv = [
        "mtcli", "translate", "-m", model, "-q", "--batch-size", str(BATCH_SIZE),
        "--beam-size", "1", "--max-length", "6", "--no-retry", "--device", "cpu",
        "--threads", threads,
    ]  # fmt: skip
    main()


# ------------------------------------------------------------------------------------ what goes in


def numbers(num_lines: int) -> Iterator[bytes]:
    """Blocks of lines that all differ, of 1 to 15 words."""
    generator = random.Random(1)
    tails = [
        b" ".join(b"%d" % generator.randrange(10**6) for _ in range(generator.randrange(15)))
        for _ in range(10_007)
    ]
    for start in range(0, num_lines, 1000):
        lines = range(start, min(start + 1000, num_lines))
        yield b"".join((b"%d %b" % (i, tails[i % 10_007])).rstrip() + b"\n" for i in lines)


def words(num_lines: int) -> Iterator[bytes]:
    """Blocks of lines of the words that the tokenizer of the tiny model knows."""
    generator = random.Random(2)
    known = [b"ralo", b"teku", b"minaro", b"sef", b"dolu", b"pav", b"erin", b"kostu"]
    for start in range(0, num_lines, 1000):
        yield b"".join(
            b"%d " % i + b" ".join(generator.choices(known, k=generator.randrange(9))) + b"\n"
            for i in range(start, min(start + 1000, num_lines))
        )


def noise(num_lines: int) -> Iterator[bytes]:
    """Blocks of lines of up to 40 random bytes."""
    generator = random.Random(3)
    for start in range(0, num_lines, 1000):
        yield b"".join(
            generator.randbytes(generator.randrange(41)).replace(b"\n", b"\r") + b"\n"
            for _ in range(start, min(start + 1000, num_lines))
        )


# --------------------------------------------------------------------------------------- measuring


@dataclass
class Run:
    """What came out of one run."""

    kind: str
    num_in: int
    num_out: int = 0
    elapsed_s: float = 0.0
    in_hash: hashlib._Hash = field(default_factory=hashlib.sha256)
    out_hash: hashlib._Hash = field(default_factory=hashlib.sha256)
    samples: list[tuple[int, float]] = field(default_factory=list)
    """(lines answered, MiB) once a second."""
    num_changed: int = 0
    """Lines of valid text that came out other than they went in."""

    @property
    def warm_mib(self) -> float:
        """Most memory over the first windows: within a window it goes up and down."""
        first = [mib for lines, mib in self.samples if lines <= WARM_LINES]
        return max(first or [self.samples[0][1]])

    @property
    def growth_mib(self) -> float:
        """By how much it was ever more afterwards; below 0 where it never was."""
        rest = [mib for lines, mib in self.samples if lines > WARM_LINES]
        return max(rest or [self.samples[-1][1]]) - self.warm_mib

    @property
    def is_good(self) -> bool:
        """Whether nothing was lost and memory stayed."""
        is_same = self.kind != "identity" or self.in_hash.digest() == self.out_hash.digest()
        is_flat = self.growth_mib <= max(8, 0.05 * self.warm_mib)
        return self.num_in == self.num_out and is_same and is_flat and not self.num_changed

    def row(self) -> str:
        """A row of the table."""
        return (
            f"| {self.kind} | {self.num_in:,} | {self.num_out:,} | {self.warm_mib:.1f} |"
            f" {self.samples[-1][1]:.1f} | {self.growth_mib:+.1f} |"
            f" {self.num_in / self.elapsed_s:,.0f} | {'yes' if self.is_good else '**NO**'} |"
        )


def rss_mib(pid: int) -> float:
    """Memory of a process that lives, libraries in."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(f"process {pid} has ended")


def measure(kind: str, num_lines: int, model: Path, threads: int) -> Run:
    """One run of the command."""
    run = Run(kind, num_lines)
    blocks = {"identity": numbers, "stub": words, "noise": noise}[kind](num_lines)
    child = subprocess.Popen(
        [sys.executable, __file__, "--child", kind, str(model), str(threads)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    awaited: list[bytes] = []
    started = time.monotonic()

    def feed() -> None:
        with child.stdin:
            for block in blocks:
                run.in_hash.update(block)
                if kind == "noise":
                    awaited.extend(block.split(b"\n")[:-1])
                child.stdin.write(block)

    def collect() -> None:
        rest = b""
        while chunk := child.stdout.read1(2**18):
            run.out_hash.update(chunk)
            if kind == "noise":
                *lines, rest = (rest + chunk).split(b"\n")
                for place, line in enumerate(lines, run.num_out):
                    run.num_changed += is_changed(awaited[place], line)
            run.num_out += chunk.count(b"\n")

    threads = [threading.Thread(target=feed), threading.Thread(target=collect)]
    for thread in threads:
        thread.start()
    while threads[1].is_alive():
        # the lines first: memory is then that of at least so many
        num_out = run.num_out
        try:
            run.samples.append((num_out, rss_mib(child.pid)))
        except OSError:
            break  # it has just ended
        threads[1].join(0.2 if num_out < 5 * WARM_LINES else 1.0)
    for thread in threads:
        thread.join()
    run.elapsed_s = time.monotonic() - started
    if child.wait():
        raise SystemExit(f"{kind}: the command ended with exit code {child.returncode}")
    return run


def is_changed(old: bytes, new: bytes) -> bool:
    """Whether a line came out as another, as far as its bytes say which it should be."""
    try:
        text = old.removesuffix(b"\r").decode("utf-8")
    except UnicodeDecodeError:
        return False
    return text.isprintable() and text.strip() == text and old != new


# ------------------------------------------------------------------------------------ what is told


def svg(runs: list[Run]) -> str:
    """A plot of memory over the share of lines that are answered."""
    return line_chart(
        "Resident memory of mtcli translate, MiB, over lines answered",
        [
            Series(
                f"{run.kind}: {run.num_in:,} lines",
                [(100 * lines / run.num_in, mib) for lines, mib in run.samples],
            )
            for run in runs
        ],
        " %",
    )


def main() -> None:
    """Run, tell, and fail if something failed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--stub-lines", type=int, default=50_000)
    parser.add_argument("--noise-lines", type=int, default=100_000)
    parser.add_argument("--at-once", action="store_true", help="the three runs side by side")
    parser.add_argument("--svg", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--child", nargs=3)
    args = parser.parse_args()
    if args.child:
        run_command(*args.child)
        return
    root = Path(__file__).parents[1]
    sys.path.insert(0, str(root))
    from tests.support.model_folder import write_tiny_model
    from tests.support.tokenizers import train_on_words

    plan = {"identity": args.lines, "stub": args.stub_lines, "noise": args.noise_lines}
    with tempfile.TemporaryDirectory() as folder:
        train_on_words(Path(folder) / "tokenizer.model")
        write_tiny_model(Path(folder) / "model", Path(folder) / "tokenizer.model")
        print(
            "| run | lines in | lines out | most MiB in 4 windows | MiB at the end | most growth |"
            " lines/s | good |\n|---|---|---|---|---|---|---|---|"
        )
        runs = []
        with ThreadPoolExecutor(len(plan) if args.at_once else 1) as pool:
            model = Path(folder) / "model"
            wanted = [(kind, num, model, args.threads) for kind, num in plan.items() if num]
            for run in pool.map(lambda args: measure(*args), wanted):
                runs.append(run)
                print(run.row(), flush=True)
    if args.svg:
        args.svg.write_text(svg(runs), encoding="utf-8")
    if not all(run.is_good for run in runs):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
