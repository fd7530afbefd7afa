"""Schema of where sentence pairs come from, and which of them are trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from mtcli.config.schema.bounds import Bounds, NotNegative, Positive
from mtcli.config.schema.sections import ByKind, Conflict, refuse, section


@section
class TextSource:
    """Two text files, line i of one being the translation of line i of the other."""

    kind: Literal["text"] = "text"
    src: Path
    """Source-side text, one sentence a line; `.gz` is read as such."""
    tgt: Path
    """Target-side text, as many lines as `src`."""


@section
class TsvSource:
    """One file with tab-separated columns. There is no quoting: a tab is always a column's end."""

    kind: Literal["tsv"]
    path: Path
    """The file; `.gz` is read as such."""
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
    """Column of the source text; a dot enters a nested object (`translation.en`)."""
    tgt_field: str
    """Column of the target text; a dot enters a nested object (`translation.de`)."""


@section
class HubSource:
    """A data set of the Hugging Face hub, read by the `datasets` library."""

    kind: Literal["hub"]
    name: str
    """Data set id, for instance `bentrevett/multi30k`."""
    split: str
    """Split, for instance `train`."""
    src_field: str
    """Column of the source text; a dot enters a nested object (`translation.en`)."""
    tgt_field: str
    """Column of the target text; a dot enters a nested object (`translation.de`)."""
    subset: str | None = None
    """Configuration of the data set, where it has several."""
    revision: str | None = None
    """Commit or tag of the data set; null takes the newest."""
    local_src: Path | None = None
    """Source-side text file under `data.root`: read instead of the hub when `data.root` is set."""
    local_tgt: Path | None = None
    """Target-side text file under `data.root`: read instead of the hub when `data.root` is set."""

    def __post_init__(self) -> None:
        if (self.local_src is None) != (self.local_tgt is None):
            together = "local_src and local_tgt go together: give both or neither"
            refuse([Conflict(("local_src", "local_tgt"), together)])


Source: TypeAlias = Annotated[TextSource | TsvSource | TableSource | HubSource, ByKind()]


@section
class DataConfig:
    """Where the sentence pairs come from, and which of them are trained on."""

    root: Path | None = None
    """Folder put before relative paths in `train` and `valid`; null leaves them as they are."""
    train: Annotated[list[Source], Bounds(min_length=1)]
    """Training sources, read one after the other."""
    valid: Annotated[list[Source], Bounds(min_length=1)] | None = None
    """Validation sources. Null holds out min(1000, 2 %) of the training pairs, chosen by `seed`."""
    cache_dir: Path | None = None
    """Folder of tokenised stores, shared by runs. Null: `.cache` beside `run_dir`."""
    max_length: Positive = 256
    """Longest side of a training pair, in subword pieces without EOS; longer pairs are dropped."""
    max_length_ratio: Annotated[float, Bounds(ge=1)] | None = None
    """Drop training pairs whose longer side has over this many times the pieces of the shorter."""
    drop_identical: bool = False
    """Drop training pairs whose target equals their source."""
    drop_duplicates: bool = False
    """Keep only the first of training pairs that are equal on both sides."""
    prefetch_batches: Positive = 8
    """Updates that are prepared ahead in the background."""
