"""Recognise files that hold no lines of text by their first bytes: documents, tables, archives."""

from __future__ import annotations

import re
from typing import NamedTuple

_TO_TRANSLATE = "extract its sentences, one on each line"


class Document(NamedTuple):
    """What a file is that holds no lines of text."""

    name: str
    """With its article, such as `a TMX file`."""
    hint: str
    """What to do, as an instruction without a full stop."""


_TABLE = "train on it with `kind: {}`; to translate, " + _TO_TRANSLATE
_SAVE_AS_TEXT = "save it as plain text in UTF-8, one sentence on each line"
_TMX = Document("a TMX file", _TABLE.format("tmx"))
_XLSX = Document("an XLSX file", _TABLE.format("xlsx"))
_MAGIC = {
    b"%PDF-": Document("a PDF file", "extract its text, for example with `pdftotext`"),
    b"{\\rtf": Document("an RTF document", _SAVE_AS_TEXT),
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": Document(
        "an Office file of the old kind (DOC, XLS or PPT)",
        "an XLS file can be trained on with `kind: xlsx`; save others as plain text in UTF-8",
    ),
    b"PAR1": Document("a Parquet file", _TABLE.format("parquet")),
    b"ARROW1": Document("an Arrow file", _TABLE.format("arrow")),
    b"SQLite format 3\0": Document("an SQLite database", _TO_TRANSLATE),
}
_ZIP = b"PK\x03\x04"
_IN_ZIP = {
    b"xl/": _XLSX,
    b"word/": Document("a DOCX document", _SAVE_AS_TEXT),
    b"ppt/": Document("a PPTX presentation", _SAVE_AS_TEXT),
    b"opendocument.spreadsheet": Document("an ODS spreadsheet", _TABLE.format("xlsx")),
    b"opendocument.text": Document("an ODT document", _SAVE_AS_TEXT),
    b"epub+zip": Document("an EPUB book", _SAVE_AS_TEXT),
    b"[Content_Types].xml": Document(
        "an Office file (DOCX, XLSX or PPTX)",
        "a sheet can be trained on with `kind: xlsx`; save others as plain text in UTF-8",
    ),
}
"""Documents that are zip files, by what stands near the beginning; the first that is found."""
_ROOTS = {
    "tmx": _TMX,
    "xliff": Document("an XLIFF file", f"convert it to TMX; to translate, {_TO_TRANSLATE}"),
    "html": Document("an HTML page", "extract its text, one sentence on each line"),
    "srcset": Document("an SGML test set", _TO_TRANSLATE),
    "refset": Document("an SGML test set", _TO_TRANSLATE),
    "tstset": Document("an SGML test set", _TO_TRANSLATE),
}
_XML = Document("an XML file", _TO_TRANSLATE)
_BINARY = Document("a binary file, not text", "give a file of text, one sentence on each line")
_BEFORE_ROOT = re.compile(rb"(?:\s|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>)*", re.S)
_DOCTYPE = re.compile(rb"<!DOCTYPE\s+([\w:.-]+)", re.I)
_ROOT = re.compile(rb"<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_CONTROLS = frozenset(range(32)) - frozenset(b"\t\n\r\f\b\x1b")
_MOST_CONTROLS = 0.1
"""Share of control characters, with a zero among them, above which bytes are not text."""
_FEWEST_BYTES = 64
"""Fewer bytes may be a line of text, whatever they are."""
_IN_HTML = (b"<head", b"<body", b"<title", b"<div")


def document_of(start: bytes) -> Document | None:
    """What begins like this; None for text.

    Args:
        start: the first bytes; some kilobytes tell more than a few.
    """
    for magic in _MAGIC:
        if start.startswith(magic):
            return _MAGIC[magic]
    if start.startswith(_ZIP):
        return next((document for mark, document in _IN_ZIP.items() if mark in start), None)
    if document := _markup(start.removeprefix(_BYTE_ORDER_MARK).lstrip()):
        return document
    return _BINARY if _is_binary(start) else None


def _markup(start: bytes) -> Document | None:
    """XML and its kin, by the root element."""
    if not start.startswith(b"<"):
        return None
    doctype = _DOCTYPE.match(start)
    before = _BEFORE_ROOT.match(start)
    root = doctype or _ROOT.match(start, before.end() if before else 0)
    name = root[1].decode("ascii", "replace").lower() if root else ""
    if name == "html" and not doctype and not any(tag in start.lower() for tag in _IN_HTML):
        return None  # a sentence that begins with `<html>`
    if document := _ROOTS.get(name):
        return document
    return _XML if start.startswith(b"<?xml") else None


def _is_binary(start: bytes) -> bool:
    if len(start) < _FEWEST_BYTES or b"\0" not in start:
        return False
    num_controls = sum(byte in _CONTROLS for byte in start)
    return num_controls > _MOST_CONTROLS * len(start)
