"""Builds everything that a run needs, from its config, and starts the loop. Long, flat, boring."""

from __future__ import annotations

import copy
import logging
from contextlib import ExitStack, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from mtcli.bundle.model_folder import write_model
from mtcli.config.schema.root import TrainConfig
from mtcli.device.choice import choose_device
from mtcli.device.precision import Numerics, choose_numerics
from mtcli.distributed import ddp, fsdp
from mtcli.distributed.world import World
from mtcli.errors import CheckpointError, ConfigError, RunFolderError
from mtcli.evaluation.metrics import check_tokenization
from mtcli.folders import read_json
from mtcli.model.factory import build_model
from mtcli.model.seq2seq import Seq2Seq, num_parameters
from mtcli.runs.claim import claim, move_aside
from mtcli.runs.environment import write_environment
from mtcli.runs.folder import RunFolder
from mtcli.runs.lock import locked
from mtcli.system.allocator import prepare_memory
from mtcli.training.averaging import ExponentialAverage, copy_weights, named_weights
from mtcli.training.best_score import BestScore
from mtcli.training.checkpoint import read_newest
from mtcli.training.compiling import CompiledForward
from mtcli.training.corpus import (
    Corpus,
    check_files_of,
    make_plan,
    on_main,
    open_stream,
    prepare_corpus,
)
from mtcli.training.loop import run_loop
from mtcli.training.model_card import make_card, make_scores
from mtcli.training.observers import Observer, SilentObserver
from mtcli.training.optim import Optimizers, build_optimizers
from mtcli.training.outcome import Outcome
from mtcli.training.parts import LoopParts
from mtcli.training.progress import Progress
from mtcli.training.reporting import describe_end
from mtcli.training.restoring import check_same_data, restore, restored_progress
from mtcli.training.run_length import (
    already_finished,
    check_length,
    find_step_limit,
    find_total_steps,
    has_end,
    long_warmup,
)
from mtcli.training.run_log import logging_to
from mtcli.training.schedule import PlateauState
from mtcli.training.step import StepParts
from mtcli.training.stopping import Interrupted, StopRequest, interruptible
from mtcli.training.validate_and_save import validate
from mtcli.training.validation import ValidationResult, Validator
from mtcli.training.warm_start import starting_model, take_weights

logger = logging.getLogger(__name__)


def train(
    config: TrainConfig,
    *,
    fresh: bool = False,
    budget_s: float | None = None,
    observer: Observer | None = None,
    world: World | None = None,
) -> Outcome:
    """Train until a stop condition; goes on where an earlier invocation stopped.

    Args:
        config: a resolved config, from `load_config`.
        fresh: move an earlier run in `run_dir` aside and begin anew.
        budget_s: time for this invocation; None has no limit.
        observer: shown what happens; None shows nothing.
        world: the processes that train together, from `mtcli.distributed.world.join`; None is
            this one alone.

    Raises:
        MtcliError: the user can fix it; its subclasses say what it is about.
    """
    world = world or World()
    try:
        # One of several processes dies of a signal: it may be waiting for the others.
        with nullcontext() if world.size > 1 else interruptible():
            return _train(config, fresh, StopRequest(budget_s), observer or SilentObserver(), world)
    except Interrupted as interrupted:
        outcome = Outcome(False, f"signal {interrupted.signal_name} while nothing was to be saved")
        logger.info("%s; the same command goes on", outcome.reason)
        return outcome


