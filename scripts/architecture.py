"""Draw the rooms of the package, floor by floor, as docs/architecture.svg.

The floors are those that import-linter enforces (pyproject.toml), so the picture cannot drift.

    python scripts/architecture.py            write docs/architecture.svg
    python scripts/architecture.py --check    exit with 1 if it is not current
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "architecture.svg"

ROOMS = {
    "cli": "one module for each command: parse, call one function, print",
    "serving": "HTTP over translating",
    "workflows": "what chains rooms: average, demo",
    "bench": "speed and memory, measured in fresh processes",
    "training": "step, loop, checkpoints, validation",
    "streaming": "bytes in, bytes out: lines, resume",
    "explaining": "attention, heads, contributions",
    "interchange": "export, and proof that it translates alike",
    "translating": "texts in, answers out: cut, search, join",
    "engines": "what runs a model: torch, CTranslate2",
    "decoding": "beam search, sampling and constraints, in tensors",
    "reports": "pages and plots from runs",
    "evaluation": "BLEU and chrF, with signatures",
    "runs": "the run folder and its records",
    "bundle": "the model folder: write, read, verify",
    "data": "sources, cleaning, store, plan, batches",
    "model": "the Transformer, in pure torch",
    "tokenizer": "SentencePiece, sampling, report",
    "distributed": "the only importer of torch.distributed",
    "device": "device, precision, out-of-memory errors",
    "config": "schema, loading, overrides, presets",
    "folders": "folders that are complete or absent",
    "system": "processes, signals, cores, memory",
    "errors": "errors that a user can fix, and exit codes",
}

WIDTH, MARGIN, ROOF = 960, 40, 92
FLOOR, GAP = 58, 8
COLOURS = ("#e8f1fb", "#e9f6ee", "#fdf3e1", "#f6ecf9")


def floors() -> list[list[str]]:
    """Rooms of each floor, from the top, as the layers contract has them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    return [[room.strip() for room in layer.split("|")] for layer in layers]


def draw() -> str:
    """The picture, as the text of an SVG."""
    storeys = floors()
    height = ROOF + len(storeys) * (FLOOR + GAP) + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        ' font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif">',
        "<title>The rooms of mtcli: imports point downwards</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<path d="M{WIDTH / 2:g} 12 L{WIDTH - 12} {ROOF - 8} L12 {ROOF - 8} Z" fill="#3b5b7d"/>',
        _text(WIDTH / 2, 58, "mtcli", 26, "#ffffff", bold=True),
        _text(WIDTH / 2, 76, "imports point downwards", 12, "#dbe6f1"),
    ]
    for number, rooms in enumerate(storeys):
        top = ROOF + number * (FLOOR + GAP)
        width = (WIDTH - 2 * MARGIN - GAP * (len(rooms) - 1)) / len(rooms)
        for place, room in enumerate(rooms):
            left = MARGIN + place * (width + GAP)
            parts += [
                f'<rect x="{left:g}" y="{top}" width="{width:g}" height="{FLOOR}" rx="6"'
                f' fill="{COLOURS[number % len(COLOURS)]}" stroke="#3b5b7d" stroke-width="1.2"/>',
                _text(left + width / 2, top + 25, room, 16, "#1c2b3a", bold=True),
                _text(left + width / 2, top + 44, ROOMS[room], 12, "#44566a"),
            ]
    ground = ROOF + len(storeys) * (FLOOR + GAP)
    parts += [
        f'<rect x="12" y="{ground}" width="{WIDTH - 24}" height="10" fill="#8a7a66"/>',
        _text(WIDTH / 2, ground + 29, "rooms on one floor do not know each other", 12, "#44566a"),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _text(x: float, y: float, text: str, size: int, colour: str, *, bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{colour}" text-anchor="middle"'
        f"{weight}>{escape(text)}</text>"
    )


def main() -> int:
    """Write the picture, or check it."""
    picture = draw()
    if "--check" in sys.argv[1:]:
        is_current = PICTURE.exists() and PICTURE.read_text(encoding="utf-8") == picture
        if not is_current:
            print("docs/architecture.svg is not current: run `python scripts/architecture.py`")
        return 0 if is_current else 1
    PICTURE.write_text(picture, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
