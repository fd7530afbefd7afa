"""Start or resume a run: open its folder, read the corpus, build the parts, run the loop."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from mtcli.config.schema.root import TrainConfig
from mtcli.distributed.world import World
from mtcli.runs.folder import RunFolder
from mtcli.system.allocator import prepare_memory
from mtcli.training.building import Compute, build
from mtcli.training.corpus import on_main, prepare_corpus
from mtcli.training.corpus_files import look_at_files
from mtcli.training.describing import describe
from mtcli.training.loop import run_loop
from mtcli.training.metric_choice import check_metrics
from mtcli.training.observers.notebook import notebook_observers
from mtcli.training.observers.protocol import Observer, Observers
from mtcli.training.opening import opened
from mtcli.training.outcome import Outcome, describe_end, with_model
from mtcli.training.run_length import already_finished, check_length, check_warmup, check_warmup_of
from mtcli.training.settling import settle
from mtcli.training.stopping import StopRequest, until_stopped
from mtcli.training.threads import keep_threads
from mtcli.training.validate_and_save import remove_old, validate_stop
from mtcli.training.warm_start import begin_with, starting_model

logger = logging.getLogger(__name__)


def train(
    config: TrainConfig,
    *,
    fresh: bool = False,
    budget_s: float | None = None,
    observers: Sequence[Observer] | None = None,
    world: World | None = None,
    budget_clock: Callable[[], float] | None = None,
) -> Outcome:
    """Train until a stop condition; resumes where an earlier invocation stopped.

    Args:
        config: a resolved config, from `load_config`.
        fresh: start over, and keep an earlier run in `run_dir` under another name.
        budget_s: time for this invocation; None has no limit.
        observers: told what happens, in this order, on the main process only; None shows
            progress in a notebook, and nothing elsewhere.
        world: the processes that train together, from `mtcli.distributed.world.join`; None is
            this one alone.
        budget_clock: what counts the budget, in seconds; None: the time that passes.
            `time.process_time` makes it one of CPU time, which other work on the machine does not
            shorten.

    Returns:
        How it ended, with the folder of the run, its best model and the scores of that.

    Raises:
        MtcliError: the user can fix it; its subclasses say what it is about.
        Interrupted: in one of several processes, a signal came before the first update.
    """
    world = world or World()
    told = notebook_observers() if observers is None else observers
    stop = StopRequest(budget_s, budget_clock)
    outcome = until_stopped(
        lambda listening: _train(config, fresh, stop, told, world, listening), stop, world
    )
    return with_model(outcome, RunFolder(config.run_dir)) if world.is_main else outcome


def _train(
    config: TrainConfig,
    fresh: bool,
    stop: StopRequest,
    observers: Sequence[Observer],
    world: World,
    listening: ExitStack,
) -> Outcome:
    settled = on_main(
        world, lambda: settle(config, stop.budget_s, fresh=fresh, num_processes=world.size)
    )
    config = settled.config
    check_length(config, stop.budget_s)
    if fresh or not RunFolder(config.run_dir).all_checkpoints():
        check_warmup(config, config.training.max_steps, stop.budget_s)
    check_metrics(config)
    compute = Compute.choose(config.training, world)
    prepare_memory()
    run = RunFolder(config.run_dir)
    is_main = world.is_main
    opening = opened(run, settled, fresh=fresh, budget_s=stop.budget_s)
    with ExitStack() as stack:
        loggers = stack.enter_context(opening) if is_main else []
        world.barrier()
        # A run that has a checkpoint needs no other model: that may have been removed by now.
        has_begun = on_main(world, lambda: bool(run.all_checkpoints()))
        keep_threads(run, world)
        start = None if has_begun else starting_model(config)
        if is_main:
            look_at_files(config)
        told = Observers(observers if is_main else ())
        corpus = prepare_corpus(config, run, world, start, told)
        parts = build(config, run, corpus, compute, stop, [*observers, *loggers])
        if start is not None:
            begin_with(start, parts.model, config, parts.state.progress)
        if is_main:
            describe(parts)
        check_warmup_of(parts)
        if outcome := already_finished(parts):
            logger.info(outcome.reason)
            if not on_main(world, lambda: parts.state.progress.step in run.all_models()):
                validate_stop(parts)  # stopped here before, and now it is the end
            elif is_main:
                remove_old(parts)
            return outcome
        outcome = run_loop(parts, listening)
        logger.info(describe_end(outcome, parts.state))
        return outcome
