"""config.md: every key of a training config, from the docstrings of its schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from reference_pages.text import bullet, capitalised, page, paragraph

from mtcli.config.keys import Key, Section, root_section
from mtcli.config.schema.sections import KIND


def config_page() -> str:
    """Every key of a training config."""
    return page("Config keys", _config_blocks())


def _config_blocks() -> Iterator[str]:
    root = root_section()
    yield paragraph(
        "Every key of a training config: what it must be, its default and its meaning."
        " `mtcli config template` prints the same as a YAML file, and `mtcli config schema` as a"
        " JSON schema for editors. [Write a config](../guides/configs.md) explains the format,"
        " presets and `--set`."
    )
    sections = {name: key for name, key in root.keys.items() if key.variants}
    yield paragraph("Sections: " + ", ".join(f"[`{name}`](#{name})" for name in sections) + ".")
    yield "## Top level"
    yield from _keys({n: k for n, k in root.keys.items() if not k.variants}, "")
    for name, key in sections.items():
        yield f"## {name}"
        yield from _section_blocks(name, key)


def _section_blocks(name: str, key: Key) -> Iterator[str]:
    if len(key.variants) == 1:
        if key.doc:
            yield paragraph(key.doc)
        yield from _keys(key.variants[0].keys, f"{name}.")
        return
    default = key.default_variant
    yield paragraph(f"Choose a variant with `kind`; the default is `{default.kinds[0]}`.")
    for variant in key.variants:
        yield from _variant_blocks(f"{name}:", variant, "###")


def _variant_blocks(name: str, variant: Section, level: str) -> Iterator[str]:
    kinds = " or ".join(f"`{kind}`" for kind in variant.kinds)
    yield f"{level} {name} {kinds}"
    yield paragraph(variant.doc)
    for child, key in variant.keys.items():
        if child != KIND:
            yield bullet(f"`{child}`: {_facts(key)} {key.doc}")


def _keys(keys: Mapping[str, Key], prefix: str) -> Iterator[str]:
    for name, key in keys.items():
        yield f"### {prefix}{name}"
        yield paragraph(f"{key.doc}")
        if len(key.variants) == 1 and not key.is_list:
            for child, inner in key.variants[0].keys.items():
                yield bullet(f"`{child}`: {_facts(inner)} {inner.doc}")
            continue
        if len(key.variants) > 1 and not key.is_list:
            yield from _kinds(name, key, keys, prefix)
            continue
        yield paragraph(_facts(key))
        for variant in key.variants if key.is_required else ():
            yield from _variant_blocks(f"{prefix}{name}:", variant, "####")


def _kinds(name: str, key: Key, keys: Mapping[str, Key], prefix: str) -> Iterator[str]:
    """The kinds of a section within a section; the same ones again are not written again."""
    yield paragraph(
        f"A section, or the name of its kind. Default: `{key.default_variant.kinds[0]}`."
    )
    first = next(other for other, same in keys.items() if same.variants == key.variants)
    if first != name:
        yield paragraph(f"Its kinds are those of `{prefix}{first}`.")
        return
    for variant in key.variants:
        yield from _variant_blocks(f"{prefix}{name}:", variant, "####")


def _facts(key: Key) -> str:
    """What a value must be, and the default."""
    expected = capitalised(key.expected)
    if key.choices:
        choices = [f"`{choice}`" for choice in key.choices]
        choices += ["null"] if key.expected.endswith(", or null") else []
        expected = " or ".join(filter(None, [", ".join(choices[:-1]), choices[-1]]))
    if key.is_required:
        return f"{expected}. Required."
    default = key.default if isinstance(key.default, str) else json.dumps(key.default)
    return f"{expected}. Default: `{default}`."
