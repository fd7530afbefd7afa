"""A model folder of a tiny untrained model, whose tokenizer knows a few made-up words."""

from collections.abc import Sequence
from pathlib import Path

import sentencepiece
import torch

from mtcli.bundle.card import ModelCard
from mtcli.bundle.model_folder import write_model
from mtcli.config.schema.architecture import ModelConfig
from mtcli.config.schema.decoding import DecodingConfig
from mtcli.model.seq2seq import Seq2Seq

VOCAB_SIZE = 300
ARCHITECTURE = ModelConfig(
    d_model=16, num_heads=2, d_ff=24, encoder_layers=1, decoder_layers=2, max_positions=40
)


def tiny_model(seed: int = 1) -> Seq2Seq:
    """An untrained model; its weights are large enough that its outputs differ with the source."""
    torch.manual_seed(seed)
    model = Seq2Seq(ARCHITECTURE, VOCAB_SIZE, VOCAB_SIZE)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)
    return model


WORDS = ("ralo", "teku", "minaro", "sef", "dolu", "pav", "erin", "kostu")


def train_tokenizer(path: Path, words: Sequence[str] = WORDS) -> None:
    """A SentencePiece model with byte fallback and our special ids."""
    sentences = [f"{a} {b} {c}." for a in words for b in words for c in words]
    with path.open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(sentences), model_writer=file, model_type="bpe",
            vocab_size=VOCAB_SIZE, byte_fallback=True, pad_id=0, unk_id=1, bos_id=2, eos_id=3,
            minloglevel=2, num_threads=1,
        )  # fmt: skip


def write_tiny_model(path: Path, tokenizer: Path, seed: int = 1) -> None:
    """The model folder."""
    weights = {name: tensor.numpy() for name, tensor in tiny_model(seed).state_dict().items()}
    card = ModelCard(
        src_lang="en",
        tgt_lang="de",
        architecture=ARCHITECTURE,
        src_vocab_size=VOCAB_SIZE,
        tgt_vocab_size=VOCAB_SIZE,
        shared_vocab=True,
        max_src_length=20,
    )
    generation = DecodingConfig(beam_size=3, max_length=12, batch_size=4)
    write_model(path, weights, card, {"tokenizer.model": tokenizer}, generation)
