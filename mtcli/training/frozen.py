"""Which weights `training.freeze` keeps as they are at the start."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from mtcli.config.schema.root import ModelPart

_PREFIXES: dict[ModelPart, tuple[str, ...]] = {
    "embeddings": (
        "shared_embed.",
        "src_embed.",
        "tgt_embed.",
        "src_positions.",
        "tgt_positions.",
        "output_proj.",
        "output_bias",
    ),
    "encoder": ("encoder.",),
    "decoder": ("decoder.",),
}
"""How the names of the weights of each part begin; every weight is of one part."""


def freeze(model: nn.Module, parts: Sequence[ModelPart]) -> None:
    """Take the gradient, and so the optimizer, from the weights of some parts of a model.

    Call it before the optimizers are built, and before the model is wrapped or sharded.

    Args:
        model: the one that is trained.
        parts: which.
    """
    prefixes = tuple(prefix for part in parts for prefix in _PREFIXES[part])
    if prefixes:
        for name, parameter in model.named_parameters():
            if name.startswith(prefixes):
                parameter.requires_grad = False


def describe_frozen(model: nn.Module, parts: Sequence[ModelPart]) -> str:
    """What is frozen, for the log."""
    sizes = [p.numel() for p in model.parameters() if not p.requires_grad]
    return f"frozen ({', '.join(parts)}): {len(sizes)} tensors, {sum(sizes)} weights"
