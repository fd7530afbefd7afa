# Shape suffixes: B sentences, S source length, T target length, E heads joined.
"""How much worse a model becomes when the output of one attention head is set to 0."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, cast

from torch import Tensor, nn

from mtcli.decoding.forced import forced_log_probs
from mtcli.explaining.forced_batch import ForcedBatch
from mtcli.model.attention.projections import MultiHeadAttention
from mtcli.model.decoder import DecoderLayer
from mtcli.model.encoder import EncoderLayer
from mtcli.model.seq2seq import Seq2Seq
from mtcli.reports.explanation import StackKind
from mtcli.tokenizer.protocol import PAD_ID


class HeadPlace(NamedTuple):
    """A head of a model; layer and head are counted from 0."""

    stack: StackKind
    layer: int
    head: int


def attention_blocks(model: Seq2Seq) -> Iterator[tuple[StackKind, int, MultiHeadAttention]]:
    """Every attention of the model, with its stack and its layer."""
    for layer, module in enumerate(model.encoder.layers):
        yield "encoder", layer, cast("EncoderLayer", module).self_attn
    for layer, module in enumerate(model.decoder.layers):
        yield "decoder", layer, cast("DecoderLayer", module).self_attn
        yield "cross", layer, cast("DecoderLayer", module).cross_attn


def num_heads(model: Seq2Seq) -> int:
    """Heads of all attention blocks."""
    return sum(attention.num_heads for _, _, attention in attention_blocks(model))


@contextmanager
def masked_head(attention: MultiHeadAttention, head: int) -> Iterator[None]:
    """Let one head, counted from 0, output 0 inside."""
    first = head * attention.head_dim

    def mask(_: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor]:
        (heads_BTE,) = inputs
        masked_BTE = heads_BTE.clone()
        masked_BTE[..., first : first + attention.head_dim] = 0
        return (masked_BTE,)

    hook = attention.out_proj.register_forward_pre_hook(mask)
    try:
        yield
    finally:
        hook.remove()


def head_importance(
    model: Seq2Seq, batch: ForcedBatch, report: Callable[[], None] = lambda: None
) -> dict[HeadPlace, list[float]]:
    """For each head the rise of the loss of each pair, in nats per output piece, when it is masked.

    Args:
        model: in evaluation mode.
        batch: the pairs.
        report: told after each head.

    Source: Michel et al. 2019, arXiv:1905.10650, section 3.1, with the loss instead of BLEU.
    """
    num_pieces_B = (batch.tgt_out_ids_BT != PAD_ID).sum(-1)

    def losses_B() -> Tensor:
        log_probs_BT = forced_log_probs(
            [model], batch.src_ids_BS, batch.tgt_in_ids_BT, batch.tgt_out_ids_BT, PAD_ID
        )
        return -log_probs_BT.sum(-1) / num_pieces_B

    whole_B, importance = losses_B(), {}
    for stack, layer, attention in attention_blocks(model):
        for head in range(attention.num_heads):
            with masked_head(attention, head):
                rises_B = losses_B() - whole_B
            importance[HeadPlace(stack, layer, head)] = [float(rise) for rise in rises_B.tolist()]
            report()
    return importance
