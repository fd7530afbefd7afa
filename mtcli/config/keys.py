"""The schema of each key: its documentation, its valid values, its default.

Read from pydantic's JSON schema, so that error messages, the template and the JSON schema for
editors cannot disagree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, get_type_hints

from mtcli.config.problems import KeyPath
from mtcli.config.schema.sections import KIND

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from mtcli.config.schema.root import TrainConfig


@dataclass(frozen=True)
class Section:
    """A section of the YAML file, or one variant of it."""

    doc: str
    kinds: tuple[str, ...]
    """Values of `kind` that choose this variant; empty if there is only one variant."""
    keys: Mapping[str, Key]


@dataclass(frozen=True)
class Key:
    """One key of a section."""

    doc: str
    expected: str
    """What a value must be, as the end of a sentence: "a whole number, at least 1, or null"."""
    is_required: bool
    default: Any
    """Plain value (a dict of a section is not spelled out: None)."""
    variants: tuple[Section, ...]
    """The sections that this key can hold, several if `kind` chooses; empty for a value."""
    is_list: bool
    """The value is a list, of sections if there are `variants`."""
    choices: tuple[str, ...]
    """The valid words; empty if the value is not a choice."""
    is_whole_number: bool
    is_text: bool
    """The value, or each entry of the list, is free text or a path."""
    is_nullable: bool

    @property
    def default_variant(self) -> Section:
        """The variant that a section without `kind` is."""
        for variant in self.variants:
            if not variant.kinds or not variant.keys[KIND].is_required:
                return variant
        return self.variants[0]


def all_keys() -> dict[str, tuple[str, ...]]:
    """Every key of a config outside lists, dotted, with the words that it may be, perhaps none."""
    return dict(_dotted_keys(root_section(), ""))


def _dotted_keys(section: Section, prefix: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, key in section.keys.items():
        if not key.variants or key.is_list:
            yield prefix + name, key.choices
        else:
            for variant in key.variants:
                yield from _dotted_keys(variant, f"{prefix}{name}.")


@cache
def adapter() -> TypeAdapter[TrainConfig]:
    """The validator of a whole config; building it takes 0.1 s."""
    from pydantic import TypeAdapter

    from mtcli.config.schema.root import TrainConfig

    return TypeAdapter(TrainConfig)


@cache
def section_adapter(name: str) -> TypeAdapter[Any]:
    """The validator of one section."""
    from pydantic import TypeAdapter

    from mtcli.config.schema.root import TrainConfig

    return TypeAdapter(get_type_hints(TrainConfig, include_extras=True)[name])


@cache
def root_section() -> Section:
    """All keys of a config."""
    schema = adapter().json_schema()
    return _section(schema, schema["$defs"])


def key_at(path: KeyPath) -> Key | None:
    """The key of a value, or of the list that it is an entry of; None if there is none.

    Where `kind` chooses between sections, it is the first that has such a key.
    """
    sections: tuple[Section, ...] = (root_section(),)
    key: Key | None = None
    for part in path:
        if isinstance(part, int):
            if key is None or not key.is_list:
                return None
            continue
        key = next((s.keys[part] for s in sections if part in s.keys), None)
        if key is None:
            return None
        sections = key.variants
    return key


def _section(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> Section:
    required = node.get("required", ())
    keys = {
        name: _key(child, definitions, is_required=name in required)
        for name, child in node["properties"].items()
    }
    kinds = keys[KIND].choices if KIND in keys else ()
    return Section(_one_line(node.get("description", "")), kinds, keys)


def _key(node: Mapping[str, Any], definitions: Mapping[str, Any], *, is_required: bool) -> Key:
    bare = _without_null(node)
    is_list = bare.get("type") == "array"
    element = bare.get("items", {}) if is_list else bare
    variants = tuple(
        _section(definitions[option["$ref"].rpartition("/")[2]], definitions)
        for option in element.get("oneOf", [element])
        if "$ref" in option
    )
    doc = _one_line(node.get("description", ""))
    is_null_allowed = any(option.get("type") == "null" for option in node.get("anyOf", ()))
    return Key(
        doc=doc or (variants[0].doc if len(variants) == 1 else ""),
        expected=", or ".join([_expected(bare), *(["null"] if is_null_allowed else [])]),
        is_required=is_required,
        default=node.get("default", [] if is_list else None),
        variants=variants,
        is_list=is_list,
        choices=allowed_words(bare),
        is_whole_number=bare.get("type") == "integer",
        is_text=element.get("type") == "string" and not allowed_words(element),
        is_nullable=bare is not node,
    )


def _without_null(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """`X` of `X | None`, `X | Y` of `X | Y | None`, or the node itself."""
    options = [option for option in node.get("anyOf", ()) if option.get("type") != "null"]
    if len(options) == len(node.get("anyOf", ())):
        return node
    return options[0] if len(options) == 1 else {"anyOf": options}


def allowed_words(node: Mapping[str, Any]) -> tuple[str, ...]:
    """The words that a value in a JSON schema may be; none if it is not a choice."""
    return (node["const"],) if "const" in node else tuple(node.get("enum", ()))


def _expected(node: Mapping[str, Any]) -> str:
    if "anyOf" in node:
        return ", or ".join(
            f"`{option['const']}`" if "const" in option else _expected(option)
            for option in node["anyOf"]
        )
    choices = allowed_words(node)
    if choices:
        return " or ".join(filter(None, [", ".join(choices[:-1]), choices[-1]]))
    match node.get("type"):
        case "integer":
            return "a whole number" + _range(node)
        case "number":
            return "a number" + _range(node)
        case "boolean":
            return "true or false"
        case "string" if node.get("format") == "path":
            return "a path"
        case "string":
            return "text" + (", not empty" if node.get("minLength") else "")
        case "array" if "prefixItems" in node:
            items = node["prefixItems"]
            return f"a list of {len(items)}, each {_expected(items[0])}"
        case "array" if "type" in node["items"] or "anyOf" in node["items"]:
            least = "of at least one, " if node.get("minItems") else ""
            return f"a list, {least}each {_expected(node['items'])}"
        case "array":
            return "a list of sections" + (", at least one" if node.get("minItems") else "")
        case _:
            return "a section"


def _range(node: Mapping[str, Any]) -> str:
    lowest, above = node.get("minimum"), node.get("exclusiveMinimum")
    if above is not None and node["type"] == "integer":
        lowest, above = above + 1, None
    bounds = (
        ("at least", lowest),
        ("above", above),
        ("at most", node.get("maximum")),
        ("below", node.get("exclusiveMaximum")),
    )
    parts = [f"{words} {_plainly(bound)}" for words, bound in bounds if bound is not None]
    return f", {' and '.join(parts)}" if parts else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _plainly(bound: float) -> str:
    """A bound as a person writes it: whole numbers with all digits."""
    return str(int(bound)) if float(bound).is_integer() else f"{bound:g}"