def _train(
    config: TrainConfig, fresh: bool, stop: StopRequest, observer: Observer, world: World
) -> Outcome:
    budget_s = stop.budget_s
    check_length(config, budget_s)
    check_tokenization(config.tgt_lang, config.validation.bleu_tokenize)
    device = choose_device(config.training.device, world.local_rank)
    numerics = choose_numerics(device, config.training.precision)
    prepare_memory()
    run = RunFolder(config.run_dir)
    with ExitStack() as stack:
        if world.is_main:
            check_files_of(config)
            aside = _begin_anew(run, config) if fresh else None
            stack.enter_context(locked(run.path))
            changed = claim(run, config)
            stack.enter_context(logging_to(run.path / "train.log"))
            if not has_end(config, budget_s):
                logger.info(
                    "no training.max_steps, training.max_epochs, validation.patience or --budget:"
                    " this trains until it is stopped"
                )
            if aside is not None:
                logger.info("moved the earlier run to %s", aside)
            if run.nproc.exists():
                logger.info(
                    "measured for --nproc auto: %s", read_json(run.nproc, RunFolderError)["why"]
                )
            for change in changed:
                logger.info("changed since the last invocation: %s", change)
        world.barrier()
        # A run that has begun goes on by itself: what it started from may be gone by then.
        has_begun = on_main(world, lambda: bool(run.checkpoint_steps()))
        start = None if has_begun else starting_model(config)
        corpus = prepare_corpus(config, run, world, start)
        parts = build(config, run, corpus, numerics, world, stop, observer)
        if start is not None:
            take_weights(parts.model, config, start)
            if start.card.training is not None:
                parts.progress.total_tgt_tokens_computed = start.card.training.all_tgt_tokens
            if parts.trained is not parts.model:
                copy_weights(named_weights(parts.model), into=named_weights(parts.trained))
            if parts.average is not None:
                parts.average.restart(parts.trained)
        if world.is_main and (warning := long_warmup(config, parts.progress.total_steps)):
            logger.warning(warning)
        if outcome := already_finished(parts):
            logger.info(outcome.reason)
            if not on_main(world, lambda: run.model(parts.progress.step).exists()):
                validate(parts, is_stop=True)  # a stop was there, and now it is the end
            return outcome
        outcome = run_loop(parts)
        logger.info(describe_end(parts, outcome))
        return outcome


def _begin_anew(run: RunFolder, config: TrainConfig) -> Path | None:
    """Move an earlier run aside, unless another mtcli is at work in it; its new name."""
    start = starting_model(config)  # a mistake in its name is told before anything is moved
    if not run.path.exists():
        return None
    if start is not None and start.path.resolve().is_relative_to(run.path.resolve()):
        raise ConfigError(
            f"training.init_from: {start.path} is in the run folder that --fresh moves aside; give"
            " the new run another run_dir"
        )
    with locked(run.path):
        return move_aside(run.path)


