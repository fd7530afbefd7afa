"""Seeded mutations of files: of their bytes, and of the JSON, YAML and headers that they hold."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mtcli.folders import MANIFEST, sha256_of

_RAW = {"@DIGITS@": "9" * 10_000, "@DEEP@": "[" * 2_000 + "]" * 2_000, "@HUGE@": "1e999"}
"""What json.dumps does not write; put in after it, for the quoted name."""

_VALUES: list[Any] = [
    *(None, True, False, -1, 0, 1, 2, 3, 7, 10**9, 2**31, 2**63, 10**18, -(2**63), 1e308, 0.5),
    *(float("nan"), float("inf"), "", "x", "\0", "\ud800", "../../etc/passwd", "/dev/zero"),
    *("a" * 100_000, [], {}, [0], [[]], {"": {}}, [0] * 10_000, [[]] * 100_000, *_RAW),
]

_NUMBERS = (0, 1, 0x7F, 0xFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1)

_YAML = (
    *("*nowhere", "&a [*a]", "[", "{", "'", "!!python/object:os.system x", "9" * 10_000, "1e999"),
    *("[" * 500 + "]" * 500, "null", "-1", "0", "1000000000", ".nan", ".inf", "''", "no", "\t"),
    *("&a [1, 2]", "{a: {b: {c: 1}}}", "x" * 100_000, "2024-01-01", "0x_", "<<", "? {a: b}", "|"),
)

LAUGHS = "\n".join(
    ["l0: &l0 [x]", *(f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 10)}]" for i in range(1, 10))]
)
"""Aliases of aliases: `*l9` is a list of a billion values."""


def mutate(path: Path, draw: random.Random, *, agree: bool) -> str:
    """Change a file in one way; what was done, in words.

    Args:
        path: the file; it may be a link that others share, so that it is replaced, not written.
        draw: decides what is done.
        agree: make the manifest of its folder agree with the file.
    """
    if not agree and draw.random() < 0.1:
        return _replace(path, draw)
    content = path.read_bytes()
    what, changed = _mutated(path, content, draw)
    if changed == content:
        what, changed = "cut to nothing", b""
    path.unlink()
    path.write_bytes(changed)
    if agree:
        _make_manifest_agree(path)
    return what


def _mutated(path: Path, content: bytes, draw: random.Random) -> tuple[str, bytes]:
    structured: dict[str, Callable[[bytes, random.Random], tuple[str, bytes]]] = {
        ".json": _in_json,
        ".yaml": change_yaml,
        ".safetensors": _in_header,
    }
    if path.suffix in structured and draw.random() < 0.7:
        return structured[path.suffix](content, draw)
    return _in_bytes(content, draw)


def _in_bytes(content: bytes, draw: random.Random) -> tuple[str, bytes]:
    """Mostly near the start, where sizes are."""
    size = len(content)
    if size == 0:
        return "noise", draw.randbytes(20)
    place = draw.randrange(min(size, 200) if draw.random() < 0.6 else size)
    match draw.randrange(7):
        case 0:
            flipped = bytes([content[place] ^ 1 << draw.randrange(8)])
            return f"bit of byte {place}", content[:place] + flipped + content[place + 1 :]
        case 1:
            byte = bytes([draw.choice((0, 1, 0x7F, 0x80, 0xFF))])
            return f"byte {place} is {byte!r}", content[:place] + byte + content[place + 1 :]
        case 2:
            width = draw.choice((2, 4, 8))
            number = (draw.choice(_NUMBERS) % 2 ** (8 * width)).to_bytes(width, "little")
            return f"number at {place}", content[:place] + number + content[place + width :]
        case 3:
            return f"cut at {place}", content[:place]
        case 4:
            end = min(size, place + draw.randrange(1, 100))
            return f"without {place} to {end}", content[:place] + content[end:]
        case 5:
            end = min(size, place + draw.randrange(1, 5_000))
            return f"{place} to {end} twice", content[:end] + content[place:]
        case _:
            noise = draw.randbytes(draw.randrange(1, 300))
            return f"noise at {place}", content[:place] + noise + content[place:]


def _in_json(content: bytes, draw: random.Random) -> tuple[str, bytes]:
    value = json.loads(content)
    holders = _holders(value)
    if not holders or draw.random() < 0.05:
        what, value = "all of it", draw.choice(_VALUES)
    else:
        holder = draw.choice(holders)
        key = draw.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        what = f"`{key!s:.40}`"
        match draw.randrange(4):
            case 0:
                what += " is missing"
                del holder[key]
            case 1 if isinstance(holder, dict):
                what += " has another name"
                holder[draw.choice(("", "\0", "x", f"{key}x", "../x", "\ud800"))] = holder.pop(key)
            case _:
                new = draw.choice(_VALUES)
                if isinstance(holder[key], int) and draw.random() < 0.4:
                    new = holder[key] + draw.choice((-1, 1, holder[key], 2**31, 10**9, 2**62))
                what += f" is {new!r:.40}"
                holder[key] = new
    text = json.dumps(value)
    for name, raw in _RAW.items():
        text = text.replace(json.dumps(name), raw)
    return what, text.encode("utf-8")


def _holders(value: Any) -> list[Any]:
    """All lists and objects that hold something."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    own = [value] if isinstance(value, dict | list) and value else []
    return own + [holder for item in inner for holder in _holders(item)]


