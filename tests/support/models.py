"""Small models of every architecture that the config knows, all dimensions different."""

from __future__ import annotations

import torch

from mtcli.config.schema.architecture import ModelConfig
from mtcli.config.schema.attention import LocalAttentionConfig, LowRankAttentionConfig
from mtcli.model.seq2seq import Seq2Seq, TensorBatch

PAD, BOS, EOS = 0, 2, 3
SEPARATOR = 7
"""The piece between sentences, on both sides."""
V = 23

_BASE = {
    "d_model": 12,
    "encoder_layers": 3,
    "decoder_layers": 2,
    "num_heads": 2,
    "d_ff": 20,
    "max_positions": 40,
    "dropout": 0.0,
}
VARIANTS: dict[str, dict[str, object]] = {
    "pre-norm": {},
    "post-norm": {"norm_position": "post"},
    "rms silu gated": {"norm": "rms", "activation": "silu", "gated": True, "bias": False},
    "learned gelu": {"positions": "learned", "activation": "gelu"},
    "rotary": {"positions": "rotary"},
    "rotary grouped": {"positions": "rotary", "num_heads": 6, "num_kv_heads": 2},
    "multi-query": {"num_heads": 3, "num_kv_heads": 1},
    "head_dim": {"head_dim": 10},
    "narrow decoder": {"decoder_num_heads": 3, "decoder_d_ff": 7},
    "decoder tied": {"tied_embeddings": "decoder"},
    "marian": {
        "norm_position": "post",
        "activation": "silu",
        "output_bias": True,
        "target_start": "pad",
    },
    "marian t2t": {"positions": "sinusoidal_marian", "norm_position": "post"},
    "m2m100": {"positions": "sinusoidal_fairseq", "target_start": "eos"},
    "untied unscaled": {"tied_embeddings": "none", "scale_embeddings": False},
}


def _local(window: int, **keys: object) -> LocalAttentionConfig:
    return LocalAttentionConfig(kind="local", window=window, **keys)  # type: ignore[arg-type]


_LOW_RANK = LowRankAttentionConfig(kind="low_rank", rank=3)
ATTENTION_VARIANTS: dict[str, dict[str, object]] = {
    "local": {"encoder_attention": _local(1), "decoder_attention": _local(2)},
    "local rotary grouped": {
        **VARIANTS["rotary grouped"],
        "encoder_attention": _local(2),
        "decoder_attention": _local(3),
    },
    "local of each layer": {
        "encoder_attention": _local(1, windows=[2, "full", 1]),
        "decoder_attention": _local(2, windows=[3, 2]),
    },
    "local and full decoder": {
        "encoder_attention": _local(1, windows=["full", 1, 2]),
        "decoder_attention": _local(2, windows=[2, "full"]),
    },
    "local with global tokens": {
        "encoder_attention": _local(1, global_tokens=2),
        "decoder_attention": _local(2, global_tokens=3),
    },
    "local with separators": {
        "encoder_attention": _local(1, separators=True),
        "decoder_attention": _local(2, separators=True),
    },
    "local with separators and more": {
        **VARIANTS["rotary grouped"],
        "encoder_attention": _local(1, windows=[2, "full", 1], separators=True, global_tokens=1),
        "decoder_attention": _local(2, windows=[3, 2], separators=True, global_tokens=1),
    },
    "low rank": {"encoder_attention": _LOW_RANK},
    "low rank rotary grouped": {**VARIANTS["rotary grouped"], "encoder_attention": _LOW_RANK},
}
"""Attention that is not full, with windows and ranks that tests exceed."""


def tiny_model(
    variant: str = "pre-norm", *, seed: int = 0, vocab_size: int = V, **changes: object
) -> Seq2Seq:
    """A float64 model in evaluation mode; `changes` are keys of its config."""
    torch.manual_seed(seed)
    architecture = (VARIANTS | ATTENTION_VARIANTS)[variant]
    config = ModelConfig(**(_BASE | architecture | changes))  # type: ignore[arg-type]
    separators = (SEPARATOR, SEPARATOR) if config.separators_key else None
    return Seq2Seq(config, vocab_size, vocab_size, separators).double().eval()


def searched_model(
    variant: str = "pre-norm", *, seed: int = 2, scale: float = 2.0, vocab_size: int = 60,
    **changes: object,
) -> Seq2Seq:  # fmt: skip
    """A float32 model in which no bias is 0 and no norm 1, else a forgotten one would not show.

    Forbidden pieces are as good as never the best, and EOS now and then is.
    """
    model = tiny_model(variant, seed=seed, vocab_size=vocab_size, **changes).float()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(std=0.3)
            elif "norm" in name:
                parameter.add_(torch.randn_like(parameter) * 0.2)
            else:
                parameter.mul_(scale)
        model.output_weight_VD[:EOS] = 0
        model.output_weight_VD[EOS] *= 4
    return model


def random_batch(lengths: list[tuple[int, int]], seed: int = 0) -> TensorBatch:
    """Random pairs with the given (source, target) lengths, EOS included in both."""
    generator = torch.Generator().manual_seed(seed)
    S, T = max(s for s, _ in lengths), max(t for _, t in lengths)
    src = torch.full((len(lengths), S), PAD)
    tgt_in, tgt_out = torch.full((len(lengths), T), PAD), torch.full((len(lengths), T), PAD)
    for row, (s, t) in enumerate(lengths):
        src[row, :s] = torch.randint(4, V, (s,), generator=generator)
        src[row, s - 1] = EOS
        tgt = torch.randint(4, V, (t,), generator=generator)
        tgt[-1] = EOS
        tgt_out[row, :t] = tgt
        tgt_in[row, 0] = BOS
        tgt_in[row, 1:t] = tgt[:-1]
    positions = (tgt_out.flatten() != PAD).nonzero()[:, 0]
    return TensorBatch(src, src != PAD, tgt_in, positions, tgt_out.flatten()[positions])
