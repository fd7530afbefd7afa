"""Schema of the sources of sentence pairs and of the rules that drop pairs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from mtcli.config.schema.bounds import Bounds, NotNegative, Positive
from mtcli.config.schema.sections import ByKind, Conflict, refuse, section

Column: TypeAlias = NotNegative | str
"""A column by its number, counted from 0, or by its name."""
BadLines: TypeAlias = Literal["refuse", "drop"]


@section
class TextSource:
    """Two text files: line N of one is the translation of line N of the other."""

    kind: Literal["text"] = "text"
    src: Path
    """Source-side text, one sentence per line; may be packed (gzip, xz, bzip2, zstd)."""
    tgt: Path
    """Target-side text, with as many lines as `src`."""
    encoding: str = "utf-8"
    """Encoding of both files, for example `utf-16` or `windows-1252`."""

    def __post_init__(self) -> None:
        refuse(_unknown_encoding(self.encoding))


@section
class DelimitedSource:
    """One file with a pair on each line, its columns separated by a character."""

    kind: Literal["tsv", "csv"]
    path: Path
    """The file; may be packed (gzip, xz, bzip2, zstd)."""
    src_column: Column = 0
    """Column of the source text: its number, counted from 0, or its name in the header."""
    tgt_column: Column = 1
    """Column of the target text: its number, counted from 0, or its name in the header."""
    src_field: str | None = None
    """Name of the column of the source text; replaces `src_column`."""
    tgt_field: str | None = None
    """Name of the column of the target text; replaces `tgt_column`."""
    delimiter: str | None = None
    """Character between columns. Null: a tab for tsv; for csv the comma, semicolon, tab or bar that
    fits the first lines."""
    quoting: bool | None = None
    """Fields in double quotes are read without them, and may hold delimiters and line breaks.
    Null: true for csv; for tsv only if every field of the first lines is in quotes."""
    header: bool | None = None
    """The first row holds the names of the columns, not a pair. Null: true if a column is given by
    name, or if the first row looks like names."""
    encoding: str = "utf-8"
    """Encoding of the file, for example `utf-16` or `windows-1252`."""
    bad_lines: BadLines = "refuse"
    """What to do with lines that have another number of columns than the first, or an open quote:
    refuse the file, or drop and count them."""

    def __post_init__(self) -> None:
        refuse(_delimited_conflicts(self))

    @property
    def columns(self) -> tuple[Column, Column]:
        """The columns of source and target."""
        src = self.src_column if self.src_field is None else self.src_field
        return src, self.tgt_column if self.tgt_field is None else self.tgt_field


@section
class SpreadsheetSource:
    """A sheet of an XLSX, XLS or ODS file with a pair in each row; needs `python-calamine`."""

    kind: Literal["xlsx"]
    path: Path
    """The file."""
    sheet: str | None = None
    """Name of the sheet; null: the first one."""
    src_column: Column = 0
    """Column of the source text: its number, counted from 0, or its name in the header."""
    tgt_column: Column = 1
    """Column of the target text: its number, counted from 0, or its name in the header."""
    header: bool | None = None
    """The first row holds the names of the columns, not a pair. Null: true if a column is given by
    name, or if the first row looks like names."""

    def __post_init__(self) -> None:
        refuse(
            _names_without_header(
                self.header, {"src_column": self.src_column, "tgt_column": self.tgt_column}
            )
        )

    @property
    def columns(self) -> tuple[Column, Column]:
        """The columns of source and target."""
        return self.src_column, self.tgt_column


@section
class TmxSource:
    """A translation memory: a TMX file, read as a stream. Inline codes are removed."""

    kind: Literal["tmx"]
    path: Path
    """The file, in the encoding that it declares; may be packed."""
    src_lang: str | None = None
    """Language of the source texts in the file; null: the config's `src_lang`. `en` stands for
    `en-US` and the like, too."""
    tgt_lang: str | None = None
    """Language of the target texts in the file; null: the config's `tgt_lang`."""


@section
class JsonLinesSource:
    """A file with a JSON object on each line, or with one JSON array of objects."""

    kind: Literal["jsonl"]
    path: Path
    """The file; may be packed (gzip, xz, bzip2, zstd)."""
    src_field: str
    """Key of the source text; a dot selects a key of a nested object (`translation.en`)."""
    tgt_field: str
    """Key of the target text; a dot selects a key of a nested object (`translation.de`)."""
    encoding: str = "utf-8"
    """Encoding of the file, for example `utf-16`."""
    bad_lines: BadLines = "refuse"
    """What to do with lines that hold no JSON object, or no text: refuse the file, or drop and
    count them."""

    def __post_init__(self) -> None:
        refuse(_unknown_encoding(self.encoding))


@section
class TableSource:
    """A file with named columns, read by the `datasets` library."""

    kind: Literal["parquet", "arrow"]
    path: Path
    """The file."""
    src_field: str
    """Column of the source text; a dot selects a field of a nested object (`translation.en`)."""
    tgt_field: str
    """Column of the target text; a dot selects a field of a nested object (`translation.de`)."""