def _in_header(content: bytes, draw: random.Random) -> tuple[str, bytes]:
    """The JSON at the start of a safetensors file, with its size in front."""
    stop = 8 + int.from_bytes(content[:8], "little")
    what, header = _in_json(content[8:stop], draw)
    return f"header: {what}", len(header).to_bytes(8, "little") + header + content[stop:]


def change_yaml(content: bytes, draw: random.Random) -> tuple[str, bytes]:
    """Change a line of YAML; what was done, and the text after it."""
    lines = content.decode("utf-8").split("\n")
    place = draw.randrange(len(lines))
    match draw.randrange(6):
        case 0:
            what = f"no line {place + 1}"
            del lines[place]
        case 1:
            what = f"line {place + 1} twice"
            lines.insert(place, lines[place])
        case 2:
            what = f"line {place + 1} indented"
            lines[place] = "  " + lines[place]
        case 3:
            what = "aliases of aliases"
            lines.insert(place, LAUGHS)
        case 4:
            what = "20,000 unknown keys"
            lines.insert(place, "\n".join(f"optin{i}: 1" for i in range(20_000)))
        case _:
            value = draw.choice(_YAML)
            what = f"line {place + 1} is {value!r:.40}"
            lines[place] = lines[place].partition(":")[0] + ": " + value
    return what, "\n".join(lines).encode("utf-8", "surrogatepass")


def _replace(path: Path, draw: random.Random) -> str:
    """Put something that is no file in its place."""
    path.unlink()
    match draw.randrange(5):
        case 0:
            return "missing"
        case 1:
            os.mkfifo(path)
            return "a pipe"
        case 2:
            path.symlink_to("/dev/zero")
            return "a device without an end"
        case 3:
            path.mkdir()
            return "a folder"
        case _:
            path.symlink_to(path.name)
            return "a link to itself"


def _make_manifest_agree(path: Path) -> None:
    manifest_path = path.parent / MANIFEST
    if path.name == MANIFEST or not manifest_path.exists():
        return
    manifest = json.loads(manifest_path.read_bytes())
    if path.name in manifest["files"]:
        entry = {"size_bytes": path.stat().st_size, "sha256": sha256_of(path)}
        manifest["files"][path.name] = entry
        manifest_path.unlink()
        manifest_path.write_text(json.dumps(manifest), encoding="utf-8")


def copy_linked(folder: Path, target: Path) -> Path:
    """A copy whose files are hard links, which is fast; `mutate` replaces them."""
    shutil.copytree(folder, target, copy_function=os.link)
    return target
