"""Check mtcli on a GPU within ten minutes, and leave one page of results.

    benchmarks/gpu_check.sh OUT [--device cuda|cpu] [--limit-s 570]

OUT/results.md is the page, OUT/NAME.log the output of each part. Parts: tests/gpu (with a forced
fp16 overflow, and two processes with NCCL where there are two GPUs), training in each precision,
a stop and a resume, two processes, translating, and `mtcli bench`. Without a GPU, or with
`--device cpu`, the same parts run with tiny shapes, to test this script. Nothing is installed: the
Python that runs it must have mtcli, and pytest for the tests. Exit code 1 when a part failed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "data/demo"
TINY_SHAPE = {
    "model.d_model": 16,
    "model.num_heads": 2,
    "model.d_ff": 32,
    "model.encoder_layers": 1,
    "model.decoder_layers": 1,
    "batch.tokens_per_update": 300,
}


@dataclass(frozen=True)
class Sizes:
    """How much each part does on a device."""

    precisions: tuple[str, ...]
    overrides: dict[str, object]
    max_steps: int
    num_lines: int
    presets: tuple[str, ...]
    bench_options: tuple[str, ...]
    bench_overrides: dict[str, object]


ON_CUDA = Sizes(
    precisions=("fp32", "bf16", "fp16"),
    overrides={},
    max_steps=200,
    num_lines=500,
    presets=("tiny", "base"),
    bench_options=("--repeats", "2"),
    # one micro-batch as large as the update: a GPU should not wait for Python
    bench_overrides={"batch.tokens_per_update": 16384, "batch.max_tokens": 24576},
)
ON_CPU = Sizes(
    precisions=("fp32", "bf16"),
    overrides=TINY_SHAPE | {"validation.max_pairs": 8},
    max_steps=8,
    num_lines=8,
    presets=("tiny",),
    bench_options=("--steps", "2", "--warmup", "1", "--repeats", "1", "--sentences", "4"),
    bench_overrides=TINY_SHAPE,
)


class Check:
    """Runs parts in processes of their own, and writes a row of the page for each.

    Args:
        out: folder of the page, the logs and the runs.
        device: `cuda` or `cpu`.
        limit_s: seconds for all parts; what is left then is not run, and counts as failed.
    """

    def __init__(self, out: Path, device: str, limit_s: float) -> None:
        self.out, self.device = out, device
        self.sizes = ON_CUDA if device == "cuda" else ON_CPU
        self.num_failed = 0
        self._ends_at = time.monotonic() + limit_s
        self._page = out / "results.md"
        self._page.write_text("", encoding="utf-8")

    def say(self, line: str = "") -> None:
        """Write a line to the page and to standard output."""
        print(line, flush=True)
        with self._page.open("a", encoding="utf-8") as page:
            page.write(line + "\n")

    def part(self, name: str, *arguments: str, stdin: Path | None = None) -> bool:
        """Run `python ARGUMENTS`, write its output to NAME.log; whether it succeeded."""
        started, left_s = time.monotonic(), self._ends_at - time.monotonic()
        log = self.out / f"{name}.log"
        code: int | str = "out of time"
        if left_s > 1:
            with log.open("wb") as output, (stdin or Path(os.devnull)).open("rb") as source:
                command = [sys.executable, *arguments]
                try:
                    code = subprocess.run(
                        command,
                        cwd=ROOT,
                        stdin=source,
                        stdout=output,
                        stderr=subprocess.STDOUT,
                        env=os.environ | {"PYTHONPATH": str(ROOT)},
                        timeout=left_s,
                        check=False,
                    ).returncode
                except subprocess.TimeoutExpired:
                    code = "out of time"
        result = "passed"
        if code != 0:
            self.num_failed += 1
            result = f"**failed** ({code if isinstance(code, str) else f'exit {code}'})"
        self.say(f"| {name} | {time.monotonic() - started:.0f} | {result} |")
        return code == 0

    def train(self, name: str, run: str, precision: str, *more: str, **overrides: object) -> bool:
        """A part that trains on the demo corpus."""
        settings = {
            "training.max_steps": self.sizes.max_steps,
            "schedule.warmup_steps": max(1, self.sizes.max_steps // 10),
            "validation.every_steps": self.sizes.max_steps // 2,
            "run_dir": self.out / "runs" / run,
            "data.cache_dir": self.out / "cache",
            "training.device": self.device,
            "training.precision": precision,
        }
        settings |= self.sizes.overrides | overrides
        options = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
        return self.part(name, "-m", "mtcli", "train", "configs/demo.yaml", *options, *more)

    def bench(self, preset: str) -> None:
        """A part that measures the speed of a preset on the demo corpus."""
        config = self.out / f"{preset}.yaml"
        src, tgt = (json.dumps(str(DEMO / f"train.{lang}")) for lang in ("en", "de"))
        config.write_text(
            f"preset: {preset}\nsrc_lang: en\ntgt_lang: de\n"
            f"run_dir: {json.dumps(str(self.out / 'runs' / preset))}\n"
            f"data:\n  cache_dir: {json.dumps(str(self.out / 'cache'))}\n"
            f"  train: [{{src: {src}, tgt: {tgt}}}]\n",
            encoding="utf-8",
        )
        # the demo corpus has too few words for the vocabulary of the presets
        settings = self.sizes.bench_overrides | {
            "tokenizer.vocab_size": 2500,
            "training.device": self.device,
        }
        options = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
        report = self.out / f"bench-{preset}.json"
        options += [*self.sizes.bench_options, "--json", str(report)]
        self.part(f"bench-{preset}", "-m", "mtcli", "bench", str(config), *options)


def main() -> int:
    """Run all parts; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path)
    there = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--device", choices=("cuda", "cpu"), default=there)
    parser.add_argument("--limit-s", type=float, default=570.0)
    arguments = parser.parse_args()
    out: Path = arguments.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    check = Check(out, arguments.device, arguments.limit_s)
    sizes, num_gpus = check.sizes, torch.cuda.device_count()
    first = sizes.precisions[0]
    hardware = torch.cuda.get_device_name(0) if check.device == "cuda" else "a CPU, tiny shapes"
    check.say(f"# mtcli on {hardware}")
    check.say()
    check.say(
        f"`benchmarks/gpu_check.sh`, {datetime.now(UTC):%Y-%m-%d}, commit {revision()}, torch"
        f" {torch.__version__}, CUDA {torch.version.cuda}, GPUs: {num_gpus}."
    )
    check.say()
    check.say("| part | seconds | result |")
    check.say("|---|---|---|")
    check.part("tests", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/gpu")
    for precision in sizes.precisions:
        check.train(f"train-{precision}", precision, precision)
    # a run that ends half-way, and goes on when it may make more steps
    half = {"training.max_steps": sizes.max_steps // 2}
    if check.train("train-half", "resumed", first, **half):
        check.train("resume", "resumed", first)
    if check.device == "cpu" or num_gpus > 1:
        check.train("two-processes", "two", first, "--nproc", "2")
    lines = (DEMO / "test.en").read_text(encoding="utf-8").splitlines()[: sizes.num_lines]
    source = out / "test.en"
    source.write_text("\n".join(lines) + "\n", encoding="utf-8")
    translate = ["-m", "mtcli", "translate", "-m", str(out / "runs" / first)]
    translate += ["--device", check.device, "-o", str(out / "test.de")]
    check.part("translate", *translate, stdin=source)
    for preset in sizes.presets:
        check.bench(preset)
    check.say()
    for preset in sizes.presets:
        log = out / f"bench-{preset}.log"
        if log.exists():
            check.say(f"## mtcli bench, preset {preset}")
            check.say()
            check.say("```")
            check.say(log.read_text(encoding="utf-8", errors="replace").strip())
            check.say("```")
            check.say()
    check.say(f"{check.num_failed} parts failed.")
    return int(check.num_failed > 0)


def revision() -> str:
    """The short name of the commit that is checked out; `unknown` outside a repository."""
    command = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
