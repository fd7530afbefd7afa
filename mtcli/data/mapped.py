"""Map the arrays of a safetensors file into memory: a page is read when it is touched."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from mtcli.errors import DataError
from mtcli.folders import parse_json

Arrays: TypeAlias = dict[str, npt.NDArray[np.generic]]

_DTYPES = {"U8": "<u1", "U16": "<u2", "U32": "<u4", "I32": "<i4", "I64": "<i8"}
"""Numpy's names of the safetensors types in a store."""


def map_arrays(path: Path, error: type[DataError] = DataError) -> Arrays:
    """The arrays of a file by their names.

    (The library's own reader copies an array before it is sliced.)

    Raises:
        DataError: of class `error`: the file is missing or malformed.
    """
    try:
        # a plain array, because slicing a memmap costs more than the work on the slice
        content = np.asarray(np.memmap(path, dtype=np.uint8, mode="r"))
    except (OSError, ValueError) as cause:  # ValueError: it is empty
        raise error(f"cannot read {path}: {cause}") from cause
    data_start = 8 + int.from_bytes(content[:8].tobytes(), "little")
    if data_start > len(content):
        raise error(f"{path} is damaged: it has no header")
    header = parse_json(content[8:data_start].tobytes(), str(path), error)
    if not isinstance(header, dict):
        raise error(f"{path} is damaged: its header is not an object")
    header.pop("__metadata__", None)
    try:
        return {name: _array(entry, content[data_start:]) for name, entry in header.items()}
    except (KeyError, TypeError, ValueError) as cause:
        raise error(f"{path} is damaged: its header describes another file") from cause


def _array(entry: Any, data: npt.NDArray[np.uint8]) -> npt.NDArray[np.generic]:
    """The array that an entry of the header describes.

    Raises:
        KeyError, TypeError, ValueError: there is no such array in the data.
    """
    (start, stop), shape, dtype = entry["data_offsets"], entry["shape"], _DTYPES[entry["dtype"]]
    if any(type(number) is not int or number < 0 for number in (start, stop, *shape)):
        raise ValueError("a size is not a whole number")
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if stop > len(data) or stop - start != size:
        raise ValueError("sizes do not agree")
    array: npt.NDArray[np.generic] = data[start:stop].view(dtype).reshape(shape)
    return array
