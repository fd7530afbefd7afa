"""A model folder of a tiny untrained model, whose tokenizer knows a few made-up words."""

from pathlib import Path

import torch

from mtcli.bundle.card import ModelCard
from mtcli.bundle.model_folder import write_model
from mtcli.config.schema.decoding import DecodingConfig
from mtcli.model.seq2seq import Seq2Seq
from tests.support.models import tiny_model
from tests.support.tokenizers import WORDS_VOCAB_SIZE


def untrained_model(seed: int = 1, **changes: object) -> Seq2Seq:
    """Its weights are so large that its outputs differ with the source."""
    changes = {"d_model": 16, "d_ff": 24, "encoder_layers": 1} | changes
    model = tiny_model(seed=seed, vocab_size=WORDS_VOCAB_SIZE, **changes).float()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)
    return model


def card_of(model: Seq2Seq) -> ModelCard:
    """The card of a model with one vocabulary for both sides."""
    vocab_size = len(model.output_weight_VD)
    return ModelCard(
        src_lang="en",
        tgt_lang="de",
        architecture=model.config,
        src_vocab_size=vocab_size,
        tgt_vocab_size=vocab_size,
        shared_vocab=True,
        src_normalization="nmt_nfkc",
        tgt_normalization="nfc",
        max_src_length=20,
    )


def write_tiny_model(path: Path, tokenizer: Path, seed: int = 1) -> None:
    """The model folder."""
    model = untrained_model(seed)
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    generation = DecodingConfig(beam_size=3, max_length=12, batch_size=4)
    write_model(path, weights, card_of(model), {"tokenizer.model": tokenizer}, generation)
