"""Take values out of what a checkpoint says of a part: a file of unknown origin."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType
from typing import Any

from torch import Tensor

from mtcli.errors import CheckpointError

_NAMES: dict[type, str] = {
    int: "a whole number from 0",
    float: "a number",
    str: "a text",
    dict: "an object",
    NoneType: "null",
}


def saved_value(state: Mapping[str, Any], key: str, *kinds: type) -> Any:
    """The value of a key, of one of these types; a whole number is a number, and from 0.

    Raises:
        CheckpointError: it is missing, or of another type.
    """
    if key not in state:
        raise CheckpointError(f"its state lacks `{key}`")
    value = state[key]
    if float in kinds and type(value) is int:
        return float(value)
    if type(value) not in kinds or (type(value) is int and value < 0):
        wanted = " or ".join(_NAMES[kind] for kind in kinds)
        raise CheckpointError(f"its state has another `{key}` than {wanted}: {value!r:.60}")
    return value


def check_weights(weights: Mapping[str, Any], own: Mapping[str, Tensor]) -> None:
    """Check that a checkpoint has a floating-point tensor of the same shape for each of ours.

    Raises:
        CheckpointError: it has not, or has others.
    """
    if own.keys() != weights.keys():
        odd = sorted(own.keys() ^ weights.keys())[0]
        whose = "the config" if odd in own else "the checkpoint"
        raise CheckpointError(f"only the model of {whose} has the weight `{odd}`")
    for name, tensor in own.items():
        check_tensor(name, weights[name], tuple(tensor.shape))


def check_tensor(name: str, value: object, shape: tuple[int, ...]) -> None:
    """Check that a value of a checkpoint is a floating-point tensor of this shape.

    Raises:
        CheckpointError: it is not.
    """
    if not isinstance(value, Tensor) or not value.is_floating_point():
        raise CheckpointError(f"`{name}` is not a tensor of numbers")
    if tuple(value.shape) != shape:
        raise CheckpointError(f"`{name}` has the shape {list(value.shape)}, not {list(shape)}")
