"""`mtcli bench`: how fast configs train and translate, and where the time goes."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated, Any

import typer

from mtcli.cli.errors import user_errors

app = typer.Typer()

_GIGA, _MIB = 1e9, 2**20


@app.command()
def bench(
    configs: Annotated[list[Path], typer.Argument(metavar="CONFIG...", help="Training configs.")],
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Override one config key in all; may be repeated."
        ),
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=V1,V2",
            help="Measure every config with each of these values, in turns; KEY may also be nproc"
            " or threads. May be repeated.",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "-m", "--model", metavar="MODEL", help="Translate with this model, not random weights."
        ),
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Updates that are timed.")] = 20,
    warmup: Annotated[int, typer.Option(min=0, help="Updates before them that are not.")] = 4,
    repeats: Annotated[int, typer.Option(min=1, help="Measurements of each variant.")] = 5,
    nproc: Annotated[int, typer.Option(min=1, help="Processes to train on.")] = 1,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads of each process (OMP_NUM_THREADS).")
    ] = None,
    sentences: Annotated[int, typer.Option(min=1, help="Sentences to translate.")] = 128,
    no_decode: Annotated[
        bool, typer.Option("--no-decode", help="Do not measure translating.")
    ] = False,
    no_profile: Annotated[
        bool, typer.Option("--no-profile", help="Do not look where the time goes.")
    ] = False,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write everything that was measured."),
    ] = None,
) -> None:
    """Measure how fast configs train and translate, and where the time goes.

    Every measurement is a fresh process. Variants take turns, and ratios are taken within a turn,
    so that whatever else the machine does meets all alike.
    """
    with user_errors():
        from mtcli.bench.bench import BenchOptions
        from mtcli.bench.bench import bench as run_bench
        from mtcli.bench.variants import make_variants
        from mtcli.cli.live import showing
        from mtcli.folders import write_json

        variants = make_variants(configs, overrides or [], vary or [], nproc=nproc, threads=threads)
        options = BenchOptions(
            steps=steps,
            warmup_steps=warmup,
            repeats=repeats,
            profile_steps=0 if no_profile else BenchOptions.profile_steps,
            decodes=not no_decode,
            model=model,
            num_sentences=sentences,
        )
        with showing(level=logging.INFO, is_live=False):
            found = run_bench(variants, options)
        if json_file is not None:
            write_json(json_file, found)
        typer.echo(table(found["variants"]))
        for hint in found["hints"]:
            typer.echo(f"hint: {hint}")


def table(variants: list[dict[str, Any]]) -> str:
    """The report as text: one row a figure, one column a variant."""
    rows = [["", *(v["label"] for v in variants)]]

    def row(name: str, cells: list[str | None]) -> None:
        if any(cell is not None for cell in cells):
            rows.append([name, *(cell or "-" for cell in cells)])

    def trained(key: str, scale: float = 1.0, digits: int = 0) -> list[str | None]:
        return [_spread(v["training"][key], scale, digits) for v in variants]

    row("processes x threads", [f"{v['num_processes']} x {v['num_threads']}" for v in variants])
    row("device, precision", [f"{v['device_name']}, {v['precision']}" for v in variants])
    row("parameters", [f"{v['num_parameters']:,}" for v in variants])
    row("target tokens an update", [f"{v['tgt_tokens_per_step']:.0f}" for v in variants])
    row("target tokens/s", trained("tgt_tokens_per_s"))
    row("ratio", [_spread(v["ratio"], 1, 3) if len(variants) > 1 else None for v in variants])
    row("source+target tokens/s", trained("tokens_per_s"))
    row("seconds an update", trained("seconds_per_step", digits=3))
    row("MFLOP a target token", [f"{v['flops_per_tgt_token'] / 1e6:.2f}" for v in variants])
    row("GFLOP/s", trained("flops_per_s", _GIGA, 1))
    for name in ("fp32", "bf16", "fp16"):
        limits = [v["matmul_limit_flops_per_s"].get(name) for v in variants]
        row(f"matmul limit {name}, GFLOP/s", [x and f"{x / _GIGA:.1f}" for x in limits])
    row("share of the limit", [_percent(v["share_of_matmul_limit"]) for v in variants])
    row("peak memory, MiB (PSS)", [_spread(v["peak_pss_bytes"], _MIB, 0) for v in variants])
    row("peak memory, MiB (CUDA)", [_mib(v["peak_cuda_bytes"]) for v in variants])
    row("data wait", [_percent(v["training"]["data_wait_share"]["median"]) for v in variants])
    row("CPU seconds a second", trained("cpu_s_per_s", digits=2))
    if variants[0]["shares_of_time"]:
        for name in variants[0]["shares_of_time"]:
            row(f"time: {name}", [_percent(v["shares_of_time"][name]) for v in variants])
    for n, first in enumerate(variants[0]["decoding"]):
        of_beam = [v["decoding"][n] if n < len(v["decoding"]) else None for v in variants]
        name = "greedy" if first["beam_size"] == 1 else f"beam {first['beam_size']}"
        row(f"{name}: sentences/s", [d and _spread(d["sentences_per_s"], 1, 1) for d in of_beam])
        row(
            f"{name}: target tokens/s",
            [d and _spread(d["tgt_tokens_per_s"], 1, 0) for d in of_beam],
        )
        row(f"{name}: best batch size", [d and str(d["best_batch_size"]) for d in of_beam])
    widths = [max(len(cells[n]) for cells in rows) for n in range(len(rows[0]))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)) for cells in rows]
    return "\n".join(line.rstrip() for line in lines)


def _spread(found: dict[str, float] | None, scale: float, digits: int) -> str | None:
    """`median (smallest to largest)`."""
    if found is None:
        return None
    middle, low, high = (f"{found[key] / scale:.{digits}f}" for key in ("median", "min", "max"))
    return middle if low == high else f"{middle} ({low} to {high})"


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{share:.1%}"


def _mib(size_bytes: int | None) -> str | None:
    return None if size_bytes is None else f"{size_bytes / _MIB:.0f}"
