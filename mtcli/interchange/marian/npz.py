"""Read the arrays of an npz file of unknown origin: no pickle, nothing on the disk, bounded memory.

An npz file is a zip archive of npy files. Headers are read first, so that a file that asks for more
than it has is refused before anything is allocated.
"""

from __future__ import annotations

import math
import re
import tokenize
import warnings
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from mtcli.errors import MtcliError
from mtcli.folders import check_readable
from mtcli.interchange.foreign import ForeignModelError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

_SUFFIX = ".npy"
_NAME = re.compile(r"[A-Za-z0-9_:.\-]{1,200}")
"""What Marian calls its arrays: never the path of a file."""
_MOST_ARRAYS = 20_000
_LARGEST_HEADER_BYTES = 10_000
"""Numpy's own limit: a longer one could take very long to read."""
_MOST_TIMES_SMALLER = 16
"""How much smaller than its contents a compressed file may be: weights are hardly compressed, and
zeros are by a thousand times, which is an attack on the memory."""
_SMALL_BYTES = 2**20
"""A file that holds no more is read in any case."""

_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    KeyError,
    SyntaxError,
    MemoryError,
    OverflowError,
    RecursionError,
)
"""What zipfile and numpy raise for files that were changed: each was seen in a mutated file."""


_HEADER_DAMAGE = (tokenize.TokenError, TypeError, IndexError)
"""What numpy raises besides for headers that were changed (numpy 2.4, 870,000 mutations)."""


@dataclass(frozen=True)
class StoredArray:
    """What the header of an array says."""

    shape: tuple[int, ...]
    dtype: str
    """`f4`, `i1` and so on, without the byte order."""


class Npz:
    """The arrays of an npz file, whose headers are read; an array is read when it is taken.

    Args:
        path: the file.

    Raises:
        ForeignModelError: it is damaged, holds a pickle, or more than its size allows.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        check_readable(path, ForeignModelError)
        self.headers: dict[str, StoredArray] = {}
        with self._opened() as archive:
            entries = archive.infolist()
            self._check(entries)
            for entry in entries:
                with archive.open(entry) as file:
                    self.headers[entry.filename.removesuffix(_SUFFIX)] = self._header(entry, file)

    def take(self, name: str) -> np.ndarray:
        """An array of the file, as it is stored.

        Raises:
            ForeignModelError: it is damaged.
        """
        import numpy as np

        with self._opened() as archive, archive.open(f"{name}{_SUFFIX}") as file:
            array: np.ndarray = np.lib.format.read_array(
                file, allow_pickle=False, max_header_size=_LARGEST_HEADER_BYTES
            )
            if file.read(1):  # the checksum is compared at the end
                raise self._damaged(f"`{name}` is longer than its header says")
        return array

    @contextmanager
    def _opened(self) -> Iterator[zipfile.ZipFile]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of headers that Python 2 wrote
                with zipfile.ZipFile(self.path) as archive:
                    yield archive
        except MtcliError:
            raise
        except _DAMAGE as error:
            raise self._damaged(str(error)) from error

    def _check(self, entries: list[zipfile.ZipInfo]) -> None:
        """Names, number and sizes, before anything is unpacked."""
        if len(entries) > _MOST_ARRAYS:
            raise self._damaged(f"it has {len(entries)} arrays")
        seen: set[str] = set()
        for entry in entries:
            name = entry.filename.removesuffix(_SUFFIX)
            if name == entry.filename or not _NAME.fullmatch(name):
                raise self._damaged(f"{entry.filename[:80]!r} is not the name of an array")
            if name in seen:
                raise self._damaged(f"it has `{name}` twice")
            seen.add(name)
        size, largest = self.path.stat().st_size, sum(entry.file_size for entry in entries)
        if largest > max(_SMALL_BYTES, _MOST_TIMES_SMALLER * size):
            raise self._damaged(f"its {size} bytes hold arrays of {largest} bytes")

    def _header(self, entry: zipfile.ZipInfo, file: IO[bytes]) -> StoredArray:
        import numpy as np

        name = entry.filename.removesuffix(_SUFFIX)
        version = np.lib.format.read_magic(file)
        match version:
            case (1, 0):
                read = np.lib.format.read_array_header_1_0
            case (2, 0):
                read = np.lib.format.read_array_header_2_0
            case _:
                raise self._damaged(f"`{name}` has a header of version {version[0]}.{version[1]}")
        try:
            shape, _, dtype = read(file, max_header_size=_LARGEST_HEADER_BYTES)
        except _HEADER_DAMAGE as error:
            raise self._damaged(f"the header of `{name}`: {error}") from error
        if dtype.hasobject:
            raise ForeignModelError(
                f"{self.path} cannot be imported: `{name}` is a pickle, which can run code"
            )
        if min(shape, default=1) < 0:
            raise self._damaged(f"`{name}` has the shape {list(shape)}")
        num_bytes = dtype.itemsize * math.prod(shape)
        if num_bytes != entry.file_size - file.tell():
            raise self._damaged(
                f"`{name}` should have {num_bytes} bytes by its header, and has"
                f" {entry.file_size - file.tell()}"
            )
        return StoredArray(tuple(shape), f"{dtype.kind}{dtype.itemsize}")

    def _damaged(self, what: str) -> ForeignModelError:
        return ForeignModelError(f"{self.path} is damaged and cannot be read ({what})")