def build(
    config: TrainConfig,
    run: RunFolder,
    corpus: Corpus,
    numerics: Numerics,
    world: World,
    stop: StopRequest,
    observer: Observer,
) -> LoopParts:
    """Model, optimizers, plan and validator, as they were at the newest checkpoint if any."""
    torch.manual_seed(config.seed)
    sizes = corpus.src_tokenizer.vocab_size, corpus.tgt_tokenizer.vocab_size
    model = build_model(config.model, *sizes)
    is_sharded = config.training.parallel == "fsdp" and world.size > 1
    trained = (
        sharded_twin(model, world, numerics.device) if is_sharded else model.to(numerics.device)
    )
    optimizers = build_optimizers(trained, config.optim)
    scaler = numerics.make_scaler()
    decay = config.training.ema_decay
    average = None if decay is None else ExponentialAverage(trained, decay)
    progress, best = Progress(), BestScore(config.validation.best_by)
    fingerprints = corpus.fingerprints()
    plateau = PlateauState()

    # Rank 0 chooses, so that no rank goes on from another checkpoint than the rest.
    own = read_newest(run) if world.is_main else None
    newest = world.broadcast_object(None if own is None else own.step)
    if newest is not None:
        checkpoint = own if world.is_main else read_newest(run)
        if checkpoint is None or checkpoint.step != newest:
            raise CheckpointError(f"{run.checkpoint(newest)} cannot be read by every process")
        check_same_data(checkpoint, fingerprints)
        restore(checkpoint, trained, optimizers, average, scaler)
        progress = restored_progress(config, checkpoint.state["progress"])
        best = BestScore(**checkpoint.state["best"])
        if best.metric != config.validation.best_by:
            best = BestScore(config.validation.best_by)
        plateau = PlateauState(**checkpoint.state["plateau"])
        world.barrier()
        if world.is_main:
            run.cut_back(newest, best.step, is_stop=checkpoint.state.get("is_stop", False))
            logger.info("resuming from the checkpoint of step %d", newest)
    elif world.is_main:
        for aside in run.set_aside_without_checkpoint():
            logger.warning("left by a run that had no checkpoint, and moved to %s", aside)

    plan = make_plan(config, corpus.store)
    step_limit = find_step_limit(config, plan)
    progress.total_steps = find_total_steps(config, progress, step_limit, stop.budget_s)
    forward = CompiledForward(trained) if config.training.compile else trained
    clip_norm = config.optim.clip_norm
    step_parts = StepParts(
        model=forward if is_sharded else ddp.wrap(forward, world, numerics.device),
        optimizers=optimizers,
        scaler=scaler,
        numerics=numerics,
        world=world,
        label_smoothing=config.training.label_smoothing,
        clip_norm=clip_norm,
    )
    validator = Validator(
        corpus.valid,
        src_tokenizer=corpus.src_tokenizer,
        tgt_tokenizer=corpus.tgt_tokenizer,
        config=config.validation,
        generation=config.decoding,
        tgt_lang=config.tgt_lang,
        max_src_length=corpus.store.meta.longest_src,
        max_tokens=config.batch.max_tokens,
        numerics=numerics,
        world=world,
    )
    if world.is_main:
        describe(config, run, model, optimizers, numerics, world, corpus)

    def save_model(step: int, result: ValidationResult) -> None:
        write_model(
            run.model(step),
            {name: weight.float().cpu().numpy() for name, weight in named_weights(model).items()},
            make_card(config, corpus, progress),
            corpus.tokenizer_files,
            config.decoding,
            make_scores(config, result),
        )

    return LoopParts(
        config=config,
        run=run,
        model=model,
        trained=trained,
        step_parts=step_parts,
        average=average,
        validator=validator,
        progress=progress,
        step_limit=step_limit,
        best=best,
        plateau=plateau,
        open_stream=lambda epoch, update: open_stream(config, corpus, world, epoch, update),
        save_model=save_model,
        stop=stop,
        observer=observer,
        fingerprints=fingerprints,
        cpu_before_s=progress.cpu_s,
    )


def sharded_twin(model: Seq2Seq, world: World, device: torch.device) -> Seq2Seq:
    """A copy of `model` on `device`, of which each process holds its part, layer by layer."""
    twin = copy.deepcopy(model).to(device)
    fsdp.shard(twin, [*twin.encoder.layers, *twin.decoder.layers], world, device)
    return twin


def describe(
    config: TrainConfig,
    run: RunFolder,
    model: Seq2Seq,
    optimizers: Optimizers,
    numerics: Numerics,
    world: World,
    corpus: Corpus,
) -> None:
    """Say what is about to be trained, in the log and in environment.json."""
    logger.info(
        "%d parameters, vocabulary %d, %s on %s, %d process(es) of %d thread(s)",
        num_parameters(model),
        corpus.tgt_tokenizer.vocab_size,
        numerics.precision,
        numerics.device,
        world.size,
        torch.get_num_threads(),
    )
    if config.training.parallel == "fsdp":
        logger.info("weights, gradients and optimizer state: shared out over %d", world.size)
    groups = optimizers.describe()
    for group in groups:
        logger.info("%s", group)
    facts: dict[str, Any] = {
        "device": str(numerics.device),
        "device_name": torch.cuda.get_device_name(numerics.device)
        if numerics.device.type == "cuda"
        else "cpu",
        "precision": numerics.precision,
        "num_processes": world.size,
        "parallel": config.training.parallel,
        "num_threads": torch.get_num_threads(),
        "num_parameters": num_parameters(model),
        "seed": config.seed,
        "store": str(corpus.store.path),
        "store_fingerprint": corpus.store.path.name,
        "optimizer_groups": [asdict(group) for group in groups],
    }
    write_environment(run, facts)