@section
class HubSource:
    """A data set of the Hugging Face hub, read by the `datasets` library."""

    kind: Literal["hub"]
    name: str
    """Data set id, for example `bentrevett/multi30k`."""
    split: str
    """Split, for example `train`."""
    src_field: str
    """Column of the source text; a dot selects a field of a nested object (`translation.en`)."""
    tgt_field: str
    """Column of the target text; a dot selects a field of a nested object (`translation.de`)."""
    subset: str | None = None
    """Configuration of the data set, if it has several."""
    revision: str | None = None
    """Commit or tag of the data set; null: the newest."""
    local_src: Path | None = None
    """Source-side text file under `data.root`; replaces the hub if `data.root` is set."""
    local_tgt: Path | None = None
    """Target-side text file under `data.root`; replaces the hub if `data.root` is set."""

    def __post_init__(self) -> None:
        if (self.local_src is None) != (self.local_tgt is None):
            together = "local_src and local_tgt go together: give both or neither"
            refuse([Conflict(("local_src", "local_tgt"), together)])


Source: TypeAlias = Annotated[
    TextSource
    | DelimitedSource
    | SpreadsheetSource
    | TmxSource
    | JsonLinesSource
    | TableSource
    | HubSource,
    ByKind(),
]


def _unknown_encoding(encoding: str) -> Iterator[Conflict]:
    try:
        "".encode(encoding)
    except (LookupError, ValueError):
        yield Conflict(
            ("encoding",),
            f"`{encoding}` is not an encoding that Python knows; write for example utf-16,"
            " windows-1252 or gb18030",
        )


def _delimited_conflicts(source: DelimitedSource) -> Iterator[Conflict]:
    yield from _unknown_encoding(source.encoding)
    if source.delimiter is not None and (len(source.delimiter) != 1 or source.delimiter in '"\r\n'):
        yield Conflict(
            ("delimiter",),
            f"found {source.delimiter!r}, must be one character, not a quote or a line break;"
            ' a tab is "\\t" in double quotes',
        )
    src, tgt = source.columns
    named = {
        "src_column" if source.src_field is None else "src_field": src,
        "tgt_column" if source.tgt_field is None else "tgt_field": tgt,
    }
    yield from _names_without_header(source.header, named)


def _names_without_header(header: bool | None, columns: dict[str, Column]) -> Iterator[Conflict]:
    for key, column in columns.items():
        if header is False and isinstance(column, str):
            yield Conflict(
                (key, "header"),
                f"`{column}` is a name, but `header: false` says that columns have none; count"
                " them from 0, or remove `header`",
            )


@section
class DocumentsConfig:
    """Documents: neighbouring sentences are read and translated together."""

    column: Column | None = None
    """Column of `tsv`, `csv` and `xlsx`, or field of `jsonl`, `parquet`, `arrow` and `hub`, that
    holds the same id for all pairs of a document, which stand together. Null: a line that is blank
    on both sides ends a document, and so does the end of a source."""
    max_pieces: Positive = 256
    """Most pieces of the sentences that are read together, on either side, separators counted. A
    longer document is cut between sentences."""
    max_sentences: Positive | None = None
    """Most sentences that are read together; null: as many as `max_pieces` allows."""


@section
class DataConfig:
    """Sources of sentence pairs, and the rules that drop pairs."""

    root: Path | None = None
    """Folder that relative paths in `train` and `valid` start from; null: the working folder."""
    train: Annotated[list[Source], Bounds(min_length=1)]
    """Training sources, read in this order."""
    valid: Annotated[list[Source], Bounds(min_length=1)] | None = None
    """Validation sources. Null: hold out 2 % of the training pairs, at most 1000, and train on none
    with the same source or target."""
    documents: DocumentsConfig | None = None
    """Train on sentences of a document joined by a separator, a random number of them each time;
    null: one by one. Needs `valid`."""
    cache_dir: Path | None = None
    """Folder of tokenised stores, shared by runs. Null: `.cache` next to `run_dir`."""
    max_length: Positive = 256
    """Drop training pairs with a side of more subword pieces than this, EOS not counted."""
    max_length_ratio: Annotated[float, Bounds(ge=1)] | None = None
    """Drop training pairs if one side has more than this many times the pieces of the other."""
    drop_identical: bool = False
    """Drop training pairs whose target equals their source."""
    drop_duplicates: bool = False
    """Drop training pairs that repeat an earlier pair; repeating them then gives no weight."""
    prefetch_batches: Positive = 8
    """Number of updates to prepare ahead in the background."""

    def __post_init__(self) -> None:
        refuse(self._document_conflicts())

    def _document_conflicts(self) -> Iterator[Conflict]:
        if self.documents is None:
            return
        if self.valid is None:
            yield Conflict(
                ("documents", "valid"),
                "documents needs valid: pairs that are held out would leave gaps in documents",
            )
        if self.documents.column is None:
            return
        kinds = {source.kind for source in [*self.train, *(self.valid or [])]}
        for kind in sorted(kinds & {"text", "tmx"}):
            yield Conflict(
                ("documents.column",),
                f"documents.column names a column of ids, but a source of kind {kind} has none",
            )
