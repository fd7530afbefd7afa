"""Schema of the sources of sentence pairs and of the rules that drop pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from mtcli.config.schema.bounds import Bounds, NotNegative, Positive
from mtcli.config.schema.sections import ByKind, Conflict, refuse, section


@section
class TextSource:
    """Two text files: line N of one is the translation of line N of the other."""

    kind: Literal["text"] = "text"
    src: Path
    """Source-side text, one sentence per line; may be packed (gzip, xz, bzip2, zstd)."""
    tgt: Path
    """Target-side text, with as many lines as `src`."""


@section
class TsvSource:
    """One file with tab-separated columns. There is no quoting: a tab always ends a column."""

    kind: Literal["tsv"]
    path: Path
    """The file; may be packed (gzip, xz, bzip2, zstd)."""
    src_column: NotNegative = 0
    """Column of the source text, counted from 0."""
    tgt_column: NotNegative = 1
    """Column of the target text, counted from 0."""


@section
class TableSource:
    """A file with named columns, read by the `datasets` library."""

    kind: Literal["csv", "jsonl", "parquet", "arrow"]
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


Source: TypeAlias = Annotated[TextSource | TsvSource | TableSource | HubSource, ByKind()]


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
