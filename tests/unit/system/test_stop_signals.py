"""A signal that asks for the end is heard wherever it arrives, and breaks no import."""

import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from contextlib import ExitStack, suppress

import pytest

from mtcli.system import stop_signals
from mtcli.system.postponed_signals import postponed
from mtcli.system.stop_signals import (
    STOP_SIGNALS,
    Interrupted,
    answer_stop,
    check_stop,
    interrupting,
)

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no `fork`")


def send(number=signal.SIGTERM):
    os.kill(os.getpid(), number)


def work_for_long(begin):
    """What a signal in `begin` is to end."""
    with interrupting():
        begin()
        time.sleep(30)


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    """What Python says of exceptions that it cannot pass on, which pytest makes errors of."""
    monkeypatch.setattr(sys, "unraisablehook", lambda lost: None)
    monkeypatch.setattr(stop_signals, "_RETRY_S", 0.1)


# ------------------------------------------------------------------ where an exception gets lost


class Falling:
    def __del__(self):
        send()


class Quiet:
    """Something that can be referred to."""


def in_del():
    Falling()


def in_a_weak_reference():
    target = Quiet()
    reference = weakref.ref(target, lambda _: send())
    del target
    assert reference() is None


def in_a_collection():
    gc.callbacks.append(lambda *_: (gc.callbacks.clear(), send()))
    gc.collect()


def in_a_clause_that_catches_all():
    with suppress(BaseException):
        send()


def in_a_key_function_of_a_library():
    with suppress(ValueError):
        try:
            send()
        except BaseException:  # noqa: BLE001
            raise ValueError("cannot compare") from None


PLACES = [
    in_del,
    in_a_weak_reference,
    in_a_collection,
    in_a_clause_that_catches_all,
    in_a_key_function_of_a_library,
]


@pytest.mark.parametrize("place", PLACES)
def test_a_signal_whose_exception_got_lost_is_raised_again(place):
    with pytest.raises(Interrupted):
        work_for_long(place)


@pytest.mark.parametrize("place", PLACES)
def test_a_check_finds_a_signal_whose_exception_got_lost(monkeypatch, place):
    monkeypatch.setattr(signal, "setitimer", lambda *_: None)
    with interrupting():
        check_stop()
        place()
        with pytest.raises(Interrupted) as caught:
            check_stop()
        assert (caught.value.number, caught.value.signal_name) == (signal.SIGTERM, "SIGTERM")
        answer_stop()
        check_stop()


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_each_signal_unwinds_once_and_lets_what_cleans_up_take_its_time(number):
    done = []

    def clean_up():
        end_s = time.monotonic() + 3 * stop_signals._RETRY_S
        while time.monotonic() < end_s:
            with suppress(ZeroDivisionError):
                1 / 0  # noqa: B018
        done.append(len(done))

    def generator():
        try:
            yield
        finally:
            clean_up()

    with interrupting():
        try:
            with ExitStack() as stack:
                stack.callback(clean_up)
                try:
                    for _ in generator():
                        send(number)
                        time.sleep(30)
                finally:
                    clean_up()
        except Interrupted as interrupted:
            clean_up()
            answer_stop()
            heard = interrupted.number
        time.sleep(2 * stop_signals._RETRY_S)
        send(signal.SIGTERM)  # is no news
    assert (heard, done) == (number, [0, 1, 2, 3])


def test_handlers_and_the_clock_are_as_before():
    def handlers():
        return [signal.getsignal(number) for number in (*STOP_SIGNALS, signal.SIGALRM)]

    before, inside = handlers(), []
    with pytest.raises(Interrupted):
        work_for_long(lambda: (inside.extend(handlers()), send()))
    assert inside != before
    assert handlers() == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_inside_signals_that_unwind_already_nothing_is_set():
    with interrupting():
        before = signal.getsignal(signal.SIGTERM)
        with interrupting():
            assert signal.getsignal(signal.SIGTERM) is before
        assert signal.getsignal(signal.SIGTERM) is before


