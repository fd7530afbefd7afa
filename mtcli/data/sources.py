"""Read sentence pairs from the sources that a config names, whatever their kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, zip_longest
from pathlib import Path

from mtcli.config.schema.data import (
    DelimitedSource,
    HubSource,
    JsonLinesSource,
    Source,
    SpreadsheetSource,
    TableSource,
    TextSource,
    TmxSource,
)
from mtcli.data.delimited import read_delimited
from mtcli.data.dropped import Dropped
from mtcli.data.json_lines import read_json_lines
from mtcli.data.lines import read_file_lines, unreadable
from mtcli.data.spreadsheets import read_spreadsheet
from mtcli.data.tables import read_hub, read_table
from mtcli.data.tmx import read_tmx
from mtcli.errors import DataError


def read_pairs(
    sources: Sequence[Source], dropped: Dropped | None = None
) -> Iterator[tuple[str, str]]:
    """Read the source and target text of every pair of all sources, in order.

    Args:
        sources: where the pairs are, paths as `load_config` resolves them.
        dropped: counts what the readers leave out: blank lines of tables, and bad lines where the
            source says so. Lines of text files are never left out.

    Raises:
        DataError: a file is missing, unreadable, damaged or in another encoding; the two files of
            a text source differ in their number of lines; a line is bad; a column is missing; all
            files are empty.
    """
    num_pairs = 0
    dropped = Dropped() if dropped is None else dropped
    for source in sources:
        for pair in _read_source(source, dropped):
            num_pairs += 1
            yield pair
    if num_pairs == 0:
        names = ", ".join(describe_source(source) for source in sources)
        raise DataError(f"the corpus is empty: there are no sentence pairs in {names}")


def read_beginning(source: Source, num_pairs: int) -> list[tuple[str, str]]:
    """Read the first pairs of one source, all if it has fewer; it may be empty.

    Raises:
        DataError: as `read_pairs`.
    """
    return list(islice(_read_source(source, Dropped()), num_pairs))


def local_paths(source: Source) -> list[Path]:
    """The files that a source reads; none for a source that is read from the hub.

    (A hub source that reads local files is a `TextSource` once its config is resolved.)
    """
    match source:
        case TextSource():
            return [source.src, source.tgt]
        case HubSource():
            return []
        case _:
            return [source.path]


def check_files(sources: Sequence[Source]) -> None:
    """Check that every file exists and can be read, before any work is done.

    Raises:
        DataError: a file is missing, unreadable, or a folder.
    """
    for source in sources:
        for path in local_paths(source):
            try:
                refuse_pipe(path)
                path.open("rb").close()
            except OSError as error:
                raise DataError(unreadable(path, error)) from None


def refuse_pipe(path: Path) -> None:
    """Raise DataError for a folder, and for a pipe, which could be read only once."""
    if path.exists() and not path.is_file():
        raise DataError(f"{path} is not a regular file")


def describe_source(source: Source) -> str:
    """The name of a source in messages: its files, or its name on the hub."""
    if isinstance(source, HubSource):
        return f"the {source.split} split of {source.name}"
    return " and ".join(map(str, local_paths(source)))


def source_name(source: Source) -> str:
    """The name of a source for strangers: without the folders of this machine."""
    if isinstance(source, HubSource):
        return source.name if source.subset is None else f"{source.name} ({source.subset})"
    return ", ".join(path.name for path in local_paths(source))


def _read_source(source: Source, dropped: Dropped) -> Iterator[tuple[str, str]]:
    match source:
        case TextSource():
            return _read_text(source)
        case DelimitedSource():
            return read_delimited(source, dropped)
        case SpreadsheetSource():
            return read_spreadsheet(source, dropped)
        case TmxSource():
            return read_tmx(source, dropped)
        case JsonLinesSource():
            return read_json_lines(source, dropped)
        case TableSource():
            return read_table(source)
        case HubSource():
            return read_hub(source)


def _read_text(source: TextSource) -> Iterator[tuple[str, str]]:
    src, tgt = source.src, source.tgt
    src_lines, tgt_lines = (read_file_lines(path, source.encoding) for path in (src, tgt))
    for number, (src_text, tgt_text) in enumerate(zip_longest(src_lines, tgt_lines)):
        if src_text is None or tgt_text is None:
            num_src = number + (src_text is not None) + sum(1 for _ in src_lines)
            num_tgt = number + (tgt_text is not None) + sum(1 for _ in tgt_lines)
            raise DataError(
                f"{src} has {num_src} lines, but {tgt} has {num_tgt}",
                hint="make every line of one file the translation of the same line of the other",
            )
        yield src_text, tgt_text
