"""What the files of an export to Hugging Face say: ids, settings and search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mtcli.bundle.card import ModelCard
from mtcli.config.schema.architecture import ModelConfig
from mtcli.config.schema.compat import class_of
from mtcli.config.schema.decoding import DecodingConfig
from mtcli.tokenizer.protocol import (
    BOS_ID,
    EOS_ID,
    PAD_ID,
    UNK_ID,
    Tokenizer,
    forbidden_ids,
    start_id,
)


@dataclass(frozen=True)
class Side:
    """The vocabulary of one side over there."""

    pieces: tuple[str, ...]
    """By their ids."""
    rows: np.ndarray
    """Our id of each of theirs."""

    def id_of(self, ours: int) -> int:
        """Their id of one of ours."""
        return int(np.flatnonzero(self.rows == ours)[0])


def sides_of(src: Tokenizer, tgt: Tokenizer, config: ModelConfig) -> tuple[Side, Side]:
    """Both vocabularies; what they share with `transformers` is where the special pieces are.

    Marian has EOS first, then unknown, and padding last, at the same id on both sides. M2M100 has
    the order of fairseq, and counts positions from behind the id of padding.
    """
    if config.norm_position == "pre":
        rows = [BOS_ID, PAD_ID, EOS_ID, UNK_ID, *range(EOS_ID + 1, src.vocab_size)]
        return _side(src, rows), _side(tgt, rows)
    pad = min(src.vocab_size, tgt.vocab_size) - 1
    sides = []
    for tokenizer in (src, tgt):
        rows = [EOS_ID, UNK_ID, BOS_ID, *range(EOS_ID + 1, tokenizer.vocab_size)]
        rows.insert(pad, PAD_ID)
        sides.append(_side(tokenizer, rows))
    return sides[0], sides[1]


def _side(tokenizer: Tokenizer, rows: list[int]) -> Side:
    return Side(tuple(map(tokenizer.id_to_piece, rows)), np.array(rows))


def config_values(config: ModelConfig, src: Side, tgt: Side) -> dict[str, Any]:
    """`config.json`."""
    encoder, decoder = config.encoder_shape, config.decoder_shape
    is_m2m100 = config.norm_position == "pre"
    separate = (
        {}
        if is_m2m100
        else {
            "share_encoder_decoder_embeddings": config.tied_embeddings == "all",
            "decoder_vocab_size": len(tgt.pieces),
        }
    )
    return {
        "architectures": [class_of(config)],
        "model_type": "m2m_100" if is_m2m100 else "marian",
        "is_encoder_decoder": True,
        "d_model": config.d_model,
        "encoder_layers": encoder.num_layers,
        "decoder_layers": decoder.num_layers,
        "encoder_attention_heads": encoder.num_heads,
        "decoder_attention_heads": decoder.num_heads,
        "encoder_ffn_dim": encoder.d_ff,
        "decoder_ffn_dim": decoder.d_ff,
        "activation_function": "swish" if config.activation == "silu" else config.activation,
        "max_position_embeddings": config.max_positions,
        "scale_embedding": config.scale_embeddings,
        **separate,
        "tie_word_embeddings": config.tied_embeddings != "none",
        "vocab_size": len(src.pieces),
        "pad_token_id": tgt.id_of(PAD_ID),
        "eos_token_id": tgt.id_of(EOS_ID),
        "bos_token_id": tgt.id_of(BOS_ID) if config.target_start == "bos" else None,
        "decoder_start_token_id": tgt.id_of(start_id(config.target_start)),
        "forced_eos_token_id": None,
        "dropout": config.dropout,
        "encoder_layerdrop": 0.0,
        "decoder_layerdrop": 0.0,
        "attention_dropout": config.attention_dropout,
        "activation_dropout": config.activation_dropout,
        "dtype": "float32",
    }


def generation_values(card: ModelCard, search: DecodingConfig, tgt: Side) -> dict[str, Any]:
    """`generation_config.json`."""
    config, languages = card.architecture, card.languages
    tags = languages.tgt if languages is not None and languages.tgt_side == "tgt" else {}
    forced = (
        {"forced_bos_token_id": tgt.id_of(tags[card.tgt_lang])} if card.tgt_lang in tags else {}
    )
    # without a penalty, a search of mtcli goes on until nothing can be better
    stops_early = search.normalization != "none" and search.length_penalty > 0
    return {
        "num_beams": search.beam_size,
        "length_penalty": 0.0 if search.normalization == "none" else search.length_penalty,
        **({"early_stopping": stops_early} if search.beam_size > 1 else {}),
        # the first piece of the decoder counts over there, and so does a tag
        "max_length": search.max_length + 1 + bool(tags),
        **forced,
        "bad_words_ids": [[tgt.id_of(i)] for i in forbidden_ids(config.target_start)],
        "pad_token_id": tgt.id_of(PAD_ID),
        "eos_token_id": tgt.id_of(EOS_ID),
        # a translation of the longest length ends there as it is, as in mtcli
        "forced_eos_token_id": None,
        "decoder_start_token_id": tgt.id_of(start_id(config.target_start)),
    }
