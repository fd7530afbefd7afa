"""Training speed beside busy loops: what mtcli chooses by itself against every split of two cores.

Usage: python benchmarks/busy_machine.py OUT [--base CHECKOUT] [--repeats 5] [--seconds 8]
           [--loads busy,quiet] [--spin-counts 1000,300000] [--launcher]

Every measurement is `mtcli train configs/demo.yaml` as a user starts it, in a fresh run folder,
with tokenizer and store from one run before. The speed is target tokens over `elapsed_s` of
metrics.jsonl for so many seconds, after the first updates; then the run is killed. Variants take
turns, there and back again. Loads:

  quiet   nothing else; with --base also the same command of another checkout
  busy    one busy loop for each core, of equal priority, started before the run
  late    the same loops, started 20 s after the first report

Variants are `chosen` (nothing set), and processes x threads `1x2`, `2x1` and `1x1` (on two cores).
--spin-counts adds `chosen` with other values of GOMP_SPINCOUNT.

Linux gives every session an equal share of a core where `kernel.sched_autogroup_enabled` is 1, and
`mtcli train --nproc 2` starts each process in a session of its own: they then get more of the
machine than two threads of one process do. So that all have equal priority, this script starts the
processes of a split itself, all in its own session, with torchrun's variables. --launcher uses
`--nproc`.

OUT gets busy_machine.json and busy_machine.md.
"""

import argparse
import contextlib
import json
import os
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOOP = [sys.executable, "-c", "while True: pass"]
WARMUP_STEPS = 6
LATE_S = 20.0
SETTLE_S = 2.0
"""Time after the loops have started that belongs to no measurement."""
TIMEOUT_S = 240.0
OURS = ("OMP_", "GOMP_", "KMP_", "RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_", "MTCLI_")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--base", type=Path, help="checkout that `quiet` is compared with")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--loads", default="busy,quiet")
    parser.add_argument("--spin-counts", default="")
    parser.add_argument("--launcher", action="store_true")
    args = parser.parse_args()
    args.out = args.out.resolve()
    args.out.mkdir(parents=True, exist_ok=True)
    scratch = args.out / "scratch"
    report = {"machine": machine(), "repeats": args.repeats, "seconds": args.seconds, "rates": {}}
    for load in args.loads.split(","):
        variants = variants_of(args, load)
        for variant in variants:
            prepare(variant["tree"], scratch)
        report["rates"][load] = measure(variants, load, args, scratch)
        write(report, args.out)
    shutil.rmtree(scratch, ignore_errors=True)
    print((args.out / "busy_machine.md").read_text(encoding="utf-8"))


def variants_of(args, load):
    """What is measured: name, checkout, processes (None: by default) and environment of each."""
    cores = num_cores()
    chosen = {"name": "chosen", "tree": ROOT, "processes": None, "environment": {}}
    variants = [chosen]
    if load == "quiet" and args.base:
        variants.append(chosen | {"name": "base", "tree": args.base.resolve()})
    if load != "quiet" or not args.base:
        variants += [
            chosen
            | {
                "name": f"{processes}x{threads}",
                "processes": processes,
                "environment": {"OMP_NUM_THREADS": str(threads)},
            }
            for processes, threads in ((1, cores), (cores, 1), (1, 1))
        ]
    variants += [
        chosen | {"name": f"spin {count}", "environment": {"GOMP_SPINCOUNT": count}}
        for count in filter(None, args.spin_counts.split(","))
    ]
    return variants


def measure(variants, load, args, scratch):
    """Target tokens/s of every repeat by variant."""
    rates = {variant["name"]: [] for variant in variants}
    for repeat in range(args.repeats):
        for variant in variants[:: 1 if repeat % 2 == 0 else -1]:
            rate = one_rate(variant, load, args, scratch)
            rates[variant["name"]].append(rate)
            print(f"{load} {variant['name']:>12}: {rate:7.0f} target tokens/s", flush=True)
    return rates


def one_rate(variant, load, args, scratch):
    run_dir = scratch / "run"
    shutil.rmtree(run_dir, ignore_errors=True)
    with contextlib.ExitStack() as stack:
        if load == "busy":
            stack.enter_context(busy_loops())
        run = stack.enter_context(training(variant, run_dir, args.launcher, scratch))
        begin = next_report(run, run_dir, after_steps=WARMUP_STEPS)
        if load == "late":
            begin = next_report(run, run_dir, after_s=begin["elapsed_s"] + LATE_S)
            stack.enter_context(busy_loops())
            begin = next_report(run, run_dir, after_s=begin["elapsed_s"] + SETTLE_S)
        end = next_report(run, run_dir, after_s=begin["elapsed_s"] + args.seconds)
    tokens = end["total_tgt_tokens"] - begin["total_tgt_tokens"]
    return tokens / (end["elapsed_s"] - begin["elapsed_s"])


@contextlib.contextmanager
def busy_loops():
    loops = [subprocess.Popen(LOOP) for _ in range(num_cores())]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


