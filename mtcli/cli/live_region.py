"""Lines at the bottom of a terminal that are drawn again and again, whatever its size becomes."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType

from rich.console import Console, ConsoleDimensions, RenderableType
from rich.live import Live
from rich.text import Text

_LOOK_EVERY_S, _DRAW_EVERY_S = 0.25, 1.0
"""How often a new size of the terminal is noticed, and how often the lines are drawn."""


class Region:
    """Draws content below everything that is printed through it, on a thread of its own.

    Some terminals wrap their lines again when they are resized, others cut them, so that nobody
    knows where the region begins then. It clears the screen and draws everything again: the last
    lines that were printed, and the content.

    Args:
        console: the terminal.
        content: what to draw, for a terminal of this size.
    """

    def __init__(
        self, console: Console, content: Callable[[ConsoleDimensions], RenderableType]
    ) -> None:
        self._console, self._content = console, content
        self._printed: deque[Text] = deque(maxlen=200)
        self._size, self._drawn_at = console.size, 0.0
        self._lock = threading.RLock()
        self._wake, self._is_over = threading.Event(), False
        self._thread = threading.Thread(target=self._keep_drawing, name="display", daemon=True)
        self._live = self._new_live()

    def __enter__(self) -> Region:
        self._live.start()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Erase the content; what was printed stays."""
        self._is_over = True
        self._wake.set()
        self._thread.join()
        with self._lock:
            self._live.stop()

    def print(self, text: Text) -> None:
        """Print lines above the content."""
        with self._lock:
            self._printed.append(text)
            if not self._fits_again():
                self._console.print(text, soft_wrap=False, highlight=False)

    def draw_soon(self) -> None:
        """Draw what has just changed, instead of waiting for the next turn."""
        self._wake.set()

    def _keep_drawing(self) -> None:
        while not self._is_over:
            is_urgent = self._wake.wait(_LOOK_EVERY_S)
            self._wake.clear()
            is_due = time.monotonic() - self._drawn_at >= _DRAW_EVERY_S
            if not self._is_over and (is_urgent or is_due or self._console.size != self._size):
                with self._lock:
                    self._draw()

    def _draw(self) -> None:
        self._drawn_at = time.monotonic()
        if not self._fits_again():
            self._live.update(self._content(self._size), refresh=True)

    def _fits_again(self) -> bool:
        """Draw the whole screen if the terminal has another size now. Returns whether it had."""
        size = self._console.size
        if size == self._size:
            return False
        self._size = size
        self._live.stop()
        self._console.clear()
        content = self._content(size)
        num_rows = len(self._console.render_lines(content)) + 1
        for text in _that_fit(self._printed, self._console, size.height - num_rows):
            self._console.print(text, soft_wrap=False, highlight=False)
        self._live = self._new_live()
        self._live.start()
        return True

    def _new_live(self) -> Live:
        return Live(
            self._content(self._size),
            console=self._console,
            auto_refresh=False,
            transient=True,
            vertical_overflow="crop",
        )


def _that_fit(printed: deque[Text], console: Console, num_rows: int) -> list[Text]:
    """The last of the printed texts that fill at most `num_rows` rows."""
    fitting: list[Text] = []
    for text in reversed(printed):
        num_rows -= len(text.wrap(console, console.width))
        if num_rows < 0:
            break
        fitting.append(text)
    return fitting[::-1]
