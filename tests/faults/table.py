"""The table of the faults: what was thrown how often, what was exact, lost, and how it ended."""

import json
from collections import Counter
from collections.abc import Iterable

_HEAD = "| fault | tries | bit-exact | lost or silent | exit codes |\n|---|---|---|---|---|\n"


def make_table(lines: Iterable[str]) -> str:
    """The table in Markdown, a row for each fault.

    Args:
        lines: what `fault` recorded, one JSON object a line; those of one name are one row.
    """
    tries: dict[str, list[dict]] = {}
    skipped: dict[str, str] = {}
    for line in lines:
        row = json.loads(line)
        tries.setdefault(row["name"], []).extend(row["tries"])
        if row["skipped"]:
            skipped[row["name"]] = row["skipped"]
    rows = (_row(name, tries[name], skipped.get(name, "")) for name in sorted(tries))
    return _HEAD + "".join(rows)


def _row(name: str, tries: list[dict], skipped: str) -> str:
    if not tries:
        return f"| {name} | 0 | | | skipped: {skipped} |\n"
    compared = [t["is_exact"] for t in tries if t["is_exact"] is not None]
    exact = f"{sum(compared)} of {len(compared)}" if compared else "nothing to compare"
    codes = Counter(code for t in tries for code in t["codes"])
    counts = ", ".join(f"{code} ({codes[code]})" for code in sorted(codes))
    lost = sum(bool(t["problem"]) for t in tries)
    return f"| {name} | {len(tries)} | {exact} | {lost} | {counts} |\n"
