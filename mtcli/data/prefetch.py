"""Items prepared ahead on a background thread, while the foreground computes."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Final, Generic, TypeVar

T = TypeVar("T")


class _End:
    """What comes after the last item."""


_END: Final = _End()


class Prefetch(Generic[T]):
    """The items of an iterator in their order, up to `depth` of them ready before their time.

    An exception of the iterator is raised where its item would have come. To be used in a `with`
    block: leaving it waits for the item that is being prepared and prepares no more.

    Args:
        iterator: where the items come from; only the background thread uses it from now on.
        depth: how many items to hold ready, at least 1.
    """

    waited_s: float
    """Seconds that the consumer has waited for items so far."""
    cpu_s: float
    """CPU seconds, user and system, that preparing items has taken so far."""

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
        """Prepare no more items and end the thread; what is ready is thrown away."""
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
