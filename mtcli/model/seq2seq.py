# Shape suffixes: B sentences, S source length, T target length, W beam width, R rows (B * W),
#   D d_model, V target vocabulary, N target tokens that carry loss.
"""The whole model, an encoder-decoder Transformer: ids in, loss or hidden states out.

What this Transformer is (the keys are those of the `model` section of a config):

- Embeddings are multiplied by sqrt(d_model) (`scale_embeddings`). Source embedding, target
  embedding and output projection are one matrix, or two, or three (`tied_embeddings`).
- The logits may have a bias (`output_bias`). What the decoder reads first is for its callers to
  know (`target_start`).
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

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mtcli.config.schema.architecture import ModelConfig
from mtcli.model.attention.full import as_key_mask
from mtcli.model.decoder import Decoder
from mtcli.model.dropout import Dropout
from mtcli.model.encoder import Encoder
from mtcli.model.init import initialize
from mtcli.model.loss import smoothed_cross_entropy
from mtcli.model.positions import AddedPositions
from mtcli.model.rdrop import rdrop_cross_entropy
from mtcli.model.separators import GlobalSeparators
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


class OutputLayer(NamedTuple):
    """What makes logits of hidden states."""

    weight_VD: Tensor
    bias_V: Tensor | None = None


class PassSettings(NamedTuple):
    """What a training pass does beyond dropout; the defaults do nothing."""

    rdrop_alpha: float = 0.0
    """Weight of R-Drop's divergence; above 0 the batch goes through the model twice."""
    layer_dropout: float = 0.0
    """Probability that a layer is skipped."""
    recompute: bool = False
    """Keep only what goes into each layer, and compute the rest again for the gradient."""

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
        separators: as in `GlobalSeparators`.
    """

    def __init__(
        self,
        config: ModelConfig,
        src_vocab_size: int,
        tgt_vocab_size: int,
        separators: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        self.separators = GlobalSeparators(config, separators)
        if config.tied_embeddings == "all":
            if src_vocab_size != tgt_vocab_size:
                raise ValueError(f"tied vocabularies differ: {src_vocab_size}, {tgt_vocab_size}")
            self.shared_embed = nn.Embedding(tgt_vocab_size, config.d_model)
        else:
            self.src_embed = nn.Embedding(src_vocab_size, config.d_model)
            self.tgt_embed = nn.Embedding(tgt_vocab_size, config.d_model)
        if config.tied_embeddings == "none":
            self.output_proj = nn.Linear(config.d_model, tgt_vocab_size, bias=False)
        self.output_bias = nn.Parameter(torch.zeros(tgt_vocab_size)) if config.output_bias else None
        if config.positions != "rotary":
            self.src_positions = AddedPositions(config)
            self.tgt_positions = AddedPositions(config)
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
        self,
        src_ids_BS: Tensor,
        src_keep_BS: Tensor | None,
        layer_dropout: float = 0.0,
        recompute: bool = False,
    ) -> Tensor:
        """Memory BSD of a padded batch; `src_keep_BS` is True at real tokens, None if all are."""
        x_BSD = self.place_source(self.embed_source(src_ids_BS))
        keep, is_separator_BS = as_key_mask(src_keep_BS), self.separators.in_source(src_ids_BS)
        return self.encoder(  # type: ignore[no-any-return]
            x_BSD, keep, layer_dropout, recompute, is_separator_BS
        )

    def embed_source(self, src_ids_BS: Tensor) -> Tensor:
        """Embeddings BSD of source pieces, scaled, without their positions."""
        return self._embed(src_ids_BS, self.src_weight_VD)

    def place_source(self, x_BSD: Tensor) -> Tensor:
        """What the first encoder layer reads, BSD, of what `embed_source` returned."""
        if self.config.positions != "rotary":
            x_BSD = x_BSD + self.src_positions(0, x_BSD.size(1))
        return self.embed_dropout(x_BSD)  # type: ignore[no-any-return]

    def decode(
        self,
        tgt_in_ids_BT: Tensor,
        memory_BSD: Tensor,
        src_keep_BS: Tensor | None,
        layer_dropout: float = 0.0,
        recompute: bool = False,
    ) -> Tensor:
        """Hidden states BTD, from which the token after each of `tgt_in_ids_BT` is predicted."""
        x_BTD, keep = self.embed_target(tgt_in_ids_BT), as_key_mask(src_keep_BS)
        is_separator_BT = self.separators.in_target(tgt_in_ids_BT)
        return self.decoder(  # type: ignore[no-any-return]
            x_BTD, memory_BSD, keep, layer_dropout, recompute, is_separator_BT
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
            layer: which decoder layer, counted from 0; None is the decoder's default.
        """
        if layer is None:
            layer = self.decoder.alignment_layer
        x_BTD, keep = self.embed_target(tgt_in_ids_BT), as_key_mask(src_keep_BS)
        is_separator_BT = self.separators.in_target(tgt_in_ids_BT)
        return self.decoder.cross_attention(x_BTD, memory_BSD, keep, layer, is_separator_BT)

    def forward(
        self,
        batch: TensorBatch,
        label_smoothing: float,
        settings: PassSettings = PassSettings(),
    ) -> Tensor:
        """Loss summed over the batch's target tokens, in nats; the number of these is N."""
        output = OutputLayer(self.output_weight_VD, self.output_bias)
        return training_loss(self.encode, self.decode, output, batch, label_smoothing, settings)

    def start(
        self, memory_BSD: Tensor, src_keep_BS: Tensor | None, *, beam_size: int, max_length: int
    ) -> DecodingState:
        """The decoding state before the first token of `beam_size` hypotheses a sentence."""
        keep = as_key_mask(src_keep_BS)
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
        return self.decoder.step(x_BWD, state, self.separators.in_target(ids_BW)).flatten(0, 1)

    def output_logits(self, hidden: Tensor) -> Tensor:
        """Logits (..., V) of hidden states (..., D)."""
        return F.linear(hidden, self.output_weight_VD, self.output_bias)

    def embed_target(self, tgt_in_ids_BT: Tensor) -> Tensor:
        """What the first decoder layer reads, BTD."""
        x_BTD = self._embed(tgt_in_ids_BT, self.tgt_weight_VD)
        if self.config.positions != "rotary":
            x_BTD = x_BTD + self.tgt_positions(0, tgt_in_ids_BT.size(1))
        return self.embed_dropout(x_BTD)  # type: ignore[no-any-return]

    def _embed(self, ids: Tensor, weight_VD: Tensor) -> Tensor:
        return F.embedding(ids, weight_VD) * self.embed_scale


