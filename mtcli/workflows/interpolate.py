"""Interpolate models, such as a base model and the one that was fine-tuned from it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from mtcli.bundle.card import ModelScore
from mtcli.bundle.model_folder import read_model
from mtcli.errors import ConfigError
from mtcli.runs.folder import RunFolder
from mtcli.runs.resolve import resolve_model
from mtcli.training.averaging import weighted_mean
from mtcli.translating.progress import Progress, no_progress
from mtcli.workflows.average import validated_scores
from mtcli.workflows.mixing import check_alike, read_all_weights, refuse_existing, write_mean

_SUM_TOLERANCE = 1e-6
"""Of the sum of all shares, which were typed as decimals."""


def interpolate_models(
    models: Sequence[Path],
    shares: Sequence[float],
    output: Path,
    *,
    validates: bool = False,
    begin: Callable[[str, str], Progress] = lambda label, noun: no_progress,
) -> tuple[ModelScore, ...]:
    """Write the weighted mean of several models as a model folder.

    A point between a base model and its fine-tuned one often keeps more of the old domain than it
    loses of the new one. All but the weights is the last model's: name the tuned one last.

    Args:
        models: model folders, or run folders, whose best model is taken.
        shares: how much of each, in the same order, from 0 to 1; their sum is 1.
        output: model folder to write; must not exist.
        validates: score the result on the validation pairs of the last one, a run folder.
        begin: told what is done next and what is counted; returns what is told how far it is.

    Returns:
        Its scores; none if it was not validated.

    Raises:
        ConfigError: the shares do not fit the models, or add up to something else than 1.
        ModelFolderError: a model is missing or damaged, or they do not fit together.
        RunFolderError: the output exists or cannot be written.
        DataError: the validation pairs cannot be read.

    Source: Wortsman et al. 2022 (robust fine-tuning of zero-shot models, WiSE-FT), equation 1.
    """
    _check_shares(models, shares)
    run = RunFolder(models[-1])
    if validates and not run.config.is_file():
        raise ConfigError(
            f"`--validate` needs the validation pairs of a run: {models[-1]} is not a run folder",
            hint="give the run folder of the tuned model as the last `-m`, or use `mtcli eval`",
        )
    refuse_existing(output)
    bundles = [read_model(resolve_model(path)) for path in models]
    check_alike(bundles)
    read = read_all_weights(bundles, begin("reading", "models"))
    weights = weighted_mean(read, shares)
    scores: list[ModelScore] = []
    if validates:
        scores = validated_scores(run, bundles[-1], weights, begin("validating", "sentences"))
    write_mean(output, weights, bundles[-1], scores)
    return tuple(scores)


def _check_shares(models: Sequence[Path], shares: Sequence[float]) -> None:
    if len(models) < 2:
        raise ConfigError(
            "`--weights` needs at least two models",
            hint="name them, for example `-m base -m tuned --weights 0.6,0.4`",
        )
    if len(models) != len(shares):
        raise ConfigError(
            f"`--weights` needs one number for each model: found {len(shares)} for"
            f" {len(models)} models",
        )
    if bad := [share for share in shares if not 0 <= share <= 1]:
        raise ConfigError(f"`--weights` must be numbers from 0 to 1, found {bad[0]:g}")
    if abs(math.fsum(shares) - 1) > _SUM_TOLERANCE:
        raise ConfigError(
            f"the numbers of `--weights` must add up to 1, found a sum of {math.fsum(shares):g}",
            hint="use for example `0.6,0.4` for two models",
        )
