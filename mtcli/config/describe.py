"""Generate a commented template and the JSON schema of the config from the schema."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from typing import Any

from mtcli.config.keys import Key, Section, adapter, allowed_words, root_section
from mtcli.config.kinds import BY_KIND
from mtcli.config.schema.sections import KIND

_WIDTH = 100
_INTRODUCTION = (
    "A training config of mtcli, in YAML 1.2. Keys marked REQUIRED need a value; every other key"
    " shows its default and is optional. Keys behind a bare # belong to another kind of their"
    " section: to choose that kind, replace the keys of the default with them. Relative paths start"
    " from the folder that mtcli is run in. `mtcli config show FILE` checks a config and prints the"
    " value of every key."
)


def template() -> str:
    """A config with every key, its documentation and its default, ready to fill in.

    Once the keys marked REQUIRED have values, it loads and equals the defaults.
    """
    lines = [*_prose(_INTRODUCTION, ""), ""]
    for name, key in root_section().keys.items():
        if key.variants:
            lines.append("")
        lines += _key_lines(name, key, "")
    return "\n".join(lines) + "\n"


def json_schema() -> str:
    """The JSON schema of a config, for completion and checks in editors."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **adapter().json_schema()}
    _allow_bare_kinds(schema)
    return json.dumps(schema, indent=2) + "\n"


def _allow_bare_kinds(schema: dict[str, Any]) -> None:
    """Let the schema know `optim: muon`, which the loader makes a section."""
    for *outer, name in BY_KIND:
        node = schema
        for key in outer:
            node = _section_of(node["properties"][key], schema)
        union = node["properties"][name]
        sections = [_section_of(option, schema) for option in union["oneOf"]]
        kinds = [
            kind for section in sections for kind in allowed_words(section["properties"][KIND])
        ]
        union["anyOf"] = [*union.pop("oneOf"), {"enum": kinds}]


def _section_of(node: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    section: dict[str, Any] = schema["$defs"][node["$ref"].rpartition("/")[2]]
    return section


def _key_lines(name: str, key: Key, indent: str) -> Iterator[str]:
    yield from _prose(key.doc, indent)
    if not key.variants or not (key.is_required or not key.is_list):
        yield _value_line(name, key, indent)
        if key.variants and not key.is_nullable:  # a list that is empty by default
            for variant in key.variants:
                yield from _prose(f"{' or '.join(variant.kinds)}: {variant.doc}", indent + "  ")
                yield from _disabled(_section_lines(variant, indent + "  ", "- "), indent + "  ")
        return
    if key.is_nullable and not key.is_list:  # a section that is not there by default
        yield _value_line(name, key, indent)
        for variant in key.variants:
            yield from _disabled(_section_lines(variant, indent + "  ", ""), indent + "  ")
        return
    yield f"{indent}{name}:" + (f"  # REQUIRED: {key.expected}" if key.is_list else "")
    inner = indent + "  "
    bullet = "- " if key.is_list else ""
    default = key.default_variant
    if len(key.variants) > 1:
        yield from _prose(f"{default.kinds[0]}: {default.doc}", inner)
    yield from _section_lines(default, inner, bullet)
    for variant in key.variants:
        if variant is not default:
            yield from _prose(f"{' or '.join(variant.kinds)}: {variant.doc}", inner)
            yield from _disabled(_section_lines(variant, inner, bullet), inner)


def _section_lines(section: Section, indent: str, bullet: str) -> Iterator[str]:
    """The section's keys; with a bullet, `kind` comes first and bears it."""
    hanging = indent + " " * len(bullet)
    for name, key in section.keys.items():
        if name == KIND:
            choice = f"  # {key.expected}" if len(key.choices) > 1 else ""
            yield f"{indent}{bullet}{KIND}: {key.choices[0]}{choice}"
        else:
            yield from _key_lines(name, key, hanging)


def _value_line(name: str, key: Key, indent: str) -> str:
    if key.is_required:
        return f"{indent}{name}:  # REQUIRED: {key.expected}"
    return f"{indent}{name}: {_yaml(key.default)}  # {key.expected}"


def _disabled(lines: Iterator[str], indent: str) -> Iterator[str]:
    """Keys behind a # that no single space follows; prose stays as it is."""
    for line in lines:
        is_prose = line.lstrip().startswith("#")
        yield indent + line.lstrip() if is_prose else f"{indent}#{line.removeprefix(indent)}"


def _yaml(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _prose(text: str, indent: str) -> list[str]:
    prefix = f"{indent}# "
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=prefix,
        subsequent_indent=prefix,
        break_long_words=False,
        break_on_hyphens=False,
    )
