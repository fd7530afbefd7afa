"""Mutate a file of a folder again and again, and see how reading the folder ends."""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.faults.bounded_child import call_in_child
from tests.faults.fault import fault
from tests.faults.mutations import copy_linked, mutate


def throw(
    name: str,
    pristine: Path,
    read: Callable[[Path], str],
    tmp_path: Path,
    *,
    quick: int,
    whole: int,
    has_manifest: bool = True,
    damage: Callable[[Path, random.Random], str] | None = None,
) -> None:
    """Mutate a file of a folder again and again, and read the folder.

    Args:
        name: what is mutated.
        pristine: the folder.
        read: reads such a folder and returns a digest of all that was read.
        tmp_path: where copies are made.
        quick: mutations of the quick part.
        whole: mutations of the whole suite.
        has_manifest: whether a manifest says what the files must be; it then agrees in every second
            mutation, and otherwise nothing else may be read in silence.
        damage: does something else to the folder, and returns it in words; in every third mutation.
    """
    undisturbed = call_in_child(lambda: read(pristine))
    assert undisturbed.code == 0, undisturbed.text
    files = sorted(path.name for path in pristine.iterdir() if path.is_file())
    with fault(f"mutated {name}", codes={0, 2}) as tries:
        for number, draw in enumerate(tries.draws(quick=quick, whole=whole)):
            folder = copy_linked(pristine, tmp_path / f"{number}")
            file, agrees = draw.choice(files), bool(number % 2)
            if damage is not None and number % 3 == 0:
                what = damage(folder, draw)
            else:
                what = f"{file}: {mutate(folder / file, draw, agree=agrees)}"
            end = call_in_child(lambda folder=folder: read(folder))
            is_silent = end.code == 0 and end.text != undisturbed.text
            lost = f"took {end.excess}" if end.excess else ""
            if has_manifest and not agrees and is_silent:
                lost = "something else was read in silence"
            elif end.code == 1 and not lost:
                lost = "a traceback"
            said = end.text if end.code else ""
            tries.note(what, codes=[end.code], said=said, lost=lost)
            shutil.rmtree(folder)


def digest(*parts: object) -> str:
    """A hash of what was read."""
    return hashlib.sha256(repr(parts).encode("utf-8", "backslashreplace")).hexdigest()
