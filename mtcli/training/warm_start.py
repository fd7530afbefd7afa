"""Start a run from a model folder: fine-tuning, or another pair of languages."""

from __future__ import annotations

import logging
from collections.abc import Set
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from mtcli.bundle.languages import with_languages
from mtcli.bundle.model_folder import Bundle, read_model
from mtcli.config.schema.root import TrainConfig
from mtcli.errors import ConfigError
from mtcli.folders import sha256_of
from mtcli.model.seq2seq import Seq2Seq
from mtcli.runs.resolve import resolve_model
from mtcli.tokenizer.protocol import SHARED_TOKENIZER, SRC_TOKENIZER, TGT_TOKENIZER
from mtcli.training.averaging import named_weights
from mtcli.training.progress import Progress
from mtcli.training.trained_model import TrainedModel

logger = logging.getLogger(__name__)

_VOCABULARY_WEIGHTS = ("shared_embed.", "src_embed.", "tgt_embed.", "output_proj.", "output_bias")


def starting_model(config: TrainConfig) -> Bundle | None:
    """The model folder that `training.init_from` means; None if it is not set.

    Raises:
        ModelFolderError: there is no such model, or it is damaged.
        ConfigError: it translates between several languages, and those of the run are not among
            them, or another tokenizer would not have their pieces.
    """
    path = config.training.init_from
    if path is None:
        return None
    bundle = read_model(resolve_model(path))
    if bundle.card.languages is None:
        return bundle
    if config.training.init_tokenizer == "any":
        raise ConfigError(
            f"training.init_from: {bundle.path} translates between several languages, which pieces"
            " of its tokenizer name",
            hint="remove `training.init_tokenizer: any`",
        )
    card = with_languages(bundle.path, bundle.card, config.src_lang, config.tgt_lang)
    return replace(bundle, card=card)


def tokenizers_of(bundle: Bundle, *, shared: bool) -> dict[str, Path]:
    """The model's tokenizers, by their names in a model folder.

    Raises:
        ConfigError: the config wants one tokenizer and the model has two, or the reverse.
    """
    if bundle.card.shared_vocab != shared:
        has = "one tokenizer" if bundle.card.shared_vocab else "two tokenizers"
        wants = "one" if shared else "two"
        raise ConfigError(
            f"training.init_from: {bundle.path} has {has}, but `tokenizer.shared` asks for {wants}",
            hint=f"set `tokenizer.shared: {str(bundle.card.shared_vocab).lower()}`",
        )
    if shared:
        return {SHARED_TOKENIZER: bundle.src_tokenizer_path}
    return {SRC_TOKENIZER: bundle.src_tokenizer_path, TGT_TOKENIZER: bundle.tgt_tokenizer_path}


def check_tokenizers(config: TrainConfig, bundle: Bundle, files: dict[str, Path]) -> None:
    """Refuse to use a model's embeddings for the pieces of another tokenizer.

    Raises:
        ConfigError: a tokenizer is not the model's, and `training.init_tokenizer` is `same`.
    """
    if config.training.init_tokenizer == "any":
        return
    own = tokenizers_of(bundle, shared=config.tokenizer.shared)
    for name, path in files.items():
        if sha256_of(path) != sha256_of(own[name]):
            raise ConfigError(
                f"training.init_from: the tokenizer {path} is not that of {bundle.path}",
                hint="remove `tokenizer.model` to use the model's tokenizer, or set"
                " `training.init_tokenizer: any` to start with random embeddings",
            )


@torch.no_grad()
def begin_with(
    bundle: Bundle, model: TrainedModel, config: TrainConfig, progress: Progress
) -> None:
    """Begin a run with the weights of a model folder, and count what that has seen.

    Raises:
        ConfigError: as `take_weights`.
    """
    take_weights(model.whole, config, bundle)
    model.weights_changed()
    if bundle.card.training is not None:
        progress.total_tgt_tokens_computed = bundle.card.training.all_tgt_tokens


def take_weights(model: Seq2Seq, config: TrainConfig, bundle: Bundle) -> None:
    """Put the model folder's weights into `model`.

    Raises:
        ConfigError: the architectures differ.
    """
    keeps_vocabulary = config.training.init_tokenizer == "same"
    theirs = {
        name: torch.from_numpy(array)
        for name, array in bundle.weights().items()
        if keeps_vocabulary or not name.startswith(_VOCABULARY_WEIGHTS)
    }
    own: dict[str, Tensor] = {
        name: weight
        for name, weight in named_weights(model).items()
        if keeps_vocabulary or not name.startswith(_VOCABULARY_WEIGHTS)
    }
    for name in sorted(own.keys() | theirs.keys()):
        shapes = [list(side[name].shape) if name in side else "none" for side in (own, theirs)]
        if shapes[0] != shapes[1]:
            raise ConfigError(
                f"training.init_from: the weight `{name}` has shape {shapes[0]} by the `model`"
                f" section, but {shapes[1]} in {bundle.path}",
                hint="copy the architecture in its `model.json` to the `model` section",
            )
        own[name].copy_(theirs[name])
    for line in _taken(bundle, theirs, left=named_weights(model).keys() - theirs.keys()):
        logger.info(line)


def _taken(bundle: Bundle, taken: dict[str, Tensor], left: Set[str]) -> list[str]:
    """What came from where, and what did not."""
    facts = bundle.card.training
    seen = "of unknown training" if facts is None else f"trained for {facts.num_steps} updates"
    size = sum(weight.numel() for weight in taken.values())
    lines = [
        f"training.init_from: starting from {bundle.path} ({bundle.card.src_lang}-"
        f"{bundle.card.tgt_lang}, {seen}): {len(taken)} weight tensors, {size} weights"
        + ("" if left else ", and the tokenizer"),
    ]
    if left:
        names = ", ".join(sorted(left))
        lines.append(f"training.init_tokenizer: any: {names} start from random values")
    lines.append("the optimizer and the learning-rate schedule start from the beginning")
    return lines
