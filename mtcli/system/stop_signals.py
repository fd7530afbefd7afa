"""Signals that ask for the end: each is heard, wherever it arrives, and none breaks an import.

An exception that a handler raises gets lost where Python cannot pass it on (hooks of `fork`,
`__del__`, callbacks of weak references), and leaves a module half imported. So the exception is a
shortcut: it is raised again until it is seen to unwind the program.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from mtcli.system.processes import discard_output, find_terminals

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP)
"""What asks a program to end; the kernel and users have no others that can be answered."""

SECOND_INTERRUPT_S = 0.3
"""Two SIGINT closer than this are one: `timeout -s INT` signals the process and its group."""

PATIENCE_S = 10.0
"""After a signal, a process that still imports, computes or cleans up ends without more ado."""

_RETRY_S = 0.1
_IMPORT_SYSTEM = "<frozen importlib._bootstrap"


class Interrupted(BaseException):
    """A signal asked for the end.

    Args:
        number: the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number
        self.signal_name = signal.Signals(number).name


class _Listener:
    """The handler of all signals that ask for the end. It has the state that they share.

    Args:
        exit_code: the exit code after a signal, for a process that may be ended; None for one
            that belongs to the caller.
    """

    def __init__(self, exit_code: Callable[[int], int] | None) -> None:
        self._exit_code, self._terminals = exit_code, find_terminals()
        self._process_id = os.getpid()
        # without this function, the generator that called it and its `__enter__`
        self._num_outer_frames = len(_frames(sys._getframe(3)))
        self._manager = sys._getframe(2).f_locals["self"]
        """Whose `__enter__` and `__exit__` must not be interrupted: they would not come to pass."""
        self.number: int | None = None
        """The first signal that was heard."""
        self._heard_at_s = 0.0
        self._is_answered = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Note a signal, and raise `Interrupted` where that does no harm."""
        if os.getpid() != self._process_id:  # forked by a library, which inherits this
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        if number == signal.SIGHUP:
            discard_output(self._terminals)
        if self.number is None:
            self.number, self._heard_at_s = number, time.monotonic()
            if not self._is_answered:
                signal.signal(signal.SIGALRM, lambda _number, frame: self._interrupt(frame))
                signal.setitimer(signal.ITIMER_REAL, _RETRY_S, _RETRY_S)
        elif number == signal.SIGINT and self._waited_s() > SECOND_INTERRUPT_S:
            if self._exit_code is None:
                raise KeyboardInterrupt
            os._exit(self._exit_code(number))
        self._interrupt(frame)

    @property
    def unanswered(self) -> int | None:
        """A signal that was heard and has no effect yet."""
        return None if self._is_answered else self.number

    def check(self) -> None:
        """Raise `Interrupted` if a signal was heard that has no effect yet."""
        if self.unanswered is not None:
            raise Interrupted(self.unanswered)

    def answer(self) -> None:
        """Raise no more: the signal has had its effect, or it is too late for one."""
        self._is_answered = True
        if self.number is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def end(self, exit_code: int) -> None:
        """From now on, a signal ends the process at once with the code that was decided."""
        self.answer()
        self._exit_code, leave = lambda _number: exit_code, self._leave
        for number in STOP_SIGNALS:
            if signal.getsignal(number) is self:
                signal.signal(number, leave)
        # Whoever asked for the end does not wait for threads at work. Training hears the signals by
        # itself; it says so with its exit code.
        if self.number is not None or exit_code != 0:
            signal.signal(signal.SIGALRM, leave)
            signal.setitimer(signal.ITIMER_REAL, PATIENCE_S)

    def watch(self) -> None:
        """End the process, too, if its main thread is stuck in a library and hears no signal.

        Does nothing where the system allows no further thread.
        """
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        watching = threading.Thread(
            target=self._watch, args=(reading,), name="signals", daemon=True
        )
        with suppress(RuntimeError):
            watching.start()

    def _watch(self, reading: int) -> None:
        while numbers := os.read(reading, 64):
            for number in set(numbers).intersection(STOP_SIGNALS):
                if self._is_waited_for(number):
                    time.sleep(PATIENCE_S)
                    if self._is_waited_for(number) and self._exit_code is not None:
                        os._exit(self._exit_code(number))

    def _is_waited_for(self, number: int) -> bool:
        return not self._is_answered and signal.getsignal(number) is self

    def _leave(self, number: int, _frame: FrameType | None) -> None:
        assert self._exit_code is not None
        os._exit(self._exit_code(number))

    def _waited_s(self) -> float:
        return time.monotonic() - self._heard_at_s

    def _interrupt(self, frame: FrameType | None) -> None:
        if self.number is None or self._is_answered:
            return
        if self._exit_code is not None and self._waited_s() > PATIENCE_S:
            os._exit(self._exit_code(self.number))
        frames = _frames(frame)
        inner = frames[: len(frames) - self._num_outer_frames]
        is_importing = any(f.f_code.co_filename.startswith(_IMPORT_SYSTEM) for f in inner)
        is_entering_or_leaving = inner and inner[-1].f_locals.get("self") is self._manager
        if not is_importing and not is_entering_or_leaving and not _is_unwinding():
            raise Interrupted(self.number)


@contextmanager
def ending_on_signals(
    exit_code: Callable[[int], int], *, is_watched: bool = False
) -> Iterator[None]:
    """Inside, a signal that asks for the end unwinds the program, which then exits.

    A signal is never lost, and after one the exit code is never 0. An import is completed before,
    and what takes longer than `PATIENCE_S` is cut off. Ignored signals stay ignored. Does not
    restore the handlers: the process is to end.

    Args:
        exit_code: the exit code after a signal.
        is_watched: whether to end as well if the main thread is stuck in a library. Takes a thread
            of its own, so this process is not forked for translating.

    Raises:
        SystemExit: with that code.
    """
    listener = _Listener(exit_code)
    for number in STOP_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, listener)
    _silence_lost_exceptions()
    atexit.register(_ignore_signals)  # the first to register, so the last to be called
    if is_watched:
        listener.watch()
    try:
        yield
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except Interrupted as interrupted:
        code = exit_code(interrupted.number)
    except BaseException:
        listener.end(1)
        raise
    listener.end(code)
    if code == 0 and listener.number is not None:  # it came at the last moment
        code = exit_code(listener.number)
        listener.end(code)
    if code != 0:
        raise SystemExit(code)


@contextmanager
def interrupting(numbers: tuple[int, ...] = STOP_SIGNALS) -> Iterator[None]:
    """Inside, each of these signals raises `Interrupted`, as all do in `ending_on_signals`.

    Raises:
        Interrupted: one came.
    """
    unheard = [n for n in numbers if not isinstance(signal.getsignal(n), _Listener)]
    listener = _Listener(None)
    previous = {number: signal.getsignal(number) for number in (*unheard, signal.SIGALRM)}
    for number in unheard:
        signal.signal(number, listener)
    try:
        yield
    finally:
        for number in unheard:
            _restore(number, previous[number])
        late = listener.unanswered
        listener.answer()
        if unheard:
            _restore(signal.SIGALRM, previous[signal.SIGALRM])
    if late is not None:  # it came at the last moment
        raise Interrupted(late)


def _restore(number: int, handler: Any) -> None:
    if handler is not None:  # None: set by a library, and untouched
        signal.signal(number, handler)


def check_stop() -> None:
    """Raise `Interrupted` if a signal asked for the end and has had no effect yet.

    Does nothing outside of `ending_on_signals` and `interrupting`. Costs some microseconds.
    """
    for number in STOP_SIGNALS:
        handler = signal.getsignal(number)
        if isinstance(handler, _Listener):
            handler.check()


def answer_stop() -> None:
    """Continue after an `Interrupted` that was caught: it is not raised again."""
    for number in STOP_SIGNALS:
        handler = signal.getsignal(number)
        if isinstance(handler, _Listener):
            handler.answer()


def _frames(frame: FrameType | None) -> list[FrameType]:
    """The frame and all that called it, the innermost first."""
    frames = []
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    return frames


def _is_unwinding() -> bool:
    """Whether an `Interrupted` is being handled: by an `except`, a `finally` or a `with`.

    So it is, perhaps, where a generator is closed.
    """
    error = sys.exc_info()[1]
    while error is not None:
        if isinstance(error, Interrupted | GeneratorExit):
            return True
        error = error.__context__
    return False


def _silence_lost_exceptions() -> None:
    """Print nothing about an `Interrupted` that Python cannot pass on: it is raised again."""
    before = sys.unraisablehook

    def tell(lost: sys.UnraisableHookArgs) -> None:
        if not issubclass(lost.exc_type, Interrupted):
            before(lost)

    sys.unraisablehook = tell


def _ignore_signals() -> None:
    """Ignore them while the interpreter is taken apart, which resets all other handlers."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
