"""Recognise lines that are not sentences: tables, JSON, one long line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

HEAD_LINES = 1000
"""Lines that are looked at."""
_FEWEST_LINES = 2
"""Lines that suffice to tell a table from text, and JSON from text."""


class OtherKind(NamedTuple):
    """What lines hold that are not sentences."""

    what: str
    """As the end of a sentence, such as `holds JSON lines`."""
    hint: str
    """How to train on it."""


def other_kind(head: Sequence[str]) -> OtherKind | None:
    """What a file holds that begins with these lines; None if they may be sentences."""
    lines = [line for line in head if line.strip()]
    if len(head) == 1 and (num_returns := head[0].rstrip("\r").count("\r")):
        return OtherKind(
            f"has one line, with {num_returns} carriage returns (CR) and no line feed (LF)",
            r"convert its line breaks, for example with `tr '\r' '\n'`",
        )
    if len(lines) < _FEWEST_LINES:
        return None
    if all(map(_is_json_object, lines)):
        return OtherKind(
            "holds JSON lines", "read it with `kind: jsonl`, `path`, `src_field` and `tgt_field`"
        )
    num_tabs = lines[0].count("\t")
    if num_tabs and all(line.count("\t") == num_tabs for line in lines):
        return OtherKind(
            f"holds {num_tabs + 1} columns with tabs between them",
            "read it with `kind: tsv`, `path`, `src_column` and `tgt_column`",
        )
    return None


def _is_json_object(line: str) -> bool:
    if not line.lstrip().startswith("{"):
        return False
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