def training_loss(
    encode: Callable[..., Tensor],
    decode: Callable[..., Tensor],
    output: OutputLayer,
    batch: TensorBatch,
    label_smoothing: float,
    settings: PassSettings,
) -> Tensor:
    """The loss of `Seq2Seq.forward`, from what encodes and decodes: plain or compiled.

    Args:
        encode: as `Seq2Seq.encode`.
        decode: as `Seq2Seq.decode`.
        output: what makes logits of hidden states.
        batch: what goes through them.
        label_smoothing: from 0 to below 1.
        settings: R-Drop makes two passes; the rest goes to `encode` and `decode`.
    """

    def hidden_states_ND() -> Tensor:
        """Of one pass, at the positions that carry loss."""
        src_keep, layers = batch.src_keep_BS, (settings.layer_dropout, settings.recompute)
        memory_BSD = encode(batch.src_ids_BS, src_keep, *layers)
        hidden_BTD = decode(batch.tgt_in_ids_BT, memory_BSD, src_keep, *layers)
        hidden_ND = hidden_BTD.flatten(0, 1).index_select(0, batch.loss_positions_N)
        # a bias is the weight of an input that is always 1
        return hidden_ND if output.bias_V is None else F.pad(hidden_ND, (0, 1), value=1.0)

    output_weight_VD, bias_V = output
    if bias_V is not None:
        output_weight_VD = torch.cat([output_weight_VD, bias_V[:, None]], dim=1)
    hidden_ND = hidden_states_ND()
    if settings.rdrop_alpha > 0:
        hidden = hidden_ND, hidden_states_ND()
        rdrop = (label_smoothing, settings.rdrop_alpha)
        return rdrop_cross_entropy(*hidden, output_weight_VD, batch.loss_ids_N, *rdrop)
    return smoothed_cross_entropy(hidden_ND, output_weight_VD, batch.loss_ids_N, label_smoothing)


def num_parameters(model: nn.Module) -> int:
    """Number of weights, tied ones counted once."""
    return sum(p.numel() for p in model.parameters())
