"""Folders of Marian models with random weights, made without Marian."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from mtcli.config.schema.architecture import ModelConfig
from mtcli.interchange.marian.layout import slots
from mtcli.interchange.marian.settings import MODEL_YML
from mtcli.interchange.marian.written import settings_text
from tests.support.foreign import pieces_of, spm_file
from tests.support.tokenizers import sentences

BASE = ModelConfig(
    d_model=16,
    encoder_layers=2,
    decoder_layers=1,
    num_heads=2,
    d_ff=20,
    decoder_d_ff=12,
    norm_position="post",
    norm_eps=1e-6,
    activation="silu",
    positions="sinusoidal_marian",
    output_bias=True,
    target_start="pad",
)


def arrays_of(config: ModelConfig, sizes: tuple[int, int], seed: int = 0) -> dict[str, np.ndarray]:
    """Random arrays of a Marian model, with its settings."""
    draw = np.random.default_rng(seed)
    is_one = config.tied_embeddings == "all"
    arrays = {
        slot.theirs: draw.normal(scale=0.5, size=slot.shape).astype(np.float32)
        for slot in slots(config, *sizes, one_embedding=is_one)
    }
    return arrays | {MODEL_YML: as_array(settings_text(config, sizes))}


def as_array(text: str) -> np.ndarray:
    return np.frombuffer(text.encode() + b"\0", dtype=np.int8)


def write_marian(folder: Path, *, shared: bool = False, **changes: object) -> None:
    """Write `model.npz` with `source.spm` and `target.spm`, or with `vocab.spm`.

    Args:
        folder: must not exist.
        shared: whether both sides have one vocabulary.
        changes: keys of the architecture.
    """
    folder.mkdir()
    names = ("vocab.spm", "vocab.spm") if shared else ("source.spm", "target.spm")
    for seed, name in enumerate(dict.fromkeys(names), 1):
        spm_file(folder / name, sentences(200, seed=seed), size=70 + seed)
    sizes = tuple(len(pieces_of(folder / name)) for name in names)
    tied = "all" if shared else "decoder"
    config = replace(BASE, **{"tied_embeddings": tied, **changes})
    np.savez(folder / "model.npz", **arrays_of(config, sizes))


def n_best_of(text: str) -> list[list[tuple[str, float, float]]]:
    """The n-best lists that Marian wrote: texts with log-probability and score."""
    lists: dict[int, list[tuple[str, float, float]]] = {}
    for line in filter(None, text.split("\n")):
        place, translation, log_prob, score = line.split(" ||| ")
        found = (translation, float(log_prob.removeprefix("F0= ")), float(score))
        lists.setdefault(int(place), []).append(found)
    return [lists[place] for place in sorted(lists)]
