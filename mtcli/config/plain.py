"""Read sections from valid JSON without pydantic, whose import costs 0.1 s.

Only exact types are accepted: pydantic handles everything else, and converts it or reports what is
wrong.
"""

from __future__ import annotations

import types
from collections.abc import Iterable
from dataclasses import MISSING, fields, is_dataclass
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from mtcli.config.schema.bounds import Bounds
from mtcli.config.schema.sections import ByKind

_T = TypeVar("_T")


class NotPlainError(ValueError):
    """The value does not have exactly the type asked for; it may still be convertible."""


def from_plain(kind: type[_T], value: object) -> _T:
    """The object of dataclass `kind` that decoded JSON describes, every value checked.

    Raises:
        NotPlainError: pydantic has to look at it.
    """
    if not isinstance(value, dict):
        raise NotPlainError
    hints = get_type_hints(kind, include_extras=True)
    if not value.keys() <= hints.keys():
        raise NotPlainError
    arguments = {name: _checked(hints[name], item) for name, item in value.items()}
    for field in fields(kind):  # type: ignore[arg-type]
        has_default = field.default is not MISSING or field.default_factory is not MISSING
        if field.name not in arguments and not has_default:
            raise NotPlainError
    try:
        return kind(**arguments)
    except ValueError as error:  # values that conflict
        raise NotPlainError from error


def _checked(hint: Any, value: object) -> Any:
    """`value` as `hint` wants it."""
    origin = get_origin(hint)
    if origin is Annotated:
        inner, *marks = get_args(hint)
        value = _checked(inner, value)
        _check_marks(marks, value)
        return value
    if origin in (Union, types.UnionType):
        return _checked_union(get_args(hint), value)
    if origin is Literal:
        if not any(value == one and type(value) is type(one) for one in get_args(hint)):
            raise NotPlainError
        return value
    if origin is dict and isinstance(value, dict):
        of_key, of_value = get_args(hint)
        return {_checked(of_key, key): _checked(of_value, item) for key, item in value.items()}
    if origin is list and isinstance(value, list):
        (item_hint,) = get_args(hint)
        return [_checked(item_hint, item) for item in value]
    if is_dataclass(hint):
        return from_plain(hint, value)  # type: ignore[arg-type]
    if hint is float and type(value) is int:
        return float(value)
    if hint in (int, float, str, bool, type(None)) and type(value) is hint:
        if isinstance(value, float) and not abs(value) < float("inf"):
            raise NotPlainError
        return value
    raise NotPlainError


def _checked_union(hints: Iterable[Any], value: object) -> Any:
    """`value` as the first of `hints` that takes it."""
    for hint in hints:
        try:
            return _checked(hint, value)
        except NotPlainError:
            continue
    raise NotPlainError


def _check_marks(marks: Iterable[object], value: Any) -> None:
    if value is None:
        return
    for mark in marks:
        if isinstance(mark, ByKind):  # the union has found the section with this kind
            continue
        # a mark that only pydantic knows
        if not isinstance(mark, Bounds) or not mark.allow(value):
            raise NotPlainError
