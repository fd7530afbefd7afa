"""Tiny models in the format of CTranslate2, and an engine that runs them."""

import json
from pathlib import Path

from mtcli.engines.ctranslate2.engine import CTranslate2Engine
from mtcli.interchange.ctranslate2.rounding import round_weights
from mtcli.interchange.ctranslate2.spec import build_spec
from mtcli.model.seq2seq import Seq2Seq
from mtcli.tokenizer.protocol import TargetStart
from tests.support.model_folder import card_of

VOCAB_SIZE = 60
PIECES = ["<pad>", "<unk>", "<s>", "</s>", *(f"piece{i}" for i in range(4, VOCAB_SIZE))]


def exported(
    model: Seq2Seq, folder: Path, quantization: str = "float32", pieces: list[str] = PIECES
) -> Path:
    """The model in CTranslate2's format, in `folder`; `pieces` are its vocabulary."""
    # copies: rounding writes into its arrays
    weights = {name: tensor.numpy().copy() for name, tensor in model.state_dict().items()}
    spec = build_spec(card_of(model), weights, pieces, pieces)
    round_weights(spec, quantization)
    folder.mkdir()
    spec.save(str(folder))
    return folder


_STARTS: dict[str, TargetStart] = {"<pad>": "pad", "<s>": "bos", "</s>": "eos"}


def engine_of(folder: Path, inter_threads: int = 1) -> CTranslate2Engine:
    settings = json.loads((folder / "config.json").read_text("utf-8"))
    return CTranslate2Engine(
        folder,
        max_positions=40,
        inter_threads=inter_threads,
        intra_threads=1,
        target_start=_STARTS[settings["decoder_start_token"]],
    )
