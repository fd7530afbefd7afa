"""Plain option values, read without pydantic, which Typer imports for every parameter (0.06 s).

Typer keeps how it reads a parameter in a private place, filled when first needed; we fill it
earlier. A Typer without that place reads parameters itself, and so does any for what is not plain.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from typer.models import ParameterInfo

_PLACE = "_runtime_param"
_INTEGER = re.compile(r"-?\d{1,18}")
_DECIMAL = re.compile(r"-?\d{1,18}(\.\d{1,18})?")

_READERS: dict[type, Callable[[str], Any]] = {str: str, Path: Path, int: int, float: float}
_FORMS = {int: _INTEGER, float: _DECIMAL}
_KINDS = (*_READERS, bool)


class PlainParam:
    """Reads the values of one parameter; Typer reads what it does not."""

    def __init__(self, kind: type, *, is_list: bool = False) -> None:
        self._kind, self._is_list = kind, is_list

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value that the command gets."""
        if value is None or type(value) is self._kind:
            return value
        if self._is_list and isinstance(value, list | tuple) and all(map(self._is_plain, value)):
            return [_READERS[self._kind](one) for one in value]
        if not self._is_list and self._is_plain(value):
            return _READERS[self._kind](value)
        setattr(param, _PLACE, None)
        return param.get_runtime_param().coerce(value, param=param, ctx=ctx)

    def _is_plain(self, value: Any) -> bool:
        """Whether this is text that says a value in the plainest form."""
        form = _FORMS.get(self._kind)
        is_text = self._kind in _READERS and type(value) is str
        return is_text and (form is None or form.fullmatch(value) is not None)


def read_plainly(params: list[Any]) -> None:
    """Let plain parameters be read without pydantic; leave all others to Typer."""
    for param in params:
        kind = _plain_kind(param)
        if kind is not None:
            setattr(param, _PLACE, PlainParam(kind, is_list=param.multiple))


def _plain_kind(param: Any) -> type | None:
    """The type of the parameter's values; None where Typer must read them."""
    if getattr(param, _PLACE, "absent") is not None or not hasattr(param, "get_runtime_param"):
        return None
    if param.nargs != 1 or not hasattr(param, "type_descriptor"):
        return None
    kind: Any = param.type_descriptor.annotation
    if get_origin(kind) in (Union, UnionType):
        members = [member for member in get_args(kind) if member is not type(None)]
        kind = members[0] if len(members) == 1 else None
    if param.multiple:
        kind = get_args(kind)[0] if get_origin(kind) is list else None
    if kind not in _KINDS or not _is_unchecked(param.type_descriptor.parameter_info):
        return None
    return kind  # type: ignore[no-any-return]


def _is_unchecked(info: ParameterInfo) -> bool:
    """Whether a value of the right type needs no further look."""
    asked = (
        info.parser, info.min, info.max, info.exists, info.writable, info.resolve_path,
        info.path_type, info.allow_dash, not info.file_okay, not info.dir_okay,
    )  # fmt: skip
    return not any(one not in (None, False) for one in asked)