# ------------------------------------------------------------------------------------ imports


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module that gets a signal in the middle of its import, and goes on for a while."""
    (tmp_path / "interrupted_module.py").write_text(
        "import os, signal, time\n"
        "first = 1\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "time.sleep(0.6)\n"
        "last = 1\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield "interrupted_module"
    sys.modules.pop("interrupted_module", None)


def test_an_import_is_complete_before_a_signal_has_an_effect(module):
    with pytest.raises(Interrupted):
        work_for_long(lambda: __import__(module))
    assert sys.modules[module].last == 1


def test_a_program_that_is_itself_imported_is_interrupted(tmp_path, monkeypatch):
    (tmp_path / "imported_program.py").write_text(
        "import os, signal, time\n"
        "from mtcli.system.stop_signals import Interrupted, interrupting\n"
        "try:\n"
        "    with interrupting():\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "        time.sleep(30)\n"
        "except Interrupted:\n"
        "    is_interrupted = True\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import imported_program

    assert imported_program.is_interrupted


# -------------------------------------------------------------------------------------- forks


@needs_fork
@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_signal_during_a_fork_takes_effect_after_it(number):
    hooks = {"before": False, "after": False}
    is_on = [True]

    def hook(name):
        if is_on[0]:
            send(number)
            hooks[name] = True

    os.register_at_fork(before=lambda: hook("before"), after_in_parent=lambda: hook("after"))
    is_forked = []

    def fork():
        with postponed():
            pid = os.fork()
            if pid == 0:
                send(number)  # is only noted
                time.sleep(0.01)
                os._exit(7)
            is_forked.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7)

    try:
        with pytest.raises(Interrupted):
            work_for_long(fork)
    finally:
        is_on[0] = False
    assert is_forked == [True]
    assert hooks == {"before": True, "after": True}


def test_ctrl_c_is_postponed_for_those_who_have_no_handlers():
    done = []

    def work():
        with postponed():
            send(signal.SIGINT)
            time.sleep(0.01)
            done.append(1)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            work()
    finally:
        signal.signal(signal.SIGINT, before)
    assert done


def test_another_thread_can_postpone_and_check_nothing():
    done = []

    def work():
        with postponed():
            check_stop()
            done.append(1)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done


# ---------------------------------------------------------------------------- a whole process

PROGRAM = """
import os, signal, sys, time, atexit, threading
from mtcli.system import stop_signals
from mtcli.system.postponed_signals import postponed
from mtcli.system.stop_signals import ending_on_signals
stop_signals.PATIENCE_S = float(os.environ.get("PATIENCE", "10"))
def send(number=signal.SIGTERM):
    os.kill(os.getpid(), number)
with ending_on_signals(lambda number: 75, is_watched=bool(os.environ.get("WATCHED"))):
    {body}
"""


def run(body, **environment):
    """Exit code and output of a program that ends with 75 after a signal."""
    code = PROGRAM.format(body=body.strip().replace("\n", "\n    "))
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize(
    "body",
    [
        "send(); time.sleep(600)",
        "send(signal.SIGINT); time.sleep(600)",
        "send(signal.SIGUSR1); time.sleep(600)",
        "send(signal.SIGHUP); time.sleep(600)",
        # it goes on to its end, as if nothing had been
        "try:\n    send()\nexcept BaseException:\n    pass",
        "try:\n    send()\nexcept BaseException:\n    sys.exit(0)",
        # while it cleans up
        "try:\n    send(); time.sleep(600)\nfinally:\n    send(signal.SIGINT); time.sleep(1)",
        # in the last lines of a program
        "atexit.register(send)\ntry:\n    send()\nfinally:\n    send()",
        # where Python would print that the exception is ignored
        "class Falling:\n    def __del__(self): send()\nFalling(); time.sleep(600)",
        # an import that takes longer than anybody waits
        "sys.path.insert(0, os.environ['MODULES'])\nimport endless",
        # threads at work do not hold it
        "threading.Thread(target=time.sleep, args=(600,)).start()\nsend(); time.sleep(600)",
        # nor where the program hears the signal by itself, and ends in good order
        "threading.Thread(target=time.sleep, args=(600,)).start()\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(75))\nsend(); time.sleep(600)",
    ],
)
def test_a_process_ends_with_its_code_and_without_a_word(tmp_path, body):
    (tmp_path / "endless.py").write_text(
        "import os, signal, time\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "while True:\n    time.sleep(0.1)\n"
    )
    done = run(body, MODULES=str(tmp_path), PATIENCE="1.5")
    assert (done.returncode, done.stdout, done.stderr) == (75, "", "")


def test_a_process_that_a_library_holds_is_ended_by_its_watch():
    # a C function that begins again whenever a signal interrupts it, as a library does
    body = (
        "import ctypes\n"
        "threading.Timer(0.5, send).start()\n"
        "semaphore = ctypes.create_string_buffer(64)\n"
        "libc = ctypes.CDLL(None)\n"
        "libc.sem_init(semaphore, 0, 0)\n"
        "signal.siginterrupt(signal.SIGTERM, False)\n"
        "libc.sem_wait(semaphore)"
    )
    done = run(body, WATCHED="1", PATIENCE="1")
    assert (done.returncode, done.stderr) == (75, "")


def test_a_signal_after_the_end_does_not_change_the_exit_code():
    done = run("atexit.register(send); sys.exit(3)")
    assert (done.returncode, done.stderr) == (3, "")
    assert run("atexit.register(send)").returncode == 0


def test_a_bug_keeps_its_traceback_and_code():
    done = run("1 / 0")
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


def test_ignored_signals_stay_ignored():
    code = PROGRAM.format(body="send(signal.SIGHUP); time.sleep(0.1); sys.exit(5)")
    command = f"import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n{code}"
    done = subprocess.run([sys.executable, "-c", command], timeout=60, check=False)
    assert done.returncode == 5


def test_a_second_ctrl_c_ends_at_once_and_two_in_a_row_are_one():
    body = (
        "try:\n    send(signal.SIGINT); time.sleep(600)\n"
        "finally:\n    send(signal.SIGINT); time.sleep(0.5); print('cleaned', flush=True)\n"
        "    send(signal.SIGINT); time.sleep(0.1); print('never', flush=True)"
    )
    done = run(body)
    assert (done.returncode, done.stdout, done.stderr) == (75, "cleaned\n", "")


@needs_fork
def test_a_process_that_a_library_forks_dies_as_if_nobody_listened():
    body = (
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    send(); time.sleep(600)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -15 and 4)"
    )
    done = run(body)
    assert (done.returncode, done.stderr) == (4, "")


# ------------------------------------------------------------- at each line of coming and going

AT_EACH_LINE = """
import json, os, signal, sys, time
from mtcli.system import stop_signals
stop_signals._RETRY_S = 0.05

