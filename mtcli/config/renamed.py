"""Read keys of earlier releases as the keys that replaced them."""

from __future__ import annotations

from typing import Any

from mtcli.config.problems import KeyPath, Origin, Problem, origin_of

RENAMED = {
    ("tokenizer", "normalization"): ("src_normalization", "tgt_normalization"),
}
"""The keys of the same section that an old key sets, all to its value."""


def replace_renamed(values: dict[str, Any], origins: dict[KeyPath, Origin]) -> list[Problem]:
    """Replace old keys in `values` and their `origins`.

    Returns:
        A problem for each old key whose value and that of a new key contradict each other.
    """
    problems = []
    for (section_name, old), new_names in RENAMED.items():
        section = values.get(section_name)
        if not isinstance(section, dict) or old not in section:
            continue
        path: KeyPath = (section_name, old)
        kept = {name: value for name, value in section.items() if name != old}
        given = [name for name in new_names if name in kept]
        if given:
            names = " and ".join(f"`{name}`" for name in new_names)
            message = f"the old name of {names}, and `{given[0]}` is set as well; remove it"
            problems.append(Problem(origin_of(path, origins), f"{section_name}.{old}", message))
        origin = origins.pop(path, None)
        for name in new_names:
            kept.setdefault(name, section[old])
            if origin is not None:
                origins.setdefault((section_name, name), origin)
        values[section_name] = kept
    return problems
