"""Turn a profile of some updates into shares of their time: matmul, attention, loss and so on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

DATA_RANGE = "mtcli::to_tensors"
"""Name of the profiled range in which a batch is brought to the device."""

CATEGORIES = (
    "matmul",
    "attention",
    "loss",
    "dropout",
    "normalisation",
    "optimiser",
    "data",
    "communication",
    "other",
)
"""`other` is what remains: embeddings, sums, activations, casts."""

_ENCLOSING: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("communication", ("c10d::", "gloo:", "nccl:")),
    (
        "optimiser",
        ("Optimizer.", "aten::_fused_adam", "aten::_foreach", "aten::linalg_vector_norm"),
    ),
    ("data", (DATA_RANGE,)),
)
"""Whatever happens inside these belongs to them, products of matrices included."""
_MATMUL = ("aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm", "aten::linear", "mkldnn::")
_MATMUL_ENDS = ("aten::addmm_", "aten::mm_")
_INSIDE: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("loss", ("_SmoothedCrossEntropy", "_RDropCrossEntropy")),
    ("attention", ("aten::scaled_dot_product", "aten::_scaled_dot_product", "ScaledDotProduct",
                   "aten::softmax", "aten::_softmax", "SoftmaxBackward")),
    ("dropout", ("_ByteDropout", "aten::dropout", "aten::native_dropout", "NativeDropout")),
    ("normalisation", ("aten::layer_norm", "aten::native_layer_norm", "aten::rms_norm",
                       "aten::_fused_rms_norm", "NativeLayerNorm", "FusedRmsNorm")),
)  # fmt: skip
_AUTOGRAD = "autograd::engine::evaluate_function: "


class Event(Protocol):
    """The part of torch.autograd.profiler_util.FunctionEvent that is used here."""

    name: str
    cpu_parent: Event | None


def category_of(event: Event) -> str:
    """The category of an operator's own time, without the operators that it called.

    A matrix product counts as matmul wherever it happens, for example in the loss, except in the
    optimiser; attention is the fused kernel, or a softmax outside the loss.
    """
    names = [name.removeprefix(_AUTOGRAD) for name in _with_ancestors(event)]
    for category, prefixes in _ENCLOSING:
        if any(name.startswith(prefixes) for name in names):
            return category
    if names[0].startswith((*_MATMUL, *_MATMUL_ENDS)):
        return "matmul"
    if names[0].startswith("DistributedDataParallel"):
        return "communication"
    for category, prefixes in _INSIDE:
        if any(name.startswith(prefixes) for name in names):
            return category
    return "other"


def _with_ancestors(event: Event) -> Iterable[str]:
    """The names of an event and of those that called it, innermost first."""
    current: Event | None = event
    while current is not None:
        yield current.name
        current = current.cpu_parent


def time_by_category(timed_events: Sequence[tuple[Event, float]]) -> dict[str, float]:
    """Time by category; no category is omitted.

    Args:
        timed_events: events, and the time that each took itself, without those that it called.
    """
    totals = dict.fromkeys(CATEGORIES, 0.0)
    for event, time_taken in timed_events:
        totals[category_of(event)] += time_taken
    return totals
