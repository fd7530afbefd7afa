"""Read sentence pairs from Parquet, Arrow and the Hugging Face hub, with `datasets`."""

from __future__ import annotations

import errno
import glob
import logging
import os
from collections.abc import Iterator, Mapping
from typing import Any

from mtcli.config.schema.data import HubSource, TableSource
from mtcli.data.fields import text_of_value
from mtcli.data.reachability import offline_unless_reachable
from mtcli.errors import DataError
from mtcli.system.temporary import check_place, temporary_folder
from mtcli.system.user_paths import home_folder

_ROWS_AT_ONCE = 1000
_SAFE_VERSION = 4
"""The first of `datasets` that runs no scripts of data sets; before, it asks, or
`HF_DATASETS_TRUST_REMOTE_CODE` answers."""
_REFUSALS = (errno.EACCES, errno.EPERM, errno.EROFS)
_SET_CACHE = "set `HF_HOME` to a folder that can be written"
_READ_LOCAL_FILES = "to read local files instead, set `data.root`, `local_src` and `local_tgt`"


def read_table(source: TableSource) -> Iterator[tuple[str, str]]:
    """Read the source and target text of every record; null becomes empty text.

    The file is streamed: nothing is copied to the cache of `datasets`.

    Raises:
        DataError: the file is missing, empty or malformed; a column is missing or holds no text.
    """
    path = source.path
    if not path.is_file():
        what = "is not a regular file" if path.exists() else "does not exist"
        raise DataError(f"{path} {what}")
    if path.stat().st_size == 0:
        return  # `datasets` fails on empty files, each kind in its own way
    datasets = _import_datasets()
    try:
        with temporary_folder() as lock_folder:
            table = datasets.load_dataset(
                source.kind,
                data_files=glob.escape(str(path.absolute())),
                split="train",
                streaming=True,
                cache_dir=str(lock_folder),
            )
            yield from _texts(table, source, str(path))
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        raise DataError(f"{path} cannot be read as {source.kind}: {_first_line(error)}") from error


def read_hub(source: HubSource) -> Iterator[tuple[str, str]]:
    """Read the source and target text of every record; null becomes empty text.

    The data set is downloaded into the cache of `datasets` (`HF_HOME`) unless it is there.

    Raises:
        DataError: the data set is not available; a column is missing or holds no text.
    """
    yield from _texts(_load_hub(source), source, source.name)


def hub_fingerprint(source: HubSource) -> str:
    """A hash that changes when the data set of a hub source changes.

    Raises:
        DataError: the data set is not available.
    """
    return str(_load_hub(source)._fingerprint)


def _load_hub(source: HubSource) -> Any:
    datasets = _import_datasets()
    if home_folder() is None and not any(map(os.environ.get, ("HF_HOME", "XDG_CACHE_HOME"))):
        raise DataError(
            f"cannot keep {source.name} from the hub: this user has no home folder", hint=_SET_CACHE
        )
    with offline_unless_reachable() as why_unreachable:
        try:
            return datasets.load_dataset(
                source.name, source.subset, split=source.split, revision=source.revision
            )
        except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
            why = (
                f"the hub cannot be reached ({why_unreachable}), and it is not in the cache"
                if why_unreachable
                else _first_line(error)
            )
            is_refused = isinstance(error, OSError) and error.errno in _REFUSALS
            raise DataError(
                f"cannot get the {source.split} split of {source.name} from the hub: {why}",
                hint=_SET_CACHE if is_refused else _READ_LOCAL_FILES,
            ) from error


def _import_datasets() -> Any:
    """Import `datasets`, which is slow, and silence its progress bars and logs.

    Raises:
        DataError: it is so old that a data set of the hub can run a script of its own here.
    """
    check_place()  # `dill`, which it imports, asks for one in ways of its own
    import datasets

    if int(datasets.__version__.partition(".")[0]) < _SAFE_VERSION:
        raise DataError(
            f"`datasets` {datasets.__version__} can run a stranger's script: tables and the hub"
            f" need version {_SAFE_VERSION}",
            hint=f"run `pip install 'datasets>={_SAFE_VERSION},<6'`",
        )
    datasets.disable_progress_bars()
    datasets.logging.set_verbosity(logging.CRITICAL)
    return datasets


def _texts(table: Any, source: TableSource | HubSource, where: str) -> Iterator[tuple[str, str]]:
    number = 0
    for rows in table.iter(batch_size=_ROWS_AT_ONCE):
        src_values = _column(rows, source.src_field, "src_field", where)
        tgt_values = _column(rows, source.tgt_field, "tgt_field", where)
        for src_value, tgt_value in zip(src_values, tgt_values, strict=True):
            number += 1
            yield (
                _text(src_value, source.src_field, f"{where}, record {number}"),
                _text(tgt_value, source.tgt_field, f"{where}, record {number}"),
            )


def _column(rows: Mapping[str, list[Any]], field: str, key: str, where: str) -> list[Any]:
    """The values of a field; a dot enters a nested object, unless a column has that name."""
    if field in rows:
        return rows[field]
    name, *inner = field.split(".")
    if name not in rows or not inner:
        raise DataError(
            f"{where}: `{key}` is `{field}`, but the columns are {', '.join(map(str, rows))}"
        )
    values = rows[name]
    for step in inner:
        for value in values:
            if value is not None and (not isinstance(value, Mapping) or step not in value):
                found = ", ".join(map(str, value)) if isinstance(value, Mapping) else repr(value)
                raise DataError(f"{where}: `{key}` is `{field}`, but `{name}` has {found:.200}")
        values = [None if value is None else value[step] for value in values]
        name = f"{name}.{step}"
    return values


def _text(value: object, field: str, where: str) -> str:
    try:
        return text_of_value(value, field)
    except ValueError as error:
        raise DataError(f"{where}: {error}") from None


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).split("\n")[0].rstrip(".")
