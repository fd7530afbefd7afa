"""From arrays of ids to the tensors of one forward pass."""

from __future__ import annotations

import numpy as np
import torch

from mtcli.data.batches import Batch
from mtcli.model.seq2seq import TensorBatch
from mtcli.tokenizer.protocol import PAD_ID


def to_tensors(batch: Batch, device: torch.device) -> TensorBatch:
    """`batch` on `device`; copies to CUDA are pinned and do not wait.

    What depends on values (where the padding is) is found here, on the CPU, so that the forward
    pass never waits for the device.
    """
    tgt_out = batch.tgt_out_ids.reshape(-1)
    positions = np.flatnonzero(tgt_out != PAD_ID)
    src_keep = batch.src_ids != PAD_ID
    return TensorBatch(
        src_ids_BS=_move(batch.src_ids, device),
        src_keep_BS=None if src_keep.all() else _move(src_keep, device),
        tgt_in_ids_BT=_move(batch.tgt_in_ids, device),
        loss_positions_N=_move(positions, device),
        loss_ids_N=_move(tgt_out[positions], device),
    )


def _move(array: np.ndarray, device: torch.device) -> torch.Tensor:
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)
