"""Write our weights as a Marian npz file: the reverse of what is read, array by array."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mtcli.config.schema.architecture import ModelConfig
from mtcli.interchange.marian import layout
from mtcli.interchange.marian.settings import MODEL_YML

_RNN = {
    "dec-cell": "gru",
    "dec-cell-base-depth": 2,
    "dec-cell-high-depth": 1,
    "dim-rnn": 1024,
    "enc-cell": "gru",
    "enc-cell-depth": 1,
    "enc-type": "bidirectional",
    "layer-normalization": False,
    "skip": False,
}
"""Marian asks for these of every model."""

_ACTIVATIONS = {"relu": "relu", "silu": "swish"}


def settings_text(config: ModelConfig, sizes: tuple[int, int]) -> str:
    """The text of `special:model.yml`."""
    is_pre = config.norm_position == "pre"
    values: dict[str, object] = {
        **_RNN,
        "type": "transformer",
        "dim-emb": config.d_model,
        "enc-depth": config.encoder_layers,
        "dec-depth": config.decoder_layers,
        "input-types": [],
        "tied-embeddings": config.tied_embeddings == "decoder",
        "tied-embeddings-all": config.tied_embeddings == "all",
        "tied-embeddings-src": False,
        "output-omit-bias": False,
        "right-left": False,
        "transformer-heads": config.num_heads,
        "transformer-dim-ffn": config.d_ff,
        "transformer-decoder-dim-ffn": config.decoder_d_ff or 0,
        "transformer-ffn-depth": 2,
        "transformer-decoder-ffn-depth": 0,
        "transformer-ffn-activation": _ACTIVATIONS[config.activation],
        "transformer-preprocess": "n" if is_pre else "",
        "transformer-postprocess": "da" if is_pre else "dan",
        "transformer-postprocess-top": "n" if is_pre else "",
        "transformer-postprocess-emb": "d",
        "transformer-decoder-autoreg": "self-attention",
        "transformer-guided-alignment-layer": "last",
        "transformer-no-projection": False,
        "transformer-pool": False,
        "transformer-tied-layers": [],
        "transformer-train-position-embeddings": False,
        "transformer-disable-position-embeddings": False,
        "ulr": False,
        "version": "written by mtcli",
    }
    lines = [f"{key}: {_yaml(value)}" for key, value in sorted(values.items())]
    return "\n".join([*lines, "dim-vocabs:", *(f"  - {size}" for size in sizes), ""])


def write_npz(
    path: Path,
    config: ModelConfig,
    weights: Mapping[str, np.ndarray],
    rows: Mapping[layout.Side, np.ndarray],
) -> None:
    """Write an npz file that Marian reads.

    Args:
        path: the file.
        config: an architecture that Marian has.
        weights: ours, by plain name.
        rows: our id of each of their pieces, by side.
    """
    sizes = len(rows["src"]), len(rows["tgt"])
    text = settings_text(config, sizes).encode("utf-8") + b"\0"
    arrays: dict[str, np.ndarray] = {MODEL_YML: np.frombuffer(text, dtype=np.int8)}
    for slot in layout.slots(config, *sizes, one_embedding=config.tied_embeddings == "all"):
        array = weights[slot.ours]
        if slot.side is not None:
            array = array[rows[slot.side]]
        if slot.is_transposed:
            array = np.ascontiguousarray(array.T)
        arrays[slot.theirs] = array.reshape(slot.shape)
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def _yaml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return '""' if value == "" else str(value)
