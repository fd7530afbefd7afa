"""Build what the loop works on, from the config and the corpus."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from mtcli.config.schema.root import TrainConfig, TrainingConfig
from mtcli.device.choice import choose_device
from mtcli.device.precision import Numerics, choose_numerics
from mtcli.distributed import ddp
from mtcli.distributed.world import World
from mtcli.model.seq2seq import Seq2Seq
from mtcli.runs.folder import RunFolder
from mtcli.training.averaging import ExponentialAverage
from mtcli.training.clock import Clock
from mtcli.training.compiling import CompiledForward
from mtcli.training.corpus import Corpus
from mtcli.training.frozen import freeze
from mtcli.training.loop_parts import LoopParts
from mtcli.training.metric_choice import ranking_metric
from mtcli.training.observers.log_writer import LogWriter
from mtcli.training.observers.metrics_writer import MetricsWriter
from mtcli.training.observers.protocol import Observer, Observers
from mtcli.training.observers.slowdown import SlowdownWatch
from mtcli.training.optim import build_optimizers
from mtcli.training.resuming import resume
from mtcli.training.run_length import find_step_limit, find_total_steps
from mtcli.training.start_pull import StartPull
from mtcli.training.state import RunState
from mtcli.training.step import StepParts
from mtcli.training.stopping import StopRequest
from mtcli.training.trained_model import TrainedModel, sharded_twin
from mtcli.training.updates import make_plan
from mtcli.training.validation import Validator

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Compute:
    """What a process computes with."""

    numerics: Numerics
    """Its device and precision."""
    world: World
    """The processes that train together."""

    @classmethod
    def choose(cls, config: TrainingConfig, world: World) -> Compute:
        """The device of this process, and the precision that it computes with.

        Raises:
            DeviceError: the device is missing, or cannot compute with that precision.
        """
        device = choose_device(config.device, world.local_rank)
        return cls(choose_numerics(device, config.precision), world)


def build(
    config: TrainConfig,
    run: RunFolder,
    corpus: Corpus,
    compute: Compute,
    stop: StopRequest,
    observers: Sequence[Observer] = (),
) -> LoopParts:
    """Model, optimizers, state and validator, as they were at the newest checkpoint if any.

    Args:
        config: the run's.
        run: its folder.
        corpus: what is read.
        compute: device and processes.
        stop: what may end this invocation early.
        observers: told what happens, after the metrics file and the log, on the main process.

    Raises:
        CheckpointError: the run has checkpoints, and none can be resumed from.
    """
    numerics, world = compute.numerics, compute.world
    model = _build_model(config, corpus, compute)
    optimizers = build_optimizers(model.trained, config.optim)
    scaler = numerics.make_scaler()
    state = RunState(
        model,
        optimizers,
        scaler,
        corpus.fingerprints(),
        config.schedule,
        ranking_metric(config, corpus.valid.tgt_texts),
    )
    resume(run, state, world)
    step_limit = find_step_limit(config, make_plan(config, corpus.store))
    state.progress.total_steps = find_total_steps(config, state.progress, step_limit, stop.budget_s)
    if world.is_main and (jump := state.rates.jump()):
        logger.warning(jump)
    forward = CompiledForward(model.trained) if config.training.compile else model.trained
    step_parts = StepParts(
        model=forward if model.is_sharded else ddp.wrap(forward, world, numerics.device),
        optimizers=optimizers,
        scaler=scaler,
        numerics=numerics,
        world=world,
        label_smoothing=config.training.label_smoothing,
        clip_norm=config.optim.clip_norm,
        pull=model.pull,
    )
    told: list[Observer] = [MetricsWriter(run.metrics), LogWriter(), SlowdownWatch(), *observers]
    return LoopParts(
        config=config,
        run=run,
        corpus=corpus,
        model=model,
        step_parts=step_parts,
        state=state,
        validator=Validator(corpus.valid, config, numerics, world),
        step_limit=step_limit,
        stop=stop,
        observers=Observers(told if world.is_main else ()),
        clock=Clock(state.progress.elapsed_s, state.progress.cpu_s),
    )


def _build_model(config: TrainConfig, corpus: Corpus, compute: Compute) -> TrainedModel:
    numerics, world = compute.numerics, compute.world
    torch.manual_seed(config.seed)
    sizes = corpus.src_tokenizer.vocab_size, corpus.tgt_tokenizer.vocab_size
    model = Seq2Seq(config.model, *sizes, corpus.separators)
    freeze(model, config.training.freeze)
    if config.training.parallel == "fsdp" and world.size > 1:
        trained = sharded_twin(model, world, numerics.device)
    else:
        trained = model.to(numerics.device)
    decay = config.training.ema_decay
    average = None if decay is None else ExponentialAverage(trained, decay)
    strength = config.regularization.l2_to_start
    pull = StartPull(trained, strength) if strength else None
    return TrainedModel(model, trained, average, pull)
