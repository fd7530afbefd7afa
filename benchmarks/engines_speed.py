"""Speed of mtcli, Marian and `transformers` on the same weights: lines, wall and CPU seconds.

Usage: python benchmarks/engines_speed.py MODEL SRC WORK [--marian PYTHON] [--transformers PYTHON]
MODEL is a model folder that goes to each: post-norm, `positions: sinusoidal_marian`, `norm_eps:
1e-5`, one tokenizer. WORK gets the exports, which are made once. PYTHON is that of an environment
with `pymarian`, or with `transformers` and torch; without one its rows are left out, and named.

Every engine is a process that reads SRC and writes its translations, with a beam of 4 and its
length normalized by the exponent 1. Each takes its fastest combination of `--batch-sizes` and
`--threads`, tried once on the first `--trial-lines`. Then all take turns for `--repeats`; medians
are printed, with the range of the wall clock. Start-up is a run on one line, in turns as well, and
is taken from both seconds.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
BEAM = 4

TRANSFORMERS = """
import sys
import torch
from transformers import MarianMTModel, MarianTokenizer
folder, source, output, beam, batch_size, threads = sys.argv[1:]
torch.set_num_threads(int(threads))
tokenizer = MarianTokenizer.from_pretrained(folder)
model = MarianMTModel.from_pretrained(folder).eval()
lines = open(source, encoding="utf-8").read().split("\\n")[:-1]
order = sorted(range(len(lines)), key=lambda i: -len(lines[i]))
made = [""] * len(lines)
for start in range(0, len(order), int(batch_size)):
    places = order[start : start + int(batch_size)]
    batch = tokenizer([lines[i] for i in places], return_tensors="pt", padding=True)
    found = model.generate(**batch, num_beams=int(beam), length_penalty=1.0)
    texts = tokenizer.batch_decode(found, skip_special_tokens=True, use_source_tokenizer=False)
    for i, text in zip(places, texts, strict=True):
        made[i] = text
