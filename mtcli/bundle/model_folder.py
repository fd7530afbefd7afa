"""Write a model folder, read it, and check its files; it holds all that translating needs."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mtcli.bundle.card import MODEL_FORMAT_VERSION, ModelCard, ModelScore, ScoreList, read_checked
from mtcli.bundle.readme import render_readme
from mtcli.config.schema.decoding import DecodingConfig
from mtcli.errors import ModelFolderError, RunFolderError
from mtcli.folders import (
    check_readable,
    new_folder,
    read_manifest,
    verify_files,
    verify_folder,
    write_json,
)
from mtcli.tokenizer.protocol import SHARED_TOKENIZER, SRC_TOKENIZER, TGT_TOKENIZER

if TYPE_CHECKING:
    import numpy as np

WEIGHTS = "model.safetensors"
CARD = "model.json"
GENERATION = "generation.json"
SCORES = "scores.json"
README = "README.md"

EXPORT_RECORD = "mtcli.json"
"""File of an export that says how it was made; a folder that has it and a card is an export that
translates by itself."""

HASHED_BELOW_BYTES = 64 * 2**20
"""Files smaller than this have their SHA-256 checked on every read; larger ones only their size,
because hashing a gigabyte takes a second or two that every `mtcli translate` would pay."""


@dataclass(frozen=True)
class Bundle:
    """A model folder that was read and found complete; the weights are read on demand."""

    path: Path
    """The folder."""
    card: ModelCard
    generation: DecodingConfig
    """The default settings of the search."""
    scores: tuple[ModelScore, ...]
    src_tokenizer_path: Path
    tgt_tokenizer_path: Path
    """The same file as `src_tokenizer_path` if the vocabulary is shared."""

    def weights(self) -> dict[str, np.ndarray]:
        """Parameters by their plain names, float32; tied ones once.

        Raises:
            ModelFolderError: the file is damaged.
        """
        # here, and wherever numpy is needed: an exported model translates without it
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        path = self.path / WEIGHTS
        check_readable(path, ModelFolderError)
        try:
            return load_file(path)
        except (SafetensorError, OSError) as error:
            raise ModelFolderError(f"{path} is damaged and cannot be read ({error})") from error

    def check_weights(self) -> None:
        """Check the weights as `read_model` does, if it was told not to.

        Raises:
            ModelFolderError: the file is missing or damaged, or the folder is an export.
        """
        _check_weights(self.path)

    @property
    def is_export(self) -> bool:
        """Whether the folder is an export that translates by itself, without the weights."""
        return _is_export(self.path)


def write_model(
    path: Path,
    arrays: Mapping[str, np.ndarray],
    card: ModelCard,
    tokenizer_files: Mapping[str, Path],
    generation: DecodingConfig,
    scores: Sequence[ModelScore] = (),
) -> None:
    """Write a model folder, completely or not at all.

    Args:
        path: the folder; must not exist.
        arrays: parameters by plain name, tied ones once; stored as float32.
        card: what the model is.
        tokenizer_files: SentencePiece models to copy, by their new name:
            `tokenizer.model`, or `tokenizer.src.model` and `tokenizer.tgt.model`.
        generation: the default settings of the search.
        scores: of the validation.

    Raises:
        RunFolderError: the folder exists or cannot be written.
        ValueError: the names of the tokenizers do not fit `card.shared_vocab`.
    """
    import numpy as np
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    if set(tokenizer_files) != set(_tokenizer_names(card)):
        raise ValueError(f"tokenizer files {sorted(tokenizer_files)} do not fit the model card")
    weights = {
        name: np.ascontiguousarray(array, dtype=np.float32) for name, array in arrays.items()
    }
    with new_folder(path) as folder:
        try:
            save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
        except SafetensorError as error:  # a full disk comes as this, not as OSError
            raise RunFolderError(f"cannot write {path / WEIGHTS}: {error}") from error
        # an average of models of an older format is of this one
        newest = dataclasses.replace(card, format_version=MODEL_FORMAT_VERSION)
        write_json(folder / CARD, dataclasses.asdict(newest))
        write_json(folder / GENERATION, dataclasses.asdict(generation))
        write_json(folder / SCORES, dataclasses.asdict(ScoreList(scores=list(scores))))
        for name, source in tokenizer_files.items():
            shutil.copyfile(source, folder / name)
        text = render_readme(
            card,
            num_parameters=sum(array.size for array in weights.values()),
            generation=generation,
            scores=scores,
        )
        (folder / README).write_bytes(text.encode("utf-8"))


def read_model(path: Path, *, check_weights: bool = True) -> Bundle:
    """Read a model folder and check its files: names, sizes, and SHA-256 of the small ones.

    What only people read (`README.md`) may be edited, and files may be added.

    Args:
        path: the folder. For a run folder ask `resolve_model` first.
        check_weights: whether to look at the weights; without, `Bundle.check_weights` does.

    Raises:
        ModelFolderError: a file is missing or damaged, or the folder is of a newer format.
    """
    _verify(path, [CARD])
    card = read_checked(path / CARD, ModelCard)
    names = _tokenizer_names(card)
    _verify(path, [GENERATION, SCORES, *names])
    if check_weights:
        _check_weights(path)
    return Bundle(
        path=path,
        card=card,
        generation=read_checked(path / GENERATION, DecodingConfig),
        scores=tuple(read_checked(path / SCORES, ScoreList).scores),
        src_tokenizer_path=path / names[0],
        tgt_tokenizer_path=path / names[-1],
    )


def verify_model(path: Path) -> Bundle:
    """Like `read_model`, but check the SHA-256 of every file that was written, however large.

    Raises:
        ModelFolderError: a file is missing or is not what was written.
    """
    bundle = read_model(path)
    verify_folder(path, error=ModelFolderError)
    return bundle


def _tokenizer_names(card: ModelCard) -> tuple[str, ...]:
    return (SHARED_TOKENIZER,) if card.shared_vocab else (SRC_TOKENIZER, TGT_TOKENIZER)


def _is_export(path: Path) -> bool:
    return (path / EXPORT_RECORD).is_file()


def _check_weights(path: Path) -> None:
    if _is_export(path):
        raise ModelFolderError(
            f"{path} is an export: it translates with CTranslate2, and lacks the weights that"
            " everything else needs",
            hint="give the model folder or run folder that it was exported from",
        )
    _verify(path, [WEIGHTS])


def _verify(folder: Path, names: Sequence[str]) -> None:
    """Check these files only.

    `verify_folder` would refuse to translate because somebody added a sentence to the README, or
    spend seconds on hashing large weights.
    """
    entries = read_manifest(folder, ModelFolderError)
    verify_files(
        folder, entries, names, error=ModelFolderError, hashed_below_bytes=HASHED_BELOW_BYTES
    )
