"""Do not search for garbage among the objects that imports make, which all stay."""

from __future__ import annotations

import gc

NUM_OBJECTS = 100_000
"""More than `mtcli translate` makes to translate a line, fewer than an import of torch."""


def postpone_garbage_search() -> None:
    """Have the first search for reference cycles wait for `NUM_OBJECTS` new objects.

    After it, searches are as frequent as they are by default. Of the instructions that it took to
    translate one line with CTranslate2, 3 % went into searches that found nothing (2026-11-29).
    """
    thresholds = gc.get_threshold()

    def restore(phase: str, _info: dict[str, int]) -> None:
        if phase == "stop":
            gc.set_threshold(*thresholds)
            gc.callbacks.remove(restore)

    gc.callbacks.append(restore)
    gc.set_threshold(NUM_OBJECTS, *thresholds[1:])
