"""Ways to damage a file, by kind."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path


def _flip(path: Path, draw: random.Random) -> None:
    content = bytearray(path.read_bytes())
    place = draw.randrange(len(content))
    content[place] ^= 1 << draw.randrange(8)
    path.write_bytes(content)


def _cut(path: Path, draw: random.Random) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: draw.randrange(1, max(2, len(content)))])


def _empty(path: Path, draw: random.Random) -> None:
    path.write_bytes(b"")


def _lengthen(path: Path, draw: random.Random) -> None:
    path.write_bytes(path.read_bytes() + draw.randbytes(draw.randint(1, 50)))


def _zero(path: Path, draw: random.Random) -> None:
    content = path.read_bytes()
    start = draw.randrange(len(content))
    path.write_bytes(content[:start] + bytes(len(content) - start))


def _remove(path: Path, draw: random.Random) -> None:
    path.unlink()


def _make_folder(path: Path, draw: random.Random) -> None:
    path.unlink()
    path.mkdir()


def _link_to_nowhere(path: Path, draw: random.Random) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def _other_text(path: Path, draw: random.Random) -> None:
    path.write_text("<html>404 Not Found</html>\n" * draw.randint(1, 5))


DAMAGES: dict[str, Callable[[Path, random.Random], None]] = {
    "a bit flipped": _flip,
    "cut off": _cut,
    "empty": _empty,
    "longer": _lengthen,
    "zeros to its end": _zero,
    "removed": _remove,
    "a folder in its place": _make_folder,
    "a link to nowhere": _link_to_nowhere,
    "an error page in its place": _other_text,
}
"""By their names; each takes the file and random numbers."""


def restore(path: Path, original: Path) -> None:
    """Put the original back, whatever lies in its place."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    if original.is_symlink():
        path.symlink_to(original.readlink())
    else:
        shutil.copy2(original, path)
