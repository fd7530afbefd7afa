"""`mtcli train`: start or continue a run, on one process or several."""

from __future__ import annotations

import logging
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mtcli.config.schema.root import TrainConfig

app = typer.Typer()

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")
_SECONDS = (86400, 3600, 60, 1)


def parse_duration(text: str) -> float:
    """Seconds of a duration such as `30m`, `1h30m`, `2d` or `90` (seconds).

    Raises:
        ConfigError: it is none, or it is zero.
    """
    from mtcli.errors import ConfigError

    match = _DURATION.fullmatch(text.strip())
    seconds = (
        sum(int(n or 0) * s for n, s in zip(match.groups(), _SECONDS, strict=True)) if match else 0
    )
    if seconds == 0:
        raise ConfigError(f"--budget {text!r} is no duration; write for instance 30m, 1h30m or 90s")
    return float(seconds)


def check_nproc(text: str) -> str:
    """`text`, which is a number of processes or `auto`.

    Raises:
        BadParameter: it is neither.
    """
    if text != "auto" and not (text.isascii() and text.isdigit() and int(text) >= 1):
        raise typer.BadParameter(f"{text!r} must be a whole number, at least 1, or auto")
    return text


@app.command()
def train(
    config: Annotated[Path, typer.Argument(help="YAML training config.")],
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Override one config key; may be repeated."
        ),
    ] = None,
    nproc: Annotated[
        str,
        typer.Option(
            metavar="N|auto",
            callback=check_nproc,
            help="Processes to train on; on CUDA one per GPU. auto measures once whether this"
            " machine is faster with several.",
        ),
    ] = "1",
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Move an earlier run aside and begin anew.")
    ] = False,
    budget: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="Time for this invocation, such as 30m: then validate, save, exit 75.",
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Check config, data, vocabulary, device and memory; train nothing."
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Warnings and errors only.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="More detail.")] = False,
) -> None:
    """Train a translation model, or continue a run.

    Exit codes: 0 finished, 2 something for you to fix, 3 the loss diverged, 75 stopped early (time
    budget, Ctrl-C or another signal) and resumable with the same command.
    """
    from mtcli.config.load import load_config
    from mtcli.distributed.launch import launch, should_launch
    from mtcli.runs.claim import check_place

    loaded = load_config(config, overrides or [])
    if not any(override.strip().startswith("run_dir") for override in overrides or []):
        check_place(config, loaded.run_dir)
    budget_s = None if budget is None else parse_duration(budget)
    if check:
        raise typer.Exit(_check(loaded, budget_s))
    num_processes = _count_processes(nproc, loaded, quiet=quiet)
    if should_launch(num_processes):
        raise typer.Exit(launch(sys.argv[1:], num_processes))
    raise typer.Exit(_train(loaded, fresh=fresh, budget_s=budget_s, quiet=quiet, verbose=verbose))


def _count_processes(nproc: str, config: TrainConfig, *, quiet: bool) -> int:
    """What `--nproc` comes to in this process."""
    from mtcli.distributed.worker import place_from_environment

    if nproc != "auto":
        return int(nproc)
    if place_from_environment() is not None:  # one of several, which have been counted
        return 1
    from mtcli.bench.nproc import choose_nproc
    from mtcli.cli.live import showing

    with showing(level=logging.WARNING if quiet else logging.INFO, is_live=False):
        return choose_nproc(config)


def _train(
    config: TrainConfig, *, fresh: bool, budget_s: float | None, quiet: bool, verbose: bool
) -> int:
    from mtcli.cli.live import showing
    from mtcli.distributed.worker import end_worker, rank_from_environment
    from mtcli.distributed.world import join
    from mtcli.errors import ExitCode

    is_main = rank_from_environment() == 0
    level = logging.WARNING if quiet or not is_main else logging.DEBUG if verbose else logging.INFO
    with showing(level=level, is_live=is_main and not quiet and sys.stderr.isatty()) as observer:
        from mtcli.device.precision import choose_device
        from mtcli.training.setup import train as run_training

        with join(choose_device(config.training.device).type) as world:
            outcome = run_training(
                config, fresh=fresh, budget_s=budget_s, observer=observer, world=world
            )
    exit_code = ExitCode.OK if outcome.is_finished else ExitCode.STOPPED
    end_worker(exit_code)
    return exit_code


def _check(config: TrainConfig, budget_s: float | None) -> int:
    from mtcli.cli.live import showing
    from mtcli.training.check import check

    with showing(level=logging.INFO, is_live=False):
        for line in check(config, budget_s):
            typer.echo(line)
    return 0
