"""Building blocks of the schema: sections, unions chosen by `kind`, conflicts of values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import MISSING, FrozenInstanceError, dataclass, field, fields
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform, get_args, get_type_hints

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

_T = TypeVar("_T")

KIND = "kind"


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
def section(cls: type[_T]) -> type[_T]:
    """One section of the YAML file: frozen, keyword-only, unknown keys refused.

    A dataclass, as `dataclass(frozen=True)` makes it; but all sections share the methods that it
    would compile for each, one by one, which took half of the time to import them.
    """
    cls.__pydantic_config__ = {  # type: ignore[attr-defined]
        "extra": "forbid",
        "use_attribute_docstrings": True,
        "allow_inf_nan": False,
    }
    for name, method in _SHARED_METHODS.items():
        setattr(cls, name, method)
    return dataclass(kw_only=True, repr=False, eq=False)(cls)


def _values(section: Any) -> tuple[Any, ...]:
    return tuple(getattr(section, field.name) for field in fields(section) if field.compare)


def _repr(section: Any) -> str:
    shown = [field.name for field in fields(section) if field.repr]
    values = ", ".join(f"{name}={getattr(section, name)!r}" for name in shown)
    return f"{type(section).__qualname__}({values})"


def _is_equal(section: Any, other: object) -> Any:
    if other.__class__ is not section.__class__:
        return NotImplemented
    return _values(section) == _values(other)


def _hash(section: Any) -> int:
    return hash(_values(section))


def _set_once(section: Any, name: str, value: object) -> None:
    """Set a value for `__init__`, which sets each once."""
    if name in vars(section) or name not in type(section).__dataclass_fields__:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")
    object.__setattr__(section, name, value)


def _refuse_deleting(section: Any, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


_SHARED_METHODS = {
    "__repr__": _repr,
    "__eq__": _is_equal,
    "__hash__": _hash,
    "__setattr__": _set_once,
    "__delattr__": _refuse_deleting,
}


@dataclass(frozen=True)
class Conflict:
    """Values that are valid each, but not together."""

    keys: tuple[str, ...]
    """The keys in conflict, relative to the section that refuses them."""
    message: str


class ConflictError(ValueError):
    """The conflicts of one section; the message joins theirs."""

    def __init__(self, conflicts: Sequence[Conflict]) -> None:
        super().__init__("; ".join(conflict.message for conflict in conflicts))
        self.conflicts = tuple(conflicts)


def refuse(conflicts: Iterable[Conflict]) -> None:
    """Raise all `conflicts` as one.

    Raises:
        ConflictError: there is at least one.
    """
    conflicts = tuple(conflicts)
    if conflicts:
        raise ConflictError(conflicts)


@dataclass(frozen=True)
class ByKind:
    """Mark of a union of sections that `kind` chooses from: `Annotated[A | B, ByKind()]`.

    A section without a `kind` is the member whose `kind` has a default. pydantic's own
    discriminator would need an import at module level, and `kind` in every section.
    """

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Build the tagged union, keyed by the literals of each member's `kind`."""
        from pydantic_core import core_schema

        choices: dict[str, CoreSchema] = {}
        default: str | None = None
        for member in get_args(source):
            schema = handler.generate_schema(member)
            choices |= dict.fromkeys(get_args(get_type_hints(member)[KIND]), schema)
            for key in fields(member):
                if key.name == KIND and key.default is not MISSING:
                    default = key.default

        def kind_of(value: Any) -> str | None:
            kind = (
                value.get(KIND, default) if isinstance(value, dict) else getattr(value, KIND, None)
            )
            return kind if isinstance(kind, str) else None

        return core_schema.tagged_union_schema(choices, discriminator=kind_of)
