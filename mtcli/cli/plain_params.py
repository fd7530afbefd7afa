"""Read plain option values without pydantic, which Typer would import for it (0.06 s).

Typer keeps the reader of a parameter in a private attribute that it fills on first use; this module
fills it earlier. A Typer without that attribute reads the values itself. So does any Typer where
the value or the parameter is not plain; only the message about a wrong number is ours everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import typer
from typer.models import ParameterInfo

from mtcli.errors import in_backticks

_ATTRIBUTE = "_runtime_param"


def _read_path(text: str) -> Path:
    from mtcli.system.user_paths import expanded_argument

    return expanded_argument(Path(text))


_READERS: dict[type, Callable[[str], Any]] = {
    str: str,
    Path: _read_path,
    int: int,
    float: float,
}
_FORMS = {int: re.compile(r"-?\d{1,18}"), float: re.compile(r"-?\d{1,18}(\.\d{1,18})?")}
_NUMBERS = {int: "a whole number", float: "a number"}


class PlainParam:
    """Reads the values of one parameter, and leaves those that are not plain to Typer."""

    def __init__(self, kind: type, info: ParameterInfo, *, is_list: bool) -> None:
        self._kind, self._info, self._is_list = kind, info, is_list

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value that the command gets.

        Raises:
            BadParameter: it is not a number, or outside the range of the parameter.
        """
        if value is None or type(value) is self._kind:
            return value
        texts = value if self._is_list else [value]
        if isinstance(texts, list | tuple) and all(map(self._is_plain, texts)):
            values = [_READERS[self._kind](text) for text in texts]
            if all(map(self._is_in_range, values)):
                return values if self._is_list else values[0]
        setattr(param, _ATTRIBUTE, None)
        try:
            return param.get_runtime_param().coerce(value, param=param, ctx=ctx)
        except typer.BadParameter:
            if self._kind not in _NUMBERS:
                raise
            raise typer.BadParameter(
                f"must be {self._expected()}, found {in_backticks(texts)}", ctx=ctx, param=param
            ) from None

    def _is_plain(self, value: Any) -> bool:
        """Whether this is text that spells a value in the plainest form."""
        form = _FORMS.get(self._kind)
        is_text = self._kind in _READERS and type(value) is str
        return is_text and (form is None or form.fullmatch(value) is not None)

    def _is_in_range(self, value: Any) -> bool:
        lowest, highest = self._info.min, self._info.max
        return (lowest is None or value >= lowest) and (highest is None or value <= highest)

    def _expected(self) -> str:
        limits = " and ".join(
            f"at {word} {limit}"
            for word, limit in (("least", self._info.min), ("most", self._info.max))
            if limit is not None
        )
        return f"{_NUMBERS[self._kind]}, {limits}" if limits else _NUMBERS[self._kind]


def read_plainly(params: list[Any]) -> None:
    """Let plain parameters be read without pydantic; leave all others to Typer."""
    for param in params:
        kind = _plain_kind(param)
        if kind is not None:
            info = param.type_descriptor.parameter_info
            setattr(param, _ATTRIBUTE, PlainParam(kind, info, is_list=param.multiple))


def _plain_kind(param: Any) -> type | None:
    """The type of the parameter's values; None where Typer must read them."""
    if getattr(param, _ATTRIBUTE, "absent") is not None or not hasattr(param, "get_runtime_param"):
        return None
    if param.nargs != 1 or not hasattr(param, "type_descriptor"):
        return None
    kind: Any = param.type_descriptor.annotation
    if get_origin(kind) in (Union, UnionType):
        members = [member for member in get_args(kind) if member is not type(None)]
        kind = members[0] if len(members) == 1 else None
    if param.multiple:
        kind = get_args(kind)[0] if get_origin(kind) is list else None
    if kind not in (*_READERS, bool) or not _is_unchecked(param.type_descriptor.parameter_info):
        return None
    return kind  # type: ignore[no-any-return]


def _is_unchecked(info: ParameterInfo) -> bool:
    """Whether a value of the right type and range needs no further check."""
    checks = (
        info.parser, info.exists, info.writable, info.resolve_path,
        info.path_type, info.allow_dash, not info.file_okay, not info.dir_okay,
    )  # fmt: skip
    return not any(check not in (None, False) for check in checks)
