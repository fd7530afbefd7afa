"""Prepare items ahead on a background thread."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Final, Generic, TypeVar

T = TypeVar("T")


class _End:
    """Marks the end, after the last item."""


_END: Final = _End()


class Prefetch(Generic[T]):
    """The items of an iterator in order, up to `depth` of them prepared ahead.

    An exception of the iterator is raised in place of its item. Use it in a `with` block: leaving
    it waits for the item in preparation and prepares no more.

    Args:
        iterator: the items; from now on only the background thread may use it.
        depth: how many items to hold ready, at least 1.
    """

    waited_s: float
    """Seconds that the consumer has waited for items."""
    cpu_s: float
    """CPU seconds, user and system, of preparing items."""

    def __init__(self, iterator: Iterator[T], depth: int) -> None:
        self.waited_s = self.cpu_s = 0.0
        self._iterator = iterator
        # one worker, so items are prepared one after the other; a future carries an exception over
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="prefetch")
        self._ready: deque[Future[T | _End]] = deque()
        for _ in range(depth):
            self._prepare_one()

    def __iter__(self) -> Prefetch[T]:
        return self

    def __next__(self) -> T:
        if not self._ready:
            raise StopIteration
        started_at_s = time.perf_counter()
        try:
            item = self._ready.popleft().result()
        finally:
            self.waited_s += time.perf_counter() - started_at_s
        if isinstance(item, _End):
            self._ready.clear()
            raise StopIteration
        self._prepare_one()
        return item

    def __enter__(self) -> Prefetch[T]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Prepare no more items, drop those that are ready, and end the thread."""
        self._ready.clear()
        self._executor.shutdown(wait=True, cancel_futures=True)
        close = getattr(self._iterator, "close", None)
        if close is not None:  # a generator: leave its `with` blocks now
            close()

    def _prepare_one(self) -> None:
        self._ready.append(self._executor.submit(self._next_item))

    def _next_item(self) -> T | _End:
        before_s = time.thread_time()
        try:
            return next(self._iterator, _END)
        finally:
            self.cpu_s += time.thread_time() - before_s
