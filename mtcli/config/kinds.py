"""Fill in the `kind` of sections: from the name of a file, or from a word in a section's place."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from mtcli.config.schema.sections import KIND

_PACKED = (".gz", ".bz2", ".xz", ".zst")
_KINDS = {
    ".tsv": "tsv",
    ".tab": "tsv",
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".tmx": "tmx",
    ".xlsx": "xlsx",
    ".xls": "xlsx",
    ".ods": "xlsx",
    ".parquet": "parquet",
    ".arrow": "arrow",
}

BY_KIND = (
    ("optim",),
    ("schedule",),
    ("model", "encoder_attention"),
    ("model", "decoder_attention"),
)
"""Sections that `kind` chooses, outside lists."""


def kind_of_name(name: str) -> str | None:
    """The kind of the source that a file of this name holds; None if the name does not say."""
    path = PurePath(name)
    if path.suffix.lower() in _PACKED:
        path = path.with_suffix("")
    return _KINDS.get(path.suffix.lower())


def fill_kinds(values: dict[str, Any]) -> None:
    """Give every source of pairs that has a `path` and no `kind` the kind that its name says.

    Args:
        values: the plain values of a config, of any type where the user is mistaken. What a name
            does not say stays open: the kind is then null, which is refused.
    """
    data = values.get("data")
    for key in ("train", "valid"):
        sources = data.get(key) if isinstance(data, dict) else None
        for source in sources if isinstance(sources, list) else ():
            if isinstance(source, dict) and KIND not in source and "path" in source:
                source[KIND] = kind_of_name(str(source["path"]))


def spell_out_kinds(values: dict[str, Any]) -> None:
    """Make `optim: muon` of a config the section `optim: {kind: muon}`, for all that have kinds.

    Args:
        values: the plain values of a config, of any type where the user is mistaken.
    """
    for *outer, name in BY_KIND:
        section: Any = values
        for key in outer:
            section = section.get(key) if isinstance(section, dict) else None
        if isinstance(section, dict) and isinstance(section.get(name), str):
            section[name] = {KIND: section[name]}
