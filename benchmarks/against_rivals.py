"""Training throughput, memory and time to the first update against other toolkits, interleaved.

Usage: PEERS_HOME=FOLDER python benchmarks/against_rivals.py PEERS_SCRIPTS DATA SHAPE [options]
PEERS_SCRIPTS holds bench.sh, which runs a toolkit's own trainer for N updates and leaves a JSON
line for each in $PEERS_HOME/logs/bench; DATA holds train.en, train.de, valid.en, valid.de. All get
the same work: joint 10,000 pieces, at most 4096 padded cells an update over all processes, label
smoothing .1, Adam. Prints one JSON object a run, then medians and ratios of each repeat.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
SHAPES = {
    "tiny": {"d_model": 128, "encoder_layers": 4, "decoder_layers": 4, "num_heads": 4,
             "d_ff": 256, "dropout": 0.3},
    "base": {"d_model": 512, "encoder_layers": 6, "decoder_layers": 6, "num_heads": 8,
             "d_ff": 2048, "dropout": 0.1},
}  # fmt: skip


def descendants(pid):
    found, todo = [], [pid]
    while todo:
        pid = todo.pop()
        found.append(pid)
        try:
            for task in Path(f"/proc/{pid}/task").iterdir():
                todo += [int(p) for p in (task / "children").read_text().split()]
        except OSError:
            continue
    return found


def pss_bytes(pid):
    total = 0
    for each in descendants(pid):
        try:
            for line in Path(f"/proc/{each}/smaps_rollup").read_text().split("\n"):
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
        except OSError:
            continue
    return total


def watch(process, is_done):
    """Peak of the sum of PSS until the process ends or `is_done()`; then it is killed."""
    peak = 0
    while process.poll() is None and not is_done():
        peak = max(peak, pss_bytes(process.pid))
        time.sleep(0.2)
    for pid in reversed(descendants(process.pid)):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait()
    return peak


def run_rival(scripts, home, toolkit, shape, precision, updates):
    environment = os.environ | ({"HF_LOOP": "plain"} if toolkit == "hf" else {})
    log = home / f"logs/bench/{toolkit}-{shape}-{precision}.jsonl"
    log.unlink(missing_ok=True)
    command = ["bash", str(scripts / "bench.sh"), toolkit, shape, precision, str(updates)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    peak = watch(process, lambda: False)
    rows = [json.loads(line) for line in log.read_text().split("\n") if line]
    warm = rows[len(rows) // 4 :]
    # A row is written when an update begins: the first update is done when the second begins.
    return {
        "tgt_per_s": sum(r["tgt"] for r in warm[:-1]) / (warm[-1]["t"] - warm[0]["t"]),
        "first_update_s": rows[1]["t"],
        "pss_mib": peak / 2**20,
    }


def run_mtcli(data, work, shape, precision, nproc, updates):
    run = work / f"{shape}-{precision}-{nproc}"
    subprocess.run(["rm", "-rf", str(run)], check=True)
    config = {
        "src_lang": "en", "tgt_lang": "de", "run_dir": str(run),
        "data": {"cache_dir": str(work / "cache"),
                 "train": [{"src": str(data / "train.en"), "tgt": str(data / "train.de")}],
                 "valid": [{"src": str(data / "valid.en"), "tgt": str(data / "valid.de")}]},
        "tokenizer": {"vocab_size": 10000, "model": str(work / "tokenizer.model")},
        "model": SHAPES[shape],
        "optim": {"kind": "adamw", "lr": 5e-3 if shape == "tiny" else 5e-4, "clip_norm": 0},
        "schedule": {"kind": "inverse_sqrt", "warmup_steps": 2000},
        # The plan counts target tokens: with so many, no update has over 4096 padded cells.
        "batch": {"tokens_per_update": 2680, "max_tokens": 4096 // nproc},
        "training": {"precision": precision, "log_every_steps": 1},
        "validation": {"every_steps": 1000000},
    }  # fmt: skip
    if not (work / "tokenizer.model").exists():
        del config["tokenizer"]["model"]
    path = work / "config.json"  # JSON is YAML
    path.write_text(json.dumps(config))
    metrics = run / "metrics.jsonl"

    def lines():
        try:
            return metrics.read_text().split("\n")[:-1]
        except OSError:
            return []

    started = time.time()
    command = [sys.executable, "-m", "mtcli", "train", str(path), "-q", "--nproc", str(nproc)]
    process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)})
    first = []

    def is_done():
        count = len(lines())
        if count and not first:
            first.append(time.time() - started)
        return count >= updates

    peak = watch(process, is_done)
    rows = [json.loads(line) for line in lines()]
    warm = rows[len(rows) // 4 :]
    tokens = warm[-1]["total_tgt_tokens"] - warm[0]["total_tgt_tokens"]
    trained = run / "tokenizer/tokenizer.model"
    if trained.exists():
        trained.rename(work / "tokenizer.model")
    return {
        "tgt_per_s": tokens / (warm[-1]["elapsed_s"] - warm[0]["elapsed_s"]),
        "first_update_s": first[0],
        "pss_mib": peak / 2**20,
        "cells_per_update": max(r["cells_per_update"] for r in rows),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("scripts", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--updates", type=int, default=40)
    parser.add_argument("--mtcli", nargs="+", default=["bf16:2"], help="PRECISION:NPROC")
    parser.add_argument("--rivals", nargs="+", default=["hf:fp32", "onmt:fp32"])
    parser.add_argument("--work", type=Path, default=Path("/tmp/mtcli-bench"))
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    home, shape = Path(os.environ["PEERS_HOME"]), arguments.shape
    results = {}
    for repeat in range(-1, arguments.repeats):  # the first round warms caches and is not counted
        for name in [f"mtcli:{m}" for m in arguments.mtcli] + arguments.rivals:
            parts = name.split(":")
            updates = arguments.updates if repeat >= 0 else 8
            if parts[0] == "mtcli":
                found = run_mtcli(
                    arguments.data, arguments.work, shape, parts[1], int(parts[2]), updates
                )
            else:
                found = run_rival(arguments.scripts, home, *parts[:1], shape, parts[1], updates)
            print(json.dumps({"repeat": repeat, "name": name} | found), flush=True)
            if repeat >= 0:
                results.setdefault(name, []).append(found)
    print(f"\n{shape}: medians of {arguments.repeats} interleaved repeats")
    for name, rows in results.items():
        medians = {key: statistics.median(r[key] for r in rows) for key in rows[0]}
        print(f"{name:14s} " + " ".join(f"{key} {value:.1f}" for key, value in medians.items()))
    for name in results:
        for rival in arguments.rivals:
            if name.startswith("mtcli"):
                ratios = sorted(
                    a["tgt_per_s"] / b["tgt_per_s"]
                    for a, b in zip(results[name], results[rival], strict=True)
                )
                middle = statistics.median(ratios)
                print(f"{name} / {rival}: {middle:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")


if __name__ == "__main__":
    main()