@contextlib.contextmanager
def training(variant, run_dir, uses_launcher, scratch):
    """The processes of a run, which are killed at the end."""
    tree, processes = variant["tree"], variant["processes"]
    command = [sys.executable, "-m", "mtcli", "train", str(tree / "configs/demo.yaml"), "-q"]
    for override in overrides(tree, run_dir, scratch):
        command += ["--set", override]
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(OURS)}
    environment = {**inherited, **variant["environment"], "PYTHONPATH": str(tree)}
    if processes is None or processes == 1 or uses_launcher:
        environments = [environment]
        command += [] if processes is None else ["--nproc", str(processes)]
    else:
        port = free_port()
        environments = [environment | torchrun(rank, processes, port) for rank in range(processes)]
    running = [subprocess.Popen(command, env=env, cwd=tree) for env in environments]
    try:
        yield running[0]
    finally:
        for process in running:  # a launcher's workers die with it
            process.send_signal(signal.SIGKILL)
            process.wait()


def torchrun(rank, size, port):
    place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": size, "MASTER_PORT": port}
    own = {"MASTER_ADDR": "127.0.0.1", "GLOO_SOCKET_IFNAME": "lo"}
    return {name: str(value) for name, value in place.items()} | own


def overrides(tree, run_dir, scratch):
    folder = prepared(tree, scratch)
    return [
        f"run_dir={run_dir}",
        f"data.cache_dir={folder / 'cache'}",
        f"tokenizer.model={folder / 'run/tokenizer/tokenizer.model'}",
        "training.log_every_steps=2",
        "validation.every_steps=100000",
        "validation.max_pairs=8",
    ]


def prepared(tree, scratch):
    return scratch / ("ours" if tree == ROOT else "base")


def prepare(tree, scratch):
    """Train the tokenizer and make the store, once for each checkout."""
    folder = prepared(tree, scratch)
    if folder.exists():
        return
    command = [sys.executable, "-m", "mtcli", "train", str(tree / "configs/demo.yaml"), "-q"]
    values = [f"run_dir={folder / 'run'}", f"data.cache_dir={folder / 'cache'}"]
    values += ["training.max_steps=1", "validation.max_pairs=8"]
    for override in values:
        command += ["--set", override]
    environment = os.environ | {"PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"}
    subprocess.run(command, env=environment, cwd=tree, check=True)
    make_store = command[: -2 * len(values)]  # that of the tokenizer as the config names it
    for override in [*overrides(tree, folder / "second", scratch), "training.max_steps=1"]:
        make_store += ["--set", override]
    subprocess.run(make_store, env=environment, cwd=tree, check=True)


def next_report(run, run_dir, *, after_steps=0, after_s=0.0):
    """The first report of metrics.jsonl after so many steps and so much time of training."""
    started_s = time.monotonic()
    while time.monotonic() - started_s < TIMEOUT_S:
        for report in reports(run_dir / "metrics.jsonl"):
            if report["step"] >= after_steps and report["elapsed_s"] >= after_s:
                return report
        if run.poll() is not None:
            raise SystemExit(f"mtcli ended with code {run.returncode} while it was measured")
        time.sleep(0.1)
    raise SystemExit(f"no report within {TIMEOUT_S:.0f} s")


def reports(path):
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    return [record for record in map(json.loads, lines) if record["kind"] == "step"]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def num_cores():
    return len(os.sched_getaffinity(0))


def machine():
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n")
        if line.startswith("model name")
    ]
    autogroup = Path("/proc/sys/kernel/sched_autogroup_enabled")
    return {
        "cpu": names[0] if names else platform.processor(),
        "cores": num_cores(),
        "kernel": platform.release(),
        "load_average_before": os.getloadavg()[0],
        "autogroup": autogroup.read_text().strip() if autogroup.exists() else "none",
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    }


def write(report, out):
    text = json.dumps(report, indent=2)
    (out / "busy_machine.json").write_text(text + "\n", encoding="utf-8")
    lines = ["# Training speed beside busy loops", ""]
    lines += [f"- {name.replace('_', ' ')}: {value}" for name, value in report["machine"].items()]
    lines += [f"- median of {report['repeats']} repeats of {report['seconds']:g} s", ""]
    for load, rates in report["rates"].items():
        medians = {name: statistics.median(values) for name, values in rates.items()}
        rivals = [name for name in medians if "x" in name or name == "base"] or list(medians)
        best = max(rivals, key=medians.get)
        lines += ["| load | variant | target tokens/s | all | ratio to the best split or base |"]
        lines += ["|---|---|---|---|---|"]
        for name, median in medians.items():
            every = " ".join(f"{value:.0f}" for value in rates[name])
            ratio = f"{median / medians[best]:.3f}"
            mark = " (best)" if name == best else ""
            lines.append(f"| {load} | {name}{mark} | {median:.0f} | {every} | {ratio} |")
        lines.append("")
    (out / "busy_machine.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
