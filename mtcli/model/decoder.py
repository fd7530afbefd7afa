# Shape suffixes: B sentences, T target length, S source length, W beam width, D d_model,
#   G heads of keys and values, K head_dim, C cells of the self cache.
"""The decoder: all positions at once for training, one step at a time for translation."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from mtcli.config.schema.architecture import ModelConfig
from mtcli.model.attention.cpu import additive_mask
from mtcli.model.attention.full import attend, attention_weights
from mtcli.model.attention.kinds import SelfAttention, StackAttention
from mtcli.model.blocks import (
    Residual,
    attend_to_self,
    make_attention,
    make_feed_forward,
    make_final_norm,
    make_rotary,
    self_attention_weights,
)
from mtcli.model.layer_dropout import draw_is_skipped, join_idle
from mtcli.model.positions import RotaryPositions
from mtcli.model.recomputing import run_layer
from mtcli.model.state import DecodingState, LayerCache, empty_self_cache


class DecoderLayer(nn.Module):
    """Causal self-attention, attention to the source, feed-forward."""

    def __init__(self, config: ModelConfig, self_attention: SelfAttention) -> None:
        super().__init__()
        shape = config.decoder_shape
        self.self_attention = self_attention
        self.self_attn = make_attention(config, shape)
        self.self_attn_residual = Residual(config)
        self.cross_attn = make_attention(config, shape)
        self.cross_attn_residual = Residual(config)
        self.feed_forward = make_feed_forward(config, shape)
        self.feed_forward_residual = Residual(config)
        self.attention_dropout = config.attention_dropout

    def forward(
        self,
        x_BTD: Tensor,
        memory_BSD: Tensor,
        src_keep_B11S: Tensor | None,
        prepared: Sequence[Tensor | None],
        rotary: RotaryPositions | None,
        *,
        is_skipped: bool = False,
    ) -> Tensor:
        """Same shape as `x_BTD`; position t sees positions up to t and the kept memory.

        `prepared` is what `self_attention` has prepared.
        """
        if is_skipped:
            # if all layers are skipped, nothing else leads back to the encoder
            return join_idle(x_BTD, self) + 0.0 * memory_BSD[0, 0, 0]
        p = self.attention_dropout if self.training else 0.0

        def attend_to_memory(h_BTD: Tensor) -> Tensor:
            q = self.cross_attn.project_q(h_BTD)
            k, v = self.cross_attn.project_kv(memory_BSD)
            return self.cross_attn.project_out(attend(q, k, v, keep=src_keep_B11S, dropout_p=p))

        x_BTD = self._attend_to_self(x_BTD, prepared, rotary)
        x_BTD = self.cross_attn_residual(x_BTD, attend_to_memory)
        out_BTD: Tensor = self.feed_forward_residual(x_BTD, self.feed_forward)
        return out_BTD

    def cross_attention(
        self,
        x_BTD: Tensor,
        memory_BSD: Tensor,
        src_keep_B11S: Tensor | None,
        prepared: Sequence[Tensor | None],
        rotary: RotaryPositions | None,
    ) -> Tensor:
        """How much each position looks at each of the memory in this layer, BHTS."""
        x_BTD = self._attend_to_self(x_BTD, prepared, rotary)
        q = self.cross_attn.project_q(self.cross_attn_residual.input_of_block(x_BTD))
        k, _ = self.cross_attn.project_kv(memory_BSD)
        return attention_weights(q, k, src_keep_B11S)

    def self_attention_weights(
        self,
        x_BTD: Tensor,
        prepared: Sequence[Tensor | None],
        rotary: RotaryPositions | None,
    ) -> Tensor:
        """How much each position looks at each before it in this layer, BHTT."""
        h_BTD = self.self_attn_residual.input_of_block(x_BTD)
        return self_attention_weights(self.self_attn, h_BTD, rotary, self.self_attention, prepared)

    def _attend_to_self(
        self, x_BTD: Tensor, prepared: Sequence[Tensor | None], rotary: RotaryPositions | None
    ) -> Tensor:
        p = self.attention_dropout if self.training else 0.0
        out_BTD: Tensor = self.self_attn_residual(
            x_BTD,
            lambda h_BTD: attend_to_self(
                self.self_attn, h_BTD, rotary, self.self_attention, prepared, p
            ),
        )
        return out_BTD

    def step(
        self,
        x_BWD: Tensor,
        index: int,
        state: DecodingState,
        keep_B1WC: Tensor | None,
        rotary: RotaryPositions | None,
    ) -> Tensor:
        """The next position of W hypotheses a sentence, which stand where T stands in training.

        In the first step W is 1: `DecodingState` says why.
        """

        def attend_to_cache(h_BWD: Tensor) -> Tensor:
            q, k, v = self.self_attn.project_qkv(h_BWD)
            if rotary is not None:
                q = rotary.rotate(q, state.num_steps, length=1)
                k = rotary.rotate(k, state.num_steps, length=1)
            window = self.self_attention.window
            k, v = (state.seen(cells, window, dim=2) for cells in state.append(index, k, v))
            keep = state.mask_of(window, keep_B1WC)
            return self.self_attn.project_out(attend(q, k, v, keep=keep))

        def attend_to_memory(h_BWD: Tensor) -> Tensor:
            q, cache = self.cross_attn.project_q(h_BWD), state.layers[index]
            heads = attend(q, cache.cross_k_BGSK, cache.cross_v_BGSK, keep=state.src_keep_B11S)
            return self.cross_attn.project_out(heads)

        x_BWD = self.self_attn_residual(x_BWD, attend_to_cache)
        x_BWD = self.cross_attn_residual(x_BWD, attend_to_memory)
        out_BWD: Tensor = self.feed_forward_residual(x_BWD, self.feed_forward)
        return out_BWD


class Decoder(nn.Module):
    """Embedded target and memory in, hidden states of the next tokens out."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        shape = config.decoder_shape
        self.attention = StackAttention(config.decoder_attention, shape.num_layers, is_causal=True)
        self.layers = nn.ModuleList(DecoderLayer(config, kind) for kind in self.attention.layers)
        self.final_norm = make_final_norm(config)
        self.rotary = make_rotary(config, shape)

    def forward(
        self,
        x_BTD: Tensor,
        memory_BSD: Tensor,
        src_keep_B11S: Tensor | None,
        layer_dropout: float = 0.0,
        recompute: bool = False,
        is_separator_BT: Tensor | None = None,
    ) -> Tensor:
        """Hidden states BTD, all positions at once; layers are run as in the encoder."""
        # padding is at the end, where nobody looks
        prepared = self.attention.prepare(x_BTD, None, is_separator_BT)
        for layer, masks in zip(self.layers, prepared, strict=False):
            is_skipped = draw_is_skipped(layer_dropout)
            inputs = (x_BTD, memory_BSD, src_keep_B11S, masks, self.rotary)
            x_BTD = run_layer(layer, *inputs, is_skipped=is_skipped, is_recomputed=recompute)
        return x_BTD if self.final_norm is None else self.final_norm(x_BTD)

    def cross_attention(
        self,
        x_BTD: Tensor,
        memory_BSD: Tensor,
        src_keep_B11S: Tensor | None,
        layer: int,
        is_separator_BT: Tensor | None = None,
    ) -> Tensor:
        """Attention BHTS of each position to the memory in one layer, counted from 0."""
        prepared = self.attention.prepare(x_BTD, None, is_separator_BT)
        for before, masks in zip(self.layers[:layer], prepared, strict=False):
            x_BTD = before(x_BTD, memory_BSD, src_keep_B11S, masks, self.rotary)
        chosen = self.layers[layer]
        assert isinstance(chosen, DecoderLayer)
        return chosen.cross_attention(
            x_BTD, memory_BSD, src_keep_B11S, prepared[layer], self.rotary
        )

    @property
    def alignment_layer(self) -> int:
        """The second-last layer, counted from 0; of a single layer that one.

        Source: that it aligns best: Garg et al. 2019, arXiv:1909.02074, table 1.
        """
        return max(len(self.layers) - 2, 0)

    def start(
        self,
        memory_BSD: Tensor,
        src_keep_B11S: Tensor | None,
        *,
        beam_size: int,
        max_length: int,
    ) -> DecodingState:
        """The state before the first token: keys and values of the memory, an empty self cache."""
        caches = []
        for layer in self.layers:
            assert isinstance(layer, DecoderLayer)
            k, v = layer.cross_attn.project_kv(memory_BSD)
            k, v = k.contiguous(), v.contiguous()
            caches.append(
                LayerCache(
                    empty_self_cache(k, beam_size, max_length),
                    empty_self_cache(v, beam_size, max_length),
                    k,
                    v,
                )
            )
        B = memory_BSD.size(0)
        ancestors = None
        if beam_size > 1:
            ancestors = memory_BSD.new_empty((B, beam_size, 0)).bool()
        src_keep = _mask_for_many(src_keep_B11S, memory_BSD)
        window, num_global = self.attention.window, self.attention.num_global
        return DecodingState(caches, src_keep, beam_size, 0, ancestors, window, num_global)

    def step(
        self, x_BWD: Tensor, state: DecodingState, is_separator_BW: Tensor | None = None
    ) -> Tensor:
        """Hidden states BWD for one more token of every row; `state` moves on by one position."""
        keep_B1WC = _mask_for_many(state.begin_step(is_separator_BW), x_BWD)
        for index, layer in enumerate(self.layers):
            assert isinstance(layer, DecoderLayer)
            x_BWD = layer.step(x_BWD, index, state, keep_B1WC, self.rotary)
        state.num_steps += 1
        return x_BWD if self.final_norm is None else self.final_norm(x_BWD)


def _mask_for_many(keep: Tensor | None, like: Tensor) -> Tensor | None:
    """The mask in the form that `attend` would otherwise give it in every layer."""
    if keep is None or like.device.type != "cpu":
        return keep
    return additive_mask(keep, like.dtype)
