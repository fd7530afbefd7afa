# Shape suffixes: B sentences, S source length, T target length, V vocabulary, N alternatives.
"""Pairs of source and output as tensors, and how probable the model finds each output piece."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from mtcli.model.seq2seq import Seq2Seq
from mtcli.tokenizer.protocol import EOS_ID, NO_TAGS, PAD_ID, Tags, start_id


class ForcedBatch(NamedTuple):
    """Pairs that are fed to a model, on its device."""

    src_ids_BS: Tensor
    """Source ids with tags and EOS, padded at the end."""
    src_keep_BS: Tensor | None
    """True at real source pieces; None if all are."""
    tgt_in_ids_BT: Tensor
    """What the model reads first, tags, and the output without its last piece, padded at the
    end."""
    tgt_out_ids_BT: Tensor
    """Padding for each tag, and the output, padded at the end."""


class PieceProbabilities(NamedTuple):
    """What a model thinks of each output piece after those before it."""

    log_probs_BT: Tensor
    """Natural log-probability; without meaning at padding."""
    best_log_probs_BTN: Tensor
    """Of the most probable pieces, the best first."""
    best_ids_BTN: Tensor
    """These pieces."""


def forced_batch(
    model: Seq2Seq,
    src_ids: Sequence[Sequence[int]],
    tgt_out_ids: Sequence[Sequence[int]],
    tags: Tags = NO_TAGS,
) -> ForcedBatch:
    """Put pairs into one batch.

    Args:
        model: what they are for.
        src_ids: sources without EOS.
        tgt_out_ids: outputs, with EOS if they are complete; none is empty.
        tags: what the model reads before each text.
    """
    device, start = model.src_weight_VD.device, start_id(model.config.target_start)
    src_ids_BS = _padded([[*tags.src, *ids, EOS_ID] for ids in src_ids], device)
    src_keep_BS = src_ids_BS != PAD_ID
    return ForcedBatch(
        src_ids_BS,
        None if bool(src_keep_BS.all()) else src_keep_BS,
        _padded([[start, *tags.tgt, *ids[:-1]] for ids in tgt_out_ids], device),
        _padded([[*[PAD_ID] * len(tags.tgt), *ids] for ids in tgt_out_ids], device),
    )


@torch.inference_mode()
def piece_probabilities(
    model: Seq2Seq, batch: ForcedBatch, num_alternatives: int
) -> PieceProbabilities:
    """Probabilities of the output pieces, and of the best alternatives to them.

    Args:
        model: in evaluation mode.
        batch: the pairs.
        num_alternatives: most probable pieces to return; of a small vocabulary fewer.
    """
    memory_BSD = model.encode(batch.src_ids_BS, batch.src_keep_BS)
    hidden_BTD = model.decode(batch.tgt_in_ids_BT, memory_BSD, batch.src_keep_BS)
    log_probs_BTV = model.output_logits(hidden_BTD).log_softmax(-1)
    number = min(num_alternatives, log_probs_BTV.size(-1))
    best_log_probs_BTN, best_ids_BTN = log_probs_BTV.topk(number, dim=-1)
    log_probs_BT = log_probs_BTV.gather(-1, batch.tgt_out_ids_BT[..., None])[..., 0]
    return PieceProbabilities(log_probs_BT, best_log_probs_BTN, best_ids_BTN)


def _padded(ids_of: Sequence[Sequence[int]], device: torch.device) -> Tensor:
    rows = [torch.tensor(ids, dtype=torch.int64) for ids in ids_of]
    return pad_sequence(rows, batch_first=True, padding_value=PAD_ID).to(device)
