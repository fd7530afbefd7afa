"""Average several models of a run into one, and validate the result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from mtcli.bundle.card import ModelScore
from mtcli.bundle.model_folder import Bundle, read_model
from mtcli.config.load import load_config
from mtcli.config.metric_names import DEFAULT_METRICS, LOSS
from mtcli.data.holdout import hold_out, read_validation
from mtcli.device.choice import choose_device
from mtcli.device.precision import choose_numerics
from mtcli.distributed.world import World
from mtcli.errors import ConfigError, ModelFolderError
from mtcli.model.seq2seq import Seq2Seq
from mtcli.runs.folder import RunFolder
from mtcli.runs.metrics import read_validations
from mtcli.runs.ranking import rank_key
from mtcli.training.averaging import mean_weights, named_weights
from mtcli.training.corpus_reports import hold_out_rule
from mtcli.training.model_card import make_scores
from mtcli.training.validation import ValidationSet, Validator
from mtcli.translating.loaded_model import load_tokenizers
from mtcli.translating.progress import Progress, no_progress
from mtcli.workflows.mixing import check_alike, read_all_weights, refuse_existing, write_mean


@dataclass(frozen=True)
class Choice:
    """Which models of a run to average; exactly one of the three is set."""

    last: int | None = None
    """The newest N."""
    best: int | None = None
    """The N with the best validation scores, by `validation.best_by` of the run."""
    steps: tuple[int, ...] | None = None
    """The models of these steps."""


@dataclass(frozen=True)
class Averaged:
    """The result of an average."""

    steps: tuple[int, ...]
    """The steps whose models were averaged, in rising order."""
    scores: tuple[ModelScore, ...]
    """On the run's validation pairs; empty if it was not validated."""


def average_models(
    run_path: Path,
    choice: Choice,
    output: Path,
    *,
    validates: bool,
    begin: Callable[[str, str], Progress] = lambda label, noun: no_progress,
) -> Averaged:
    """Write the mean of some models of a run as a model folder.

    The models are those that validations have saved (so of a run with `training.ema_decay` or
    `checkpoints.average_last` they are averages already); `checkpoints.keep_last` and `keep_best`
    say how many there are.

    Args:
        run_path: run folder.
        choice: which of its models.
        output: model folder to write; must not exist.
        validates: translate and score the run's validation pairs with the result, as in the run.
        begin: told what is done next and what is counted; returns what is told how far it is.

    Raises:
        ModelFolderError: there are too few models, or one was removed or is damaged.
        RunFolderError: the output exists or cannot be written.
        DataError: the validation pairs cannot be read.
    """
    run = RunFolder(run_path)
    if not run.config.is_file():
        raise ModelFolderError(f"{run_path} is not a run folder: it has no `config.yaml`")
    refuse_existing(output)
    models = run.all_models()
    steps = _chosen_steps(run, choice)
    bundles = [read_model(models[step]) for step in steps]
    check_alike(bundles)
    weights = mean_weights(read_all_weights(bundles, begin("reading", "models")))
    newest = bundles[-1]
    scores: list[ModelScore] = []
    if validates:
        scores = validated_scores(run, newest, weights, begin("validating", "sentences"))
    write_mean(output, weights, newest, scores)
    return Averaged(tuple(steps), tuple(scores))


def _chosen_steps(run: RunFolder, choice: Choice) -> list[int]:
    there = run.all_models()
    given = [x for x in (choice.last, choice.best, choice.steps) if x is not None]
    if len(given) != 1:
        raise ConfigError(
            "`mtcli average` needs exactly one of `--last`, `--best` and `--steps`",
            hint="use for example `--last 5`, `--best 5` or `--steps 1000,2000`",
        )
    if choice.steps is not None:
        missing = sorted(set(choice.steps) - set(there))
        if missing:
            found = ", ".join(map(str, there)) or "none"
            raise ModelFolderError(
                f"{run.path} has no model of step {missing[0]}, only of step {found}"
            )
        return sorted(set(choice.steps))
    which, number = ("last", choice.last) if choice.best is None else ("best", choice.best)
    assert number is not None
    keys = _keys_of_steps(run)
    if len(keys) < number:
        raise ModelFolderError(
            f"`--{which} {number}` needs more models than the {len(keys)} that {run.path} has"
        )
    ranked = sorted(keys, reverse=True)
    if which == "best":
        ranked = sorted(sorted(keys), key=keys.__getitem__, reverse=True)
    steps = sorted(ranked[:number])
    for step in steps:
        if step not in there:
            raise ModelFolderError(
                f"the model of step {step}, one of the {which} {number} of {run.path}, was removed",
                hint=f"average fewer, or raise `checkpoints.keep_{which}` in the next run",
            )
    return steps


def _keys_of_steps(run: RunFolder) -> dict[int, tuple[float, ...]]:
    """The rank of every validation, whether its model is still there or not; more is better."""
    validations = read_validations(run.metrics)
    metric = load_config(run.config).validation.best_by
    if validations:  # the run may have chosen another metric, where BLEU can only be 0
        metric = validations[-1].get("best_by", metric)
    return {m["step"]: rank_key(metric, _scores_of(m)) for m in validations}


def _scores_of(validation: dict[str, Any]) -> dict[str, float]:
    """What a validation computed; runs of earlier versions have BLEU and chrF only."""
    of_old = {name: validation.get(name) for name in DEFAULT_METRICS}
    scores = validation.get("scores") or {k: v for k, v in of_old.items() if v is not None}
    return {**scores, LOSS: validation["loss_per_token"]}


def validated_scores(
    run: RunFolder, bundle: Bundle, weights: dict[str, torch.Tensor], progress: Progress
) -> list[ModelScore]:
    """Scores of the weights on the run's validation pairs, with the run's own settings."""
    config, card = load_config(run.config), bundle.card
    numerics = choose_numerics(choose_device(config.training.device), config.training.precision)
    sizes = card.src_vocab_size, card.tgt_vocab_size
    model = Seq2Seq(card.architecture, *sizes, card.separators)
    model = model.to(numerics.device).eval()
    with torch.no_grad():
        for name, weight in named_weights(model).items():
            weight.copy_(weights[name])
    assert config.data.cache_dir is not None  # load_config fills it in
    rule = hold_out_rule(run)
    held_out = hold_out(config.data, config.seed, config.data.cache_dir, rule)
    pairs = read_validation(config.data, held_out)[: config.validation.max_pairs]
    valid = ValidationSet(
        [src for src, _ in pairs],
        [tgt for _, tgt in pairs],
        *load_tokenizers(bundle),
        card.max_src_length,
    )
    validator = Validator(valid, config, numerics, World())
    return make_scores(config, validator.validate(model, progress=progress))
