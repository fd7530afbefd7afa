"""Read JSON of unknown origin: nothing in it can end in a traceback, or take time or memory without
bound.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mtcli.errors import MtcliError
from mtcli.folders.rights import read_start, why_refused

LARGEST_JSON_BYTES = 16 * 2**20
"""Largest file that is read. Parsing takes up to 30 times as much memory: `[[],[],[],...]`. The
largest that mtcli writes are vocabularies and lists of held-out pairs, a few megabytes."""

DEEPEST_JSON = 64
"""Most lists and objects inside each other; ours have 6."""

_MOST_DIGITS = 20
"""Digits of a whole number; 64 bits have 19, with a sign 20."""


def read_json(path: Path, error: type[MtcliError], largest_bytes: int = LARGEST_JSON_BYTES) -> Any:
    """The content of a JSON file.

    Args:
        path: the file.
        error: class of what is raised.
        largest_bytes: the largest file that is read.

    Raises:
        MtcliError: of class `error`: the file is missing, unreadable, too large or not JSON, or
            what it holds is nested too deeply or has numbers beyond 64 bits, NaN or infinities.
    """
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):  # it may have no end
            raise error(f"cannot read {path}: it is not a regular file")
        content = read_start(path, largest_bytes + 1)
    except FileNotFoundError as cause:
        raise error(f"{path} does not exist") from cause
    except OSError as cause:
        raise error(f"cannot read {path}: {why_refused(path, cause)}") from cause
    return parse_json(content, str(path), error, largest_bytes)


def parse_json(
    content: bytes, where: str, error: type[MtcliError], largest_bytes: int = LARGEST_JSON_BYTES
) -> Any:
    """What JSON text holds, within the same bounds.

    Args:
        content: the text, in UTF-8.
        where: its file, for the message.
        error: class of what is raised.
        largest_bytes: the longest text that is parsed.

    Raises:
        MtcliError: of class `error`, as `read_json`.
    """
    if len(content) > largest_bytes:
        raise error(f"{where} is damaged: it has more than {largest_bytes >> 20} MiB")
    try:
        value = json.loads(
            content.decode("utf-8"),
            parse_int=_whole_number,
            parse_float=_number,
            parse_constant=_refuse_constant,
        )
    except UnicodeDecodeError as cause:
        raise error(f"{where} is damaged: byte {cause.start} is not UTF-8") from cause
    except json.JSONDecodeError as cause:
        raise error(f"{where} is damaged: line {cause.lineno} is not JSON ({cause.msg})") from cause
    except _NumberError as cause:
        raise error(f"{where} is damaged: {cause}") from None
    except RecursionError:
        raise error(f"{where} is damaged: {_TOO_DEEP}") from None
    # counting brackets costs nothing, and most files have too few for such a depth
    if content.count(b"[") + content.count(b"{") > DEEPEST_JSON and _is_too_deep(value):
        raise error(f"{where} is damaged: {_TOO_DEEP}")
    return value


_TOO_DEEP = f"its lists and objects are nested more than {DEEPEST_JSON} deep"


class _NumberError(ValueError):
    """A number that no file of ours has."""


def _whole_number(text: str) -> int:
    if len(text) > _MOST_DIGITS or not -(2**63) <= (number := int(text)) < 2**64:
        raise _NumberError(f"the number {_shortened(text)} does not fit into 64 bits")
    return number


def _number(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise _NumberError(f"the number {_shortened(text)} is too large")
    return number


def _refuse_constant(text: str) -> float:
    raise _NumberError(f"{text} is not a number of JSON")


def _shortened(text: str) -> str:
    return text if len(text) <= _MOST_DIGITS else f"{text[:_MOST_DIGITS]}... ({len(text)} digits)"


def _is_too_deep(value: object) -> bool:
    level = [value]
    for _ in range(DEEPEST_JSON):
        level = [
            item
            for outer in level
            if isinstance(outer, list | dict)
            for item in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(item, list | dict)
        ]
        if not level:
            return False
    return True
