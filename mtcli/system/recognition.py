"""Tell by its first bytes whether a file is text, packed, or something else; never by its name."""

from __future__ import annotations

from mtcli.errors import DataError
from mtcli.system.documents import document_of
from mtcli.system.packings import Packing, packing_of

_ARCHIVES = {
    b"PK\x03\x04": "a zip file",
    b"7z\xbc\xaf\x27\x1c": "a 7z file",
    b"\x04\x22\x4d\x18": "an lz4 file",
}
_UNPACK = "unpack it, or pack it with gzip, xz, bzip2 or zstd instead"
_TAR, _TAR_OFFSET = b"ustar", 257
_ENCODINGS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
"""Encodings by their byte-order mark, the longest first."""
_ENCODINGS_BY_ZEROS = {
    (False, True, False, True): "UTF-16LE",
    (True, False, True, False): "UTF-16BE",
    (False, True, True, True): "UTF-32LE",
    (True, True, True, False): "UTF-32BE",
}
"""Encodings without a mark, by which of the first four bytes are 0 in Latin text."""
ENOUGH_BYTES = _TAR_OFFSET + len(_TAR)
"""First bytes that suffice; of documents, more tell more."""


def recognise(start: bytes, name: str, encoding: str) -> Packing | None:
    """How data is packed that begins like this; None for plain text.

    Raises:
        DataError: it is neither text in that encoding nor packed text.
    """
    if packing := packing_of(start):
        return packing
    is_tar = start[_TAR_OFFSET:].startswith(_TAR)
    if "\n".encode(encoding) == b"\n":
        refuse_encoding(start, name, has_key=True)
        if not is_tar and (document := document_of(start)):
            raise DataError(f"{name} is {document.name}", hint=document.hint)
    archive = next((a for magic, a in _ARCHIVES.items() if start.startswith(magic)), None)
    if archive or is_tar:
        raise DataError(f"{name} is {archive or 'a tar archive'}, not text", hint=_UNPACK)
    return None


def refuse_encoding(start: bytes, name: str, *, has_key: bool = False) -> None:
    """Raise DataError for text that begins like this if it is in UTF-16 or UTF-32.

    Args:
        start: its first bytes.
        name: what it is called in the error.
        has_key: whether it may be text that training reads with `encoding`.
    """
    encoding = next((e for mark, e in _ENCODINGS.items() if start.startswith(mark)), None)
    if encoding is None and len(start) >= 4:
        encoding = _ENCODINGS_BY_ZEROS.get((not start[0], not start[1], not start[2], not start[3]))
    if encoding:
        hint = f"convert it with `iconv -f {encoding} -t UTF-8`"
        if has_key:
            hint += f"; training reads it with `encoding: {encoding.lower()}`"
        raise DataError(f"{name} is in {encoding}, not UTF-8", hint=hint)