def work():
    sys.settrace(trace)
    with stop_signals.ending_on_signals(lambda number: 75, is_watched=True):
        time.sleep(0.5 if state["sent"] else 0)

def trace(frame, event, _):
    name = frame.f_code.co_name
    if event == "call" and name == "end":
        state["is_over"] = True
    elif event == "line" and name != "work":
        state["lines"] += 1
        if state["lines"] == place:
            sys.settrace(None)
            state["sent"] = True
            is_heard = signal.getsignal(signal.SIGTERM) != signal.SIG_DFL
            expected = [-15] if not is_heard else [0, 75] if state["is_over"] else [75]
            os.write(writing, (json.dumps([place, name, expected]) + "\\n").encode())
            os.kill(os.getpid(), signal.SIGTERM)
    return trace

place = int(sys.argv[1])
while True:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        state = {"lines": 0, "sent": False, "is_over": False}
        work()
        sys.exit(0)
    os.close(writing)
    status = os.waitpid(pid, 0)[1]
    said = os.read(reading, 1000).decode().strip()
    os.close(reading)
    if not said:
        break
    print(said, os.waitstatus_to_exitcode(status), sep="\\t", flush=True)
    place += int(sys.argv[2])
"""


@needs_fork
def test_a_signal_at_any_line_of_coming_and_going_ends_the_process_with_its_code():
    parts = [
        subprocess.Popen(
            [sys.executable, "-c", AT_EACH_LINE, str(first), "8"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for first in range(1, 9)
    ]
    ended = [part.communicate(timeout=100) for part in parts]
    lines = [line.split("\t") for out, _ in ended for line in out.splitlines()]
    assert len(lines) > 60
    wrong = [line for line in lines if int(line[1]) not in json.loads(line[0])[2]]
    assert (wrong, [said for _, said in ended if said]) == ([], [])


def test_a_signal_at_any_line_of_coming_and_going_is_heard_once(monkeypatch):
    monkeypatch.setattr(stop_signals, "_RETRY_S", 0.02)
    before = sys.gettrace()
    outside: list[int] = []
    previous = signal.signal(signal.SIGTERM, lambda number, _frame: outside.append(number))
    count = {"lines": 0}

    def trace(frame, event, _):
        if event == "line" and frame.f_code.co_filename == stop_signals.__file__:
            count["lines"] += 1
            if count["lines"] == count["place"]:
                sys.settrace(None)
                send()
        return trace

    def work():
        sys.settrace(trace)
        with interrupting():
            end_s = time.monotonic() + (1 if count["lines"] >= count["place"] else 0)
            while not outside and time.monotonic() < end_s:
                time.sleep(0.01)

    handlers = [signal.getsignal(number) for number in (*STOP_SIGNALS, signal.SIGALRM)]
    try:
        for place in range(1, 500):
            count |= {"lines": 0, "place": place}
            outside.clear()
            inside = 0
            try:
                work()
            except Interrupted:
                inside = 1
            finally:
                sys.settrace(before)
            if count["lines"] < place:
                break
            assert inside + len(outside) == 1, place
            assert [
                signal.getsignal(number) for number in (*STOP_SIGNALS, signal.SIGALRM)
            ] == handlers, place
            assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
        assert place > 20
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in zip((*STOP_SIGNALS, signal.SIGALRM), handlers, strict=True):
            signal.signal(number, handler)
        signal.signal(signal.SIGTERM, previous)
