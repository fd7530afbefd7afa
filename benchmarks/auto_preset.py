"""One training of a preset on the first N pairs of Multi30k, for a number of CPU seconds.

    python benchmarks/auto_preset.py RAW OUT SIZE PRESET SEED [--cpu-seconds 900] [--set KEY=VALUE]
    python benchmarks/auto_preset.py RAW OUT --queue JOBS.txt [--cpu-seconds 900]
    python benchmarks/auto_preset.py RAW OUT --table

RAW holds train.en, train.de, valid.en and valid.de. The first SIZE lines of train are the corpus,
valid is what the run validates on, greedily. The budget is counted in CPU time of the process from
its start, importing torch and training the tokenizer included, on one thread: other work on the
machine makes a run longer, but no worse. A run appends a line to OUT/results.jsonl and has its
folder in OUT/runs. JOBS.txt has `SIZE PRESET SEED` a line, what follows a # is ignored; jobs with a
result are skipped, so a queue that was killed goes on where it was (an unfinished run starts over).
benchmarks/jobs/auto-preset.txt is the list behind docs/results/training.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Job:
    """One training."""

    size: int
    preset: str
    seed: int
    sets: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Of its folder, and of its result."""
        return "-".join([str(self.size), self.preset, str(self.seed), *self.sets])


def read_jobs(path: Path) -> list[Job]:
    """The jobs of a queue file."""
    jobs = []
    for line in path.read_text(encoding="utf-8").splitlines():
        words = shlex.split(line, comments=True)
        if words:
            size, preset, seed, *sets = words
            jobs.append(Job(int(size), preset, int(seed), tuple(sets)))
    return jobs


def read_results(out: Path) -> list[dict[str, Any]]:
    """What earlier runs have appended."""
    path = out / "results.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def write_subset(raw: Path, folder: Path, size: int) -> None:
    """The first `size` pairs of the training data, in files of their own."""
    folder.mkdir(parents=True, exist_ok=True)
    for lang in ("en", "de"):
        with (raw / f"train.{lang}").open("rb") as lines:
            (folder / f"train.{lang}").write_bytes(b"".join(islice(lines, size)))


def write_config(job: Job, raw: Path, out: Path) -> Path:
    """What a user would write: the preset, languages, files."""
    data, path = out / "data" / str(job.size), out / "configs" / f"{job.name}.yaml"
    write_subset(raw, data, job.size)
    path.parent.mkdir(parents=True, exist_ok=True)
    config = {
        "preset": job.preset,
        "seed": job.seed,
        "src_lang": "en",
        "tgt_lang": "de",
        "run_dir": str(out / "runs" / job.name),
        "data": {
            "train": [{"src": str(data / "train.en"), "tgt": str(data / "train.de")}],
            "valid": [{"src": str(raw / "valid.en"), "tgt": str(raw / "valid.de")}],
            # of its own, so that no run finds the tokenized text of another
            "cache_dir": str(out / "runs" / f".cache-{job.name}"),
        },
    }
    path.write_text(json.dumps(config, indent=1), encoding="utf-8")  # JSON is YAML
    return path


def run(job: Job, raw: Path, out: Path, cpu_seconds: float) -> None:
    """Train, and append the result."""
    from mtcli.config.load import load_config
    from mtcli.runs.metrics import read_validations
    from mtcli.training.setup import train

    path, started = write_config(job, raw, out), time.monotonic()
    config = load_config(path, job.sets)
    for folder in (config.run_dir, config.data.cache_dir):
        shutil.rmtree(folder or "", ignore_errors=True)
    outcome = train(
        config, budget_s=cpu_seconds - time.process_time(), budget_clock=time.process_time
    )
    validations = read_validations(config.run_dir / "metrics.jsonl")
    best = max(validations, key=lambda record: record["bleu"])
    environment = json.loads((config.run_dir / "environment.json").read_text(encoding="utf-8"))
    result = {
        "job": job.name,
        "size": job.size,
        "preset": job.preset,
        "seed": job.seed,
        "sets": job.sets,
        "bleu": best["bleu"],
        "best_step": best["step"],
        "last_bleu": validations[-1]["bleu"],
        "steps": validations[-1]["step"],
        "tgt_tokens": validations[-1]["total_tgt_tokens"],
        "budget_cpu_s": cpu_seconds,
        "cpu_s": time.process_time(),
        "wall_s": time.monotonic() - started,
        "outcome": outcome.reason,
        "curve": [[r["step"], round(r["bleu"], 2)] for r in validations],
        "git_revision": environment["git_revision"],
        "cpu": environment["cpu"],
        "torch": environment["packages"]["torch"],
        "date": time.strftime("%Y-%m-%d %H:%M"),
    }
    with (out / "results.jsonl").open("a", encoding="utf-8") as results:
        results.write(json.dumps(result) + "\n")


def run_queue(path: Path, raw: Path, out: Path, cpu_seconds: float) -> None:
    """The jobs without a result, one after the other, each in a process of its own."""
    for job in read_jobs(path):
        if job.name in {result["job"] for result in read_results(out)}:
            continue
        command: list[str | Path] = [
            sys.executable,
            __file__,
            raw,
            out,
            str(job.size),
            job.preset,
            str(job.seed),
        ]
        command += ["--cpu-seconds", str(cpu_seconds)]
        for override in job.sets:
            command += ["--set", override]
        print(f"{time.strftime('%H:%M:%S')} starting {job.name}", flush=True)
        done = subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, check=False)
        print(f"{time.strftime('%H:%M:%S')} ended {job.name}: {done.returncode}", flush=True)


def table(results: list[dict[str, Any]]) -> str:
    """Valid BLEU of each size and preset, seed by seed, as Markdown."""
    lines = ["| pairs | preset | valid BLEU, by seed | mean |", "|---|---|---|---|"]
    for size, preset in sorted({(r["size"], r["preset"]) for r in results if not r["sets"]}):
        scores = {
            r["seed"]: r["bleu"]
            for r in results
            if (r["size"], r["preset"]) == (size, preset) and not r["sets"]
        }
        by_seed = ", ".join(f"{scores[seed]:.2f}" for seed in sorted(scores))
        mean = statistics.mean(scores.values())
        lines.append(f"| {size:,} | `{preset}` | {by_seed} | {mean:.2f} |")
    return "\n".join(lines)


def main() -> None:
    """One run, a queue, or the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("raw", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("size", type=int, nargs="?")
    parser.add_argument("preset", nargs="?")
    parser.add_argument("seed", type=int, nargs="?")
    parser.add_argument("--queue", type=Path)
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--cpu-seconds", type=float, default=900.0)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    args = parser.parse_args()
    raw, out = args.raw.absolute(), args.out.absolute()
    if args.table:
        print(table(read_results(out)))
    elif args.queue is not None:
        run_queue(args.queue, raw, out, args.cpu_seconds)
    elif args.seed is None:
        parser.error("give SIZE PRESET SEED, --queue or --table")
    else:
        job = Job(args.size, args.preset, args.seed, tuple(args.set))
        run(job, raw, out, args.cpu_seconds)


if __name__ == "__main__":
    main()
