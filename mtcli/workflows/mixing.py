"""What every mean of models needs: that they fit together, their weights, and the new folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mtcli.bundle.card import ModelScore
from mtcli.bundle.model_folder import Bundle, write_model
from mtcli.errors import ModelFolderError
from mtcli.folders import sha256_of
from mtcli.translating.progress import Progress

_ONLY_IN_TRAINING = ("dropout", "attention_dropout", "activation_dropout", "embedding_dropout")
"""Keys of the architecture that a tuned model may have of its own."""


def refuse_existing(output: Path) -> None:
    """Refuse to write over a folder.

    Raises:
        ModelFolderError: it exists.
    """
    if output.exists():
        raise ModelFolderError(f"{output} already exists", hint="give another folder to `--output`")


def check_alike(bundles: Sequence[Bundle]) -> None:
    """Refuse models whose weights do not mean the same: of other shapes, or for other pieces.

    Raises:
        ModelFolderError: two of them differ in more than what only training reads.
    """
    first = bundles[0]
    for other in bundles[1:]:
        what = f"{other.path} and {first.path} cannot be averaged: they have different"
        theirs, ours = _shape(other), _shape(first)
        if keys := [key for key in ours if ours[key] != theirs[key]]:
            key = keys[0]
            raise ModelFolderError(
                f"{what} architectures, `{key}` is {theirs[key]} and {ours[key]}",
                hint="average models of one run, or a model and what was fine-tuned from it",
            )
        if _tokenizers(other) != _tokenizers(first):
            raise ModelFolderError(
                f"{what} tokenizers, so their embeddings are of different pieces",
                hint="average models of one run, or a model and what was fine-tuned from it",
            )


def read_all_weights(bundles: Sequence[Bundle], progress: Progress) -> list[dict[str, Tensor]]:
    """The weights of each model, by name."""
    read: list[dict[str, Tensor]] = []
    for bundle in bundles:
        read.append({name: torch.from_numpy(array) for name, array in bundle.weights().items()})
        progress(len(read), len(bundles))
    return read


def write_mean(
    output: Path, weights: dict[str, Tensor], like: Bundle, scores: Sequence[ModelScore]
) -> None:
    """Write weights as a model folder that is `like` a model in all else.

    Raises:
        RunFolderError: it cannot be written.
    """
    files = {path.name: path for path in (like.src_tokenizer_path, like.tgt_tokenizer_path)}
    arrays = {name: weight.numpy() for name, weight in weights.items()}
    write_model(output, arrays, like.card, files, like.generation, scores)


def _shape(bundle: Bundle) -> dict[str, Any]:
    """What the shapes and the meaning of all weights follow from."""
    card = bundle.card
    architecture = {
        key: value
        for key, value in dataclasses.asdict(card.architecture).items()
        if key not in _ONLY_IN_TRAINING
    }
    sizes = {"src_vocab_size": card.src_vocab_size, "tgt_vocab_size": card.tgt_vocab_size}
    return {**architecture, **sizes}


def _tokenizers(bundle: Bundle) -> list[str]:
    return [sha256_of(path) for path in (bundle.src_tokenizer_path, bundle.tgt_tokenizer_path)]