open(output, "w", encoding="utf-8").write("".join(text + "\\n" for text in made))
"""


@dataclass(frozen=True)
class Setting:
    """How much an engine does at once."""

    batch_size: int
    threads: int


@dataclass
class Row:
    """One engine, and what was measured of it."""

    name: str
    arguments: Sequence[str]
    """Its command, with {source}, {output}, {batch_size} and {threads}."""
    best: Setting = Setting(1, 1)
    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    start_wall_s: list[float] = field(default_factory=list)
    start_cpu_s: list[float] = field(default_factory=list)

    def run(self, source: Path, output: Path, setting: Setting) -> tuple[float, float]:
        """Translate a file; returns wall and CPU seconds."""
        values = {
            "source": source, "output": output, "batch_size": setting.batch_size,
            "threads": setting.threads,
        }  # fmt: skip
        command = [argument.format(**values) for argument in self.arguments]
        environment = os.environ | {
            "PYTHONPATH": str(ROOT),
            "CUDA_VISIBLE_DEVICES": "",
            "OMP_NUM_THREADS": str(setting.threads),
            "MKL_NUM_THREADS": str(setting.threads),
        }
        before, begun_s = cpu_of_children_s(), time.perf_counter()
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        wall_s, cpu_s = time.perf_counter() - begun_s, cpu_of_children_s() - before
        if done.returncode:
            sys.exit(f"{self.name}: {' '.join(command)}\n{done.stderr[-2000:]}")
        expected, found = (path.read_bytes().count(b"\n") for path in (source, output))
        if expected != found:
            sys.exit(f"{self.name} wrote {found} lines of {expected}")
        return wall_s, cpu_s


def cpu_of_children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def export(model: Path, folder: Path, to: str, *options: str) -> None:
    if folder.exists():
        return
    command = [sys.executable, "-m", "mtcli", "export", "-m", str(model), "--to", to]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([*command, "--output", str(folder), *options], check=True, env=environment)


def rows_of(arguments: argparse.Namespace) -> list[Row]:
    """Every engine that can run, on exports of the model."""
    model, work = arguments.model, arguments.work
    translate = (
        sys.executable, "-m", "mtcli", "translate", "--quiet", "--beam-size", str(BEAM),
        "--length-penalty", "1.0", "--batch-size", "{batch_size}", "--threads", "{threads}",
        "--input", "{source}", "--output", "{output}",
    )  # fmt: skip
    rows = []
    for quantization in ("int8", "float32"):
        folder = work / f"ctranslate2-{quantization}"
        export(model, folder, "ctranslate2", "--quantize", quantization)
        rows.append(Row(f"mtcli, CTranslate2 {quantization}", (*translate, "-m", str(folder))))
    rows.append(Row("mtcli, torch", (*translate, "-m", str(model), "--engine", "torch")))
    if arguments.marian is None:
        print("no `--marian`: Marian is left out", file=sys.stderr)
    else:
        rows += marian_rows(arguments, work / "marian")
    if arguments.transformers is None:
        print("no `--transformers`: `transformers` is left out", file=sys.stderr)
    else:
        folder = work / "huggingface"
        export(model, folder, "huggingface")
        values = (str(folder), "{source}", "{output}", str(BEAM), "{batch_size}", "{threads}")
        script = work / "generate.py"
        script.write_text(TRANSFORMERS, encoding="utf-8")
        rows.append(
            Row("transformers, generate", (str(arguments.transformers), str(script), *values))
        )
    return rows


def marian_rows(arguments: argparse.Namespace, folder: Path) -> list[Row]:
    export(arguments.model, folder, "marian")
    marian = (str(arguments.marian), "-m", "pymarian")
    decode = (
        *marian, "decode", "-c", str(folder / "decoder.yml"), "--beam-size", str(BEAM),
        "--normalize", "1", "--mini-batch", "{batch_size}", "--maxi-batch", "100",
        "--maxi-batch-sort", "src", "--cpu-threads", "{threads}", "--quiet", "--input", "{source}",
        "--output", "{output}",
    )  # fmt: skip
    packed = folder / "model.intgemm8.bin"
    if not packed.exists():
        convert = (*marian, "convert", "-f", str(folder / "model.npz"), "-t", str(packed))
        subprocess.run([*convert, "-g", "intgemm8"], check=True, capture_output=True)
    rows = [
        Row("Marian, fp32", (*decode, "--models", str(folder / "model.npz"))),
        Row("Marian, int8", (*decode, "--models", str(packed))),
    ]
    if arguments.shortlist is None:
        print("no `--shortlist`: Marian's is left out", file=sys.stderr)
    else:
        shortlist = ("--shortlist", str(arguments.shortlist), "50", "50")
        rows.append(Row("Marian, int8, shortlist", (*decode, "--models", str(packed), *shortlist)))
    return rows


def measure(rows: list[Row], arguments: argparse.Namespace) -> None:
    source, output = arguments.work / "source.txt", arguments.work / "output.txt"
    one = arguments.work / "one.txt"
    lines = arguments.src.read_text("utf-8").split("\n")[:-1][: arguments.lines]
    source.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    one.write_text(f"{lines[0]}\n", encoding="utf-8")
    trial = arguments.work / "trial.txt"
    first = lines[: arguments.trial_lines]
    trial.write_text("".join(f"{line}\n" for line in first), encoding="utf-8")
    settings = [Setting(b, t) for b in arguments.batch_sizes for t in arguments.threads]
    for row in rows:
        tried = {setting: row.run(trial, output, setting)[0] for setting in settings}
        row.best = min(tried, key=tried.__getitem__)
        print(f"{row.name}: {row.best}", file=sys.stderr)
    for _ in range(arguments.repeats):
        for row in rows:
            for path, walls, cpus in (
                (one, row.start_wall_s, row.start_cpu_s),
                (source, row.wall_s, row.cpu_s),
            ):
                wall_s, cpu_s = row.run(path, output, row.best)
                walls.append(wall_s)
                cpus.append(cpu_s)
    print(table(rows, len(lines)))


def table(rows: list[Row], num_lines: int) -> str:
    """Markdown: seconds without start-up, medians."""
    lines = [
        "| engine | batch, threads | lines/s | wall s (range) | CPU s | start-up s |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        start_s = statistics.median(row.start_wall_s)
        walls_s = sorted(wall_s - start_s for wall_s in row.wall_s)
        wall_s = statistics.median(walls_s)
        cpu_s = statistics.median(row.cpu_s) - statistics.median(row.start_cpu_s)
        speed = f"{num_lines / wall_s:.0f}" if wall_s > 0 else "too few lines"
        lines.append(
            f"| {row.name} | {row.best.batch_size}, {row.best.threads} | {speed}"
            f" | {wall_s:.2f} ({walls_s[0]:.2f} to {walls_s[-1]:.2f}) | {cpu_s:.2f}"
            f" | {start_s:.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("src", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--marian", type=Path, help="a Python with `pymarian`")
    parser.add_argument("--transformers", type=Path, help="a Python with `transformers` and torch")
    parser.add_argument("--shortlist", type=Path, help="lexical table for Marian's shortlist")
    parser.add_argument("--lines", type=int, help="translate only so many")
    parser.add_argument("--trial-lines", type=int, help="choose the settings on so many")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[16, 32, 64, 128])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    measure(rows_of(arguments), arguments)


if __name__ == "__main__":
    main()
