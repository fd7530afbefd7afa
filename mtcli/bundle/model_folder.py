"""Write a model folder, read it, and check its files; it holds all that translating needs."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mtcli.bundle.card import (
    MODEL_FORMAT_VERSION,
    ModelCard,
    ModelScore,
    ScoreList,
    check_card,
    read_checked,
)
from mtcli.bundle.languages import check_languages
from mtcli.bundle.readme import render_readme
from mtcli.bundle.weight_shapes import check_stored_weights
from mtcli.config.schema.decoding import DecodingConfig
from mtcli.errors import ModelFolderError, RunFolderError
from mtcli.folders import (
    new_folder,
    read_manifest,
    verify_files,
    verify_folder,
    write_json,
)
from mtcli.system.user_paths import cache_folder
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
            ModelFolderError: the file is damaged, has not what the card asks for, or a weight is
                not a finite number.
        """
        # here, and wherever numpy is needed: an exported model translates without it
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        path = self.path / WEIGHTS
        check_stored_weights(path, self.card)
        try:
            arrays = load_file(path)
        except (SafetensorError, OSError) as error:
            raise ModelFolderError(f"{path} is damaged and cannot be read ({error})") from error
        if problem := _not_finite(arrays):
            raise ModelFolderError(f"{path} cannot be used: {problem}")
        return arrays

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
        ModelFolderError: a weight is not a finite number.
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
    if problem := _not_finite(weights):
        raise ModelFolderError(f"{path} is not written: {problem}")
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
    """Read a model folder and check its files: names, sizes and SHA-256.

    The SHA-256 of a large file that has not changed is checked once a day. What only people read
    (`README.md`) may be edited, and files may be added.

    Args:
        path: the folder. For a run folder ask `resolve_model` first.
        check_weights: whether to look at the weights; without, `Bundle.check_weights` does.

    Raises:
        ModelFolderError: a file is missing or damaged, or the folder is of a newer format.
    """
    _verify(path, [CARD])
    card = read_checked(path / CARD, ModelCard)
    check_card(path / CARD, card)
    check_languages(path / CARD, card)
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
    """Like `read_model`, but hash every file that was written, whether it was hashed before or not.

    Raises:
        ModelFolderError: a file is missing or is not what was written.
    """
    bundle = read_model(path)
    verify_folder(path, error=ModelFolderError)
    return bundle


def _not_finite(arrays: Mapping[str, np.ndarray]) -> str | None:
    """Which weight has values that are not finite numbers, and how many; None if none has."""
    import numpy as np

    for name, array in arrays.items():
        with np.errstate(all="ignore"):
            # the sum, which reads an array once; it may overflow where no value did
            if array.dtype.kind != "f" or np.isfinite(array.sum()):
                continue
        count = array.size - int(np.isfinite(array).sum())
        if count:
            return f"{count} of {array.size} values of `{name}` are not finite numbers"
    return None


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


def verified_memory() -> Path | None:
    """Where it is remembered which large files of models were hashed; None if nowhere."""
    cache = cache_folder()
    return None if cache is None else cache / "verified"


def _verify(folder: Path, names: Sequence[str]) -> None:
    """Check these files only: somebody may add a sentence to the README."""
    entries = read_manifest(folder, ModelFolderError)
    verify_files(folder, entries, names, error=ModelFolderError, memory=verified_memory())
