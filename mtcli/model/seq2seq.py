# Shape suffixes: B sentences, S source length, T target length, W beam width, R rows (B * W),
#   D d_model, V target vocabulary, N target tokens that carry loss.
"""The whole model, an encoder-decoder Transformer: ids in, loss or hidden states out.

What this Transformer is (the keys are those of the `model` section of a config):

- Embeddings are multiplied by sqrt(d_model) (`scale_embeddings`). Source embedding, target
  embedding and output projection are one matrix, or two, or three (`tied_embeddings`).
- Positions are sinusoids or learned rows added to the embeddings, or rotations of queries and
  keys (`positions`).
- An encoder layer is self-attention, then feed-forward; a decoder layer is causal self-attention,
  attention to the memory, then feed-forward. Each block is inside a residual sum with dropout,
  normalised before the block and once more after the last layer (`norm_position: pre`, the
  default), or after each sum (`post`). Norms are LayerNorm or RMSNorm (`norm`).
- Keys and values may be shared by groups of heads (`num_kv_heads`), and the decoder may have
  other sizes than the encoder (`decoder_num_heads`, `decoder_d_ff`).
- Feed-forward is two matrices around `activation`, or three with a gate (`gated`).
- Weights have plain names; what is fused (queries, keys and values; loss and output projection)
  is fused when it runs. The full logits of a training batch never exist: see `mtcli.model.loss`.
- Decoding in steps keeps keys and values of each sentence once for all its hypotheses: see
  `mtcli.model.state`. `mtcli.model.init` says what the weights are at first.

Read on in `encoder.py`, `decoder.py`, `blocks.py` and `attention/full.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from mtcli.config.schema.architecture import ModelConfig
from mtcli.model.decoder import Decoder
from mtcli.model.dropout import Dropout
from mtcli.model.encoder import Encoder
from mtcli.model.init import initialize
from mtcli.model.loss import smoothed_cross_entropy
from mtcli.model.positions import AddedPositions
from mtcli.model.rdrop import rdrop_cross_entropy
from mtcli.model.state import DecodingState


class TensorBatch(NamedTuple):
    """One micro-batch on the model's device."""

    src_ids_BS: Tensor
    """Source ids, EOS included, padded at the end."""
    src_keep_BS: Tensor | None
    """True at real tokens; None when no source is padded."""
    tgt_in_ids_BT: Tensor
    """BOS, then the target; padded at the end."""
    loss_positions_N: Tensor
    """Indices into the flattened (B, T) of the positions that carry loss."""
    loss_ids_N: Tensor
    """The correct ids there: the target, then EOS."""


class PassSettings(NamedTuple):
    """What a training pass does beyond dropout; the defaults do nothing."""

    rdrop_alpha: float = 0.0
    """Weight of R-Drop's divergence; above 0 the batch goes through the model twice."""
    layer_dropout: float = 0.0
    """Probability that a layer is skipped."""

    @property
    def num_passes(self) -> int:
        """How often each token goes through the model."""
        return 2 if self.rdrop_alpha > 0 else 1


