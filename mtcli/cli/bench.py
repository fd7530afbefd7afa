"""`mtcli bench`: measure how fast configs train and translate, and where the time goes."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated, Any

import typer

from mtcli.cli.command import Command
from mtcli.cli.help import epilog
from mtcli.cli.options import OverridesOption

app = typer.Typer()

_GIGA, _MIB = 1e9, 2**20

MEASUREMENTS = "Measurements"
VARIANTS = "Variants"
"""Sections of the help page."""


@app.command(
    cls=Command,
    epilog=epilog(
        "mtcli bench configs/demo.yaml --vary training.precision=fp32,bf16", "guides/speed.md"
    ),
)
def bench(
    configs: Annotated[
        list[Path],
        typer.Argument(metavar="CONFIG...", readable=False, help="YAML training configs."),
    ],
    overrides: OverridesOption = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=V1,V2",
            help="Measure every config with each of these values; KEY can also be `nproc` or"
            " `threads`. Can be repeated.",
            rich_help_panel=VARIANTS,
        ),
    ] = None,
    nproc: Annotated[
        int,
        typer.Option(min=1, metavar="N", help="Train in N processes.", rich_help_panel=VARIANTS),
    ] = 1,
    threads: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Use N threads in each process (`OMP_NUM_THREADS`).",
            rich_help_panel=VARIANTS,
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            "-m",
            "--model",
            metavar="MODEL",
            help="Translate with this model instead of random weights.",
            rich_help_panel=VARIANTS,
        ),
    ] = None,
    steps: Annotated[
        int,
        typer.Option(min=1, metavar="N", help="Time N updates.", rich_help_panel=MEASUREMENTS),
    ] = 20,
    warmup: Annotated[
        int,
        typer.Option(
            min=0, metavar="N", help="Make N untimed updates first.", rich_help_panel=MEASUREMENTS
        ),
    ] = 4,
    repeats: Annotated[
        int,
        typer.Option(
            min=1, metavar="N", help="Measure each variant N times.", rich_help_panel=MEASUREMENTS
        ),
    ] = 5,
    sentences: Annotated[
        int,
        typer.Option(
            min=1, metavar="N", help="Translate N sentences.", rich_help_panel=MEASUREMENTS
        ),
    ] = 128,
    no_decode: Annotated[
        bool,
        typer.Option(
            "--no-decode", help="Skip the translation speed.", rich_help_panel=MEASUREMENTS
        ),
    ] = False,
    no_profile: Annotated[
        bool, typer.Option("--no-profile", help="Skip profiling.", rich_help_panel=MEASUREMENTS)
    ] = False,
    lengths: Annotated[
        str | None,
        typer.Option(
            metavar="L1,L2",
            help="Measure how cost grows with the source length, with random text and nothing"
            " else.",
            rich_help_panel=MEASUREMENTS,
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Draw how cost grows with `--lengths` to an SVG file.",
            rich_help_panel=MEASUREMENTS,
        ),
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write all measurements to a JSON file."),
    ] = None,
) -> None:
    """Measure how fast configs train and translate.

    The report shows speed, memory and where the time goes. Every measurement runs in a fresh
    process. Variants take turns, and ratios are taken within a turn, so other load on the machine
    affects all variants alike.
    """
    from mtcli.bench.bench import BenchOptions
    from mtcli.bench.bench import bench as run_bench
    from mtcli.bench.length_plot import check_plot, write_plot
    from mtcli.bench.lengths import bench_lengths, parse_lengths
    from mtcli.bench.variants import make_variants
    from mtcli.cli.live import showing
    from mtcli.errors import ConfigError
    from mtcli.folders import write_json

    source_lengths = None if lengths is None else parse_lengths(lengths)
    if plot is not None:
        if source_lengths is None:
            raise ConfigError("`--plot` needs `--lengths`", hint="say which lengths to measure")
        check_plot(plot)
    variants = make_variants(configs, overrides or [], vary or [], nproc=nproc, threads=threads)
    if source_lengths is not None:
        with showing(level=logging.INFO, is_live=False):
            report = bench_lengths(variants, source_lengths, repeats)
        if json_file is not None:
            write_json(json_file, report)
        if plot is not None:
            write_plot(report["configs"], plot)
        print(length_table(report["configs"]))
        return
    options = BenchOptions(
        steps=steps,
        warmup_steps=warmup,
        repeats=repeats,
        profile_steps=0 if no_profile else BenchOptions.profile_steps,
        decodes=not no_decode,
        model=None if model is None else str(model),
        num_sentences=sentences,
    )
    with showing(level=logging.INFO, is_live=False):
        report = run_bench(variants, options)
    if json_file is not None:
        write_json(json_file, report)
    print(table(report["variants"]))
    for hint in report["hints"]:
        print(f"hint: {hint}")


def length_table(configs: list[dict[str, Any]]) -> str:
    """A row for each config and length, and one for the powers of the length."""
    rows = [["config", "pieces", "encode, ms", "train step, ms", "decode step, ms", "memory, MiB"]]
    for config in configs:
        rows += [
            [
                config["label"],
                f"{row['length']:,}",
                *(
                    f"{1e3 * row[f'{name}_s']:.2f}"
                    for name in ("encode", "train_step", "decode_step")
                ),
                f"{row['peak_bytes'] / _MIB:.0f}",
            ]
            for row in config["lengths"]
        ]
        powers = config["exponents"]
        names = ("encode", "train_step", "decode_step", "peak")
        rows.append(
            [config["label"], "power", *(f"{powers[n]:.2f}" if n in powers else "-" for n in names)]
        )
    return _aligned(rows)


def table(variants: list[dict[str, Any]]) -> str:
    """The report as text: a row for each figure, a column for each variant."""
    rows = [["", *(v["label"] for v in variants)]]

    def row(name: str, cells: list[str | None]) -> None:
        if any(cell is not None for cell in cells):
            rows.append([name, *(cell or "-" for cell in cells)])

    def trained(key: str, scale: float = 1.0, digits: int = 0) -> list[str | None]:
        return [_spread(v["training"][key], scale, digits) for v in variants]

    row("processes x threads", [f"{v['num_processes']} x {v['num_threads']}" for v in variants])
    row("device, precision", [f"{v['device_name']}, {v['precision']}" for v in variants])
    row("parameters", [f"{v['num_parameters']:,}" for v in variants])
    row("target tokens per update", [f"{v['tgt_tokens_per_step']:.0f}" for v in variants])
    row("target tokens/s", trained("tgt_tokens_per_s"))
    row("ratio", [_spread(v["ratio"], 1, 3) if len(variants) > 1 else None for v in variants])
    row("source+target tokens/s", trained("tokens_per_s"))
    row("seconds per update", trained("seconds_per_step", digits=3))
    row("MFLOP per target token", [f"{v['flops_per_tgt_token'] / 1e6:.2f}" for v in variants])
    row("GFLOP/s", trained("flops_per_s", _GIGA, 1))
    for name in ("fp32", "bf16", "fp16"):
        limits = [v["matmul_limit_flops_per_s"].get(name) for v in variants]
        row(f"matmul limit {name}, GFLOP/s", [x and f"{x / _GIGA:.1f}" for x in limits])
    row("share of the limit", [_percent(v["share_of_matmul_limit"]) for v in variants])
    row("peak memory, MiB (PSS)", [_spread(v["peak_pss_bytes"], _MIB, 0) for v in variants])
    row("peak memory, MiB (CUDA)", [_mib(v["peak_cuda_bytes"]) for v in variants])
    row("data wait", [_percent(v["training"]["data_wait_share"]["median"]) for v in variants])
    row("CPU seconds per second", trained("cpu_s_per_s", digits=2))
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
    return _aligned(rows)


def _aligned(rows: list[list[str]]) -> str:
    widths = [max(len(cells[n]) for cells in rows) for n in range(len(rows[0]))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)) for cells in rows]
    return "\n".join(line.rstrip() for line in lines)


def _spread(spread: dict[str, float] | None, scale: float, digits: int) -> str | None:
    """Format as `median (smallest to largest)`."""
    if spread is None:
        return None
    middle, low, high = (f"{spread[key] / scale:.{digits}f}" for key in ("median", "min", "max"))
    return middle if low == high else f"{middle} ({low} to {high})"


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{share:.1%}"


def _mib(size_bytes: int | None) -> str | None:
    return None if size_bytes is None else f"{size_bytes / _MIB:.0f}"
