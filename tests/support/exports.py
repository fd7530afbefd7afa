"""Random models whose searches end, whole as folders or by their parts."""

from pathlib import Path

import torch

from mtcli.bundle.card import ModelCard
from mtcli.config.schema.architecture import ModelConfig
from mtcli.engines.ctranslate2.engine import CTranslate2Engine
from mtcli.interchange.ctranslate2.rounding import round_weights
from mtcli.interchange.ctranslate2.spec import build_spec
from mtcli.model.seq2seq import Seq2Seq
from mtcli.tokenizer.protocol import EOS_ID
from tests.support.models import _BASE, VARIANTS

VOCAB_SIZE = 60
PIECES = ["<pad>", "<unk>", "<s>", "</s>", *(f"piece{i}" for i in range(4, VOCAB_SIZE))]


def random_model(variant: str, *, seed: int = 2, scale: float = 2.0, **changes: object) -> Seq2Seq:
    """A float32 model in which no bias is 0 and no norm 1, else a forgotten one would not show.

    Forbidden pieces are as good as never the best, and EOS now and then is.
    """
    torch.manual_seed(seed)
    config = ModelConfig(**(_BASE | VARIANTS[variant] | changes))  # type: ignore[arg-type]
    model = Seq2Seq(config, VOCAB_SIZE, VOCAB_SIZE).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(std=0.3)
            elif "norm" in name:
                parameter.add_(torch.randn_like(parameter) * 0.2)
            else:
                parameter.mul_(scale)
        model.output_weight_VD[:EOS_ID] = 0
        model.output_weight_VD[EOS_ID] *= 4
    return model


def card_of(model: Seq2Seq) -> ModelCard:
    return ModelCard(
        src_lang="en",
        tgt_lang="de",
        architecture=model.config,
        src_vocab_size=VOCAB_SIZE,
        tgt_vocab_size=VOCAB_SIZE,
        shared_vocab=True,
        max_src_length=20,
    )


def exported(model: Seq2Seq, folder: Path, quantization: str = "float32") -> Path:
    """The model in CTranslate2's format, in `folder`."""
    # copies: rounding writes into its arrays
    weights = {name: tensor.numpy().copy() for name, tensor in model.state_dict().items()}
    spec = build_spec(card_of(model), weights, PIECES, PIECES)
    round_weights(spec, quantization)
    folder.mkdir()
    spec.save(str(folder))
    return folder


def engine_of(folder: Path, inter_threads: int = 1) -> CTranslate2Engine:
    return CTranslate2Engine(folder, max_positions=40, inter_threads=inter_threads, intra_threads=1)