class Seq2Seq(nn.Module):
    """Encoder-decoder Transformer.

    Its parameters have plain names, tied weights one name: `shared_embed.weight` (all tied), or
    `src_embed.weight` and `tgt_embed.weight` (decoder tied), or these and `output_proj.weight`.

    Args:
        config: the architecture.
        src_vocab_size: rows of the source embedding.
        tgt_vocab_size: rows of the target embedding and of the output projection; with
            `tied_embeddings: all` the two vocabularies are one.
    """

    def __init__(self, config: ModelConfig, src_vocab_size: int, tgt_vocab_size: int) -> None:
        super().__init__()
        self.config = config
        if config.tied_embeddings == "all":
            if src_vocab_size != tgt_vocab_size:
                raise ValueError(f"tied vocabularies differ: {src_vocab_size}, {tgt_vocab_size}")
            self.shared_embed = nn.Embedding(tgt_vocab_size, config.d_model)
        else:
            self.src_embed = nn.Embedding(src_vocab_size, config.d_model)
            self.tgt_embed = nn.Embedding(tgt_vocab_size, config.d_model)
        if config.tied_embeddings == "none":
            self.output_proj = nn.Linear(config.d_model, tgt_vocab_size, bias=False)
        if config.positions != "rotary":
            learned = config.positions == "learned"
            self.src_positions = AddedPositions(
                config.max_positions, config.d_model, learned=learned
            )
            self.tgt_positions = AddedPositions(
                config.max_positions, config.d_model, learned=learned
            )
        self.embed_scale = math.sqrt(config.d_model) if config.scale_embeddings else 1.0
        p = config.dropout if config.embedding_dropout is None else config.embedding_dropout
        self.embed_dropout = Dropout(p)
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        initialize(self, config.d_model)
        if config.tied_embeddings == "none":
            nn.init.normal_(self.output_proj.weight, std=config.d_model**-0.5)

    @property
    def src_weight_VD(self) -> Tensor:
        """Source embedding."""
        tied = self.config.tied_embeddings == "all"
        return self.shared_embed.weight if tied else self.src_embed.weight

    @property
    def tgt_weight_VD(self) -> Tensor:
        """Target embedding."""
        tied = self.config.tied_embeddings == "all"
        return self.shared_embed.weight if tied else self.tgt_embed.weight

    @property
    def output_weight_VD(self) -> Tensor:
        """Output projection."""
        untied = self.config.tied_embeddings == "none"
        return self.output_proj.weight if untied else self.tgt_weight_VD

    def encode(
        self, src_ids_BS: Tensor, src_keep_BS: Tensor | None, layer_dropout: float = 0.0
    ) -> Tensor:
        """Memory BSD of a padded batch; `src_keep_BS` is True at real tokens, None if all are."""
        x_BSD = self._embed(src_ids_BS, self.src_weight_VD)
        if self.config.positions != "rotary":
            x_BSD = x_BSD + self.src_positions(0, src_ids_BS.size(1))
        return self.encoder(  # type: ignore[no-any-return]
            self.embed_dropout(x_BSD), _as_key_mask(src_keep_BS), layer_dropout
        )

    def decode(
        self,
        tgt_in_ids_BT: Tensor,
        memory_BSD: Tensor,
        src_keep_BS: Tensor | None,
        layer_dropout: float = 0.0,
    ) -> Tensor:
        """Hidden states BTD, from which the token after each of `tgt_in_ids_BT` is predicted."""
        x_BTD = self._embed_target(tgt_in_ids_BT)
        return self.decoder(  # type: ignore[no-any-return]
            x_BTD, memory_BSD, _as_key_mask(src_keep_BS), layer_dropout
        )

    def cross_attention(
        self,
        tgt_in_ids_BT: Tensor,
        memory_BSD: Tensor,
        src_keep_BS: Tensor | None,
        layer: int | None = None,
    ) -> Tensor:
        """Attention BHTS to the source while the token after each of `tgt_in_ids_BT` is predicted.

        Args:
            tgt_in_ids_BT: BOS and the target, padded at the end.
            memory_BSD: the encoded source.
            src_keep_BS: True at real source tokens; None if all are.
            layer: which decoder layer, counted from 0; None is the second-last, of a single layer
                that one.

        Source: that the second-last layer aligns best: Garg et al. 2019, arXiv:1909.02074, table 1.
        """
        if layer is None:
            layer = max(len(self.decoder.layers) - 2, 0)
        x_BTD, keep = self._embed_target(tgt_in_ids_BT), _as_key_mask(src_keep_BS)
        return self.decoder.cross_attention(x_BTD, memory_BSD, keep, layer)

    def forward(
        self,
        batch: TensorBatch,
        label_smoothing: float,
        settings: PassSettings = PassSettings(),
    ) -> Tensor:
        """Loss summed over the batch's target tokens, in nats; the number of these is N."""
        return training_loss(
            self.encode, self.decode, self.output_weight_VD, batch, label_smoothing, settings
        )

    def start(
        self, memory_BSD: Tensor, src_keep_BS: Tensor | None, *, beam_size: int, max_length: int
    ) -> DecodingState:
        """The decoding state before the first token of `beam_size` hypotheses a sentence."""
        keep = _as_key_mask(src_keep_BS)
        return self.decoder.start(memory_BSD, keep, beam_size=beam_size, max_length=max_length)

    def step(self, ids_R: Tensor, state: DecodingState) -> Tensor:
        """Hidden states RD after feeding one token to every row; moves `state` on.

        At first there is one row a sentence, for all its hypotheses begin alike; then there are
        `state.beam_size`.
        """
        ids_BW = ids_R.view(state.num_sentences, state.num_fed)
        x_BWD = self._embed(ids_BW, self.tgt_weight_VD)
        if self.config.positions != "rotary":
            x_BWD = x_BWD + self.tgt_positions(state.num_steps, 1)
        return self.decoder.step(x_BWD, state).flatten(0, 1)

    def output_logits(self, hidden: Tensor) -> Tensor:
        """Logits (..., V) of hidden states (..., D)."""
        return F.linear(hidden, self.output_weight_VD)

    def _embed_target(self, tgt_in_ids_BT: Tensor) -> Tensor:
        x_BTD = self._embed(tgt_in_ids_BT, self.tgt_weight_VD)
        if self.config.positions != "rotary":
            x_BTD = x_BTD + self.tgt_positions(0, tgt_in_ids_BT.size(1))
        return self.embed_dropout(x_BTD)  # type: ignore[no-any-return]

    def _embed(self, ids: Tensor, weight_VD: Tensor) -> Tensor:
        return F.embedding(ids, weight_VD) * self.embed_scale


def training_loss(
    encode: Callable[..., Tensor],
    decode: Callable[..., Tensor],
    output_weight_VD: Tensor,
    batch: TensorBatch,
    label_smoothing: float,
    settings: PassSettings,
) -> Tensor:
    """The loss of `Seq2Seq.forward`, from what encodes and decodes: plain or compiled.

    Args:
        encode: as `Seq2Seq.encode`.
        decode: as `Seq2Seq.decode`.
        output_weight_VD: output projection.
        batch: what goes through them.
        label_smoothing: from 0 to below 1.
        settings: R-Drop makes two passes; layer dropout goes to `encode` and `decode`.
    """

    def hidden_states_ND() -> Tensor:
        """Of one pass, at the positions that carry loss."""
        src_keep, p = batch.src_keep_BS, settings.layer_dropout
        memory_BSD = encode(batch.src_ids_BS, src_keep, p)
        hidden_BTD = decode(batch.tgt_in_ids_BT, memory_BSD, src_keep, p)
        return hidden_BTD.flatten(0, 1).index_select(0, batch.loss_positions_N)

    hidden_ND = hidden_states_ND()
    if settings.rdrop_alpha > 0:
        return rdrop_cross_entropy(
            hidden_ND,
            hidden_states_ND(),
            output_weight_VD,
            batch.loss_ids_N,
            label_smoothing,
            settings.rdrop_alpha,
        )
    return smoothed_cross_entropy(hidden_ND, output_weight_VD, batch.loss_ids_N, label_smoothing)


def _as_key_mask(src_keep_BS: Tensor | None) -> Tensor | None:
    return None if src_keep_BS is None else src_keep_BS[:, None, None, :]


def num_parameters(model: nn.Module) -> int:
    """Number of weights, tied ones counted once."""
    return sum(p.numel() for p in model.parameters())
