"""Build the model that a config describes."""

from __future__ import annotations

from mtcli.config.schema.architecture import ModelConfig
from mtcli.model.seq2seq import Seq2Seq


def build_model(config: ModelConfig, src_vocab_size: int, tgt_vocab_size: int) -> Seq2Seq:
    """A freshly initialised model; torch's global generator decides the weights."""
    return Seq2Seq(config, src_vocab_size, tgt_vocab_size)
