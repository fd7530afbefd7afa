"""`mtcli train`: start or resume a run, in one process or several."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from mtcli.cli.choices import completing
from mtcli.cli.command import Command
from mtcli.cli.help import epilog
from mtcli.cli.options import ConfigArgument, OverridesOption

if TYPE_CHECKING:
    from mtcli.config.schema.root import TrainConfig
    from mtcli.runs.invocations import Invocation
    from mtcli.runs.split import Split
    from mtcli.training.outcome import Outcome

app = typer.Typer()

MESSAGES = "Messages"
"""Section of the help page."""

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")
_SECONDS = (86400, 3600, 60, 1)


def parse_duration(text: str) -> float:
    """The seconds of a duration such as `30m`, `1h30m`, `2d` or `90` (seconds).

    Raises:
        ConfigError: it is not a duration, or it is zero.
    """
    from mtcli.errors import ConfigError

    match = _DURATION.fullmatch(text.strip())
    seconds = (
        sum(int(n or 0) * s for n, s in zip(match.groups(), _SECONDS, strict=True)) if match else 0
    )
    if seconds == 0:
        raise ConfigError(
            f"`{text}` is not a valid duration for `--budget`",
            hint="use for example `30m`, `1h30m` or `90s`",
        )
    return float(seconds)


def check_nproc(text: str | None) -> str | None:
    """Return `text` if it is None, a number of processes or `auto`.

    Raises:
        BadParameter: it is something else.
    """
    if text in (None, "auto"):
        return text
    if not (text.isascii() and text.isdigit() and int(text) >= 1):
        raise typer.BadParameter(f"must be a whole number, at least 1, or `auto`, found `{text}`")
    return text


@app.command(
    cls=Command,
    epilog=epilog(
        "mtcli train configs/demo.yaml --budget 30m --set optim.lr=1e-3", "guides/train.md"
    ),
)
def train(
    config: ConfigArgument,
    overrides: OverridesOption = None,
    nproc: Annotated[
        str | None,
        typer.Option(
            metavar="N|auto",
            callback=check_nproc,
            autocompletion=completing(("auto",)),
            help="Train in N processes, on CUDA one per GPU; `auto` measures which N is fastest."
            " Default: `1`, or what `auto` found for the run.",
        ),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="Stop after this time, for example `30m`: validate, save and exit with 75.",
        ),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start over; the old run is kept as `RUN.1`.")
    ] = False,
    reverse: Annotated[
        bool,
        typer.Option("--reverse", help="Train the other direction; adds `-reverse` to `run_dir`."),
    ] = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="Check config, data, device and memory, but do not train."),
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print how it ended, or what `--check` found, as JSON."),
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option(
            "-q", "--quiet", help="Print warnings and errors only.", rich_help_panel=MESSAGES
        ),
    ] = False,
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="Print more detail.", rich_help_panel=MESSAGES)
    ] = False,
) -> None:
    """Train a translation model, or resume a run.

    Run the same command again to resume a run that was stopped.

    Exit codes: 0 the run is finished, 2 there is something for you to fix, 3 the loss diverged,
    75 the run was stopped early (by `--budget`, Ctrl-C or another signal) and can be resumed.
    """
    from mtcli.config.load import load_config
    from mtcli.config.overrides import sets_key
    from mtcli.config.provenance import value_origins
    from mtcli.config.reverse import reverse_config
    from mtcli.distributed.launch import launch, should_launch
    from mtcli.distributed.worker import is_restarted, rank_from_environment
    from mtcli.runs.claim import check_place
    from mtcli.runs.folder import RunFolder
    from mtcli.runs.invocations import Invocation
    from mtcli.runs.split import read_split
    from mtcli.system.processes import die_with_parent

    die_with_parent()
    fresh = fresh and not is_restarted()  # what the first attempt has done is to be resumed
    loaded = load_config(config, overrides or [])
    if not sets_key(overrides or [], "run_dir"):
        check_place(config, loaded.run_dir)
    if reverse:
        loaded = reverse_config(loaded)
    budget_s = None if budget is None else parse_duration(budget)
    if check:
        from mtcli.cli.checking import print_check

        print_check(loaded, budget_s, as_json=as_json)
        return
    kept = None if fresh else read_split(RunFolder(loaded.run_dir))
    num_processes = _count_processes(nproc, loaded, kept, quiet=quiet)
    if should_launch(num_processes):
        threads = kept.threads if kept and kept.processes == num_processes else None
        raise typer.Exit(launch(sys.argv[1:], num_processes, threads))
    origins = value_origins(loaded, config, overrides or [])
    invocation = Invocation(["mtcli", *sys.argv[1:]], origins)
    with _ending_workers_at_errors():
        outcome = _train(
            loaded, invocation, fresh=fresh, budget_s=budget_s, quiet=quiet, verbose=verbose
        )
    if as_json and rank_from_environment() == 0:
        _print_json(outcome)
    _exit(outcome, is_compiling=loaded.training.compile)


@contextmanager
def _ending_workers_at_errors() -> Iterator[None]:
    """One of several processes ends as soon as its error is said.

    On the way out, torch may look up names for a log of connections that broke: where the network
    is gone, that takes another half minute.
    """
    from mtcli.cli.errors import user_errors
    from mtcli.distributed.worker import end_worker

    try:
        with user_errors():
            yield
    except SystemExit as end:
        if isinstance(end.code, int):
            end_worker(end.code)
        raise


def _count_processes(
    nproc: str | None, config: TrainConfig, kept: Split | None, *, quiet: bool
) -> int:
    """The number of processes to start: `--nproc`, else what was measured for the run, else 1.

    A number that was typed is not kept: whoever resumes without it asks for one process.
    """
    from mtcli.distributed.worker import place_from_environment
    from mtcli.runs.folder import RunFolder

    if nproc is not None and nproc != "auto":
        return int(nproc)
    if place_from_environment() is not None:  # already one of several
        return 1
    if nproc is None:
        is_measured = RunFolder(config.run_dir).nproc.exists()
        return kept.processes if kept is not None and is_measured else 1
    from mtcli.bench.nproc import choose_nproc
    from mtcli.cli.live import showing

    with showing(level=logging.WARNING if quiet else logging.INFO, is_live=False):
        return choose_nproc(config, kept)


def _train(
    config: TrainConfig,
    invocation: Invocation,
    *,
    fresh: bool,
    budget_s: float | None,
    quiet: bool,
    verbose: bool,
) -> Outcome:
    from mtcli.cli.live import showing
    from mtcli.distributed.worker import end_worker, rank_from_environment, silence_torch
    from mtcli.errors import ExitCode
    from mtcli.system.stop_signals import Interrupted

    silence_torch()

    is_main = rank_from_environment() == 0
    level = logging.WARNING if quiet or not is_main else logging.DEBUG if verbose else logging.INFO
    is_live = is_main and not quiet and sys.stderr.isatty()
    with showing(level=level, is_live=is_live) as observer:
        from mtcli.device.choice import choose_device
        from mtcli.distributed.world import join
        from mtcli.runs.folder import RunFolder
        from mtcli.training.observers.invocation_recorder import InvocationRecorder
        from mtcli.training.setup import train as run_training

        device_type = choose_device(config.training.device).type
        recorder = InvocationRecorder(RunFolder(config.run_dir), invocation)
        try:
            with join(device_type, config.training.peer_timeout_s) as world:
                observers = [recorder] if observer is None else [recorder, observer]
                outcome = run_training(
                    config, fresh=fresh, budget_s=budget_s, observers=observers, world=world
                )
        except Interrupted:
            end_worker(ExitCode.STOPPED)
            raise
    if observer is not None:
        _print_box(outcome, config, observer.elapsed_s)
    return outcome


def _print_json(outcome: Outcome) -> None:
    """How the run ended: docs/guides/train.md says what the keys mean."""
    import json
    from dataclasses import asdict

    values = {
        "is_finished": outcome.is_finished,
        "reason": outcome.reason,
        "run_dir": str(outcome.run_dir),
        "model": None if outcome.model is None else str(outcome.model),
        "scores": [asdict(score) for score in outcome.scores],
    }
    print(json.dumps(values, ensure_ascii=False))


def _exit(outcome: Outcome, *, is_compiling: bool) -> NoReturn:
    from mtcli.distributed.worker import end_worker, leave
    from mtcli.errors import ExitCode

    exit_code = ExitCode.OK if outcome.is_finished else ExitCode.STOPPED
    end_worker(exit_code)
    if is_compiling and not outcome.is_finished:
        leave(exit_code)  # else the interpreter waits for compilers that are still running
    raise typer.Exit(exit_code)


def _print_box(outcome: Outcome, config: TrainConfig, elapsed_s: float) -> None:
    from rich.console import Console

    from mtcli.cli.closing_box import MAX_WIDTH, closing_box

    console = Console(file=sys.stderr)
    box = closing_box(outcome, config, elapsed_s, sys.argv[1:])
    console.print(box, width=min(console.width, MAX_WIDTH))
