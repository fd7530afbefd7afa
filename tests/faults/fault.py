"""Throw a fault several times, note how each try ended, fail if anything was lost or silent.

Usage, in a test that is marked `slow`:

    with fault("kill -9 at a system call", codes={0, 2, -9}) as tries:
        for draw in tries.draws(quick=3, whole=60):  # a seeded random.Random for each try
            moment = draw.randrange(100)
            ...
            tries.note(
                f"write {moment}",
                codes=[first.returncode, second.returncode],
                said=first.stderr + second.stderr,
                is_exact=end_of(folder / "run") == undisturbed.end,
                lost="" if everything_is_there else "the checkpoint of step 3",
            )

`python -m tests.faults` runs all of them and writes the table; see there. A test that cannot run
here calls `pytest.skip` inside the block, so that the table says so. Keep to about 30 CPU seconds
for the quick tries of a file, and 300 for all of them.
"""

import json
import os
import random
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pytest

WHOLE = "MTCLI_FAULTS_WHOLE"
"""Environment variable: set for all tries, not just the quick ones."""
MOST_TRIES = "MTCLI_FAULTS_TRIES"
"""Environment variable: at most so many tries of each fault, to try a test out."""
RECORD = "MTCLI_FAULTS_RECORD"
"""Environment variable: the file to which every fault adds a line."""

_TRACEBACK = re.compile(r"Traceback \(most recent call last\)|Exception ignored in|Fatal Python")


@dataclass(frozen=True)
class Try:
    """One try of a fault."""

    what: str
    """Which one: the moment, the file, the kind."""
    codes: list[int]
    """Exit codes of its commands, in order; minus the signal for a process that was killed."""
    is_exact: bool | None
    """Whether the end is, bit for bit, what it is without the fault; None if nothing is made."""
    problem: str
    """What was lost or changed in silence, or how a command ended that must not end so."""


@dataclass
class Tries:
    """The tries of one fault.

    Args:
        name: a row of the table.
        codes: the exit codes that are promised.
        seed: decides the draws.
    """

    name: str
    codes: Collection[int]
    seed: int = 0
    done: list[Try] = field(default_factory=list)

    def draws(self, *, quick: int, whole: int) -> Iterator[random.Random]:
        """A generator of random numbers for each try, the same ones every time."""
        for number in range(num_tries(quick=quick, whole=whole)):
            yield random.Random(f"{self.name} {self.seed} {number}")

    def chosen(self, items: Sequence, *, quick: int) -> list:
        """So many of the items, spread over all, or all of them in the whole suite."""
        number = min(num_tries(quick=quick, whole=len(items)), len(items))
        picked = set(random.Random(f"{self.name} {self.seed}").sample(range(len(items)), number))
        return [item for i, item in enumerate(items) if i in picked]

    def note(
        self,
        what: str,
        *,
        codes: Sequence[int],
        said: str | bytes = "",
        is_exact: bool | None = None,
        lost: str = "",
    ) -> None:
        """Add a try.

        Args:
            what: which one it was.
            codes: exit codes of its commands.
            said: their standard error; a traceback in it is a problem.
            is_exact: see `Try`; False is a problem.
            lost: what was lost or changed in silence, if anything.
        """
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
        problems = [lost] if lost else []
        if is_exact is False:
            problems.append("the end is another")
        odd = [code for code in codes if code not in self.codes]
        if odd:
            problems.append(f"exit {', '.join(map(str, odd))}")
        if _TRACEBACK.search(text):
            problems.append("a traceback")
        problem = "; ".join(problems)
        if problem:
            problem += f"\n{text[-3000:]}" if text else ""
        self.done.append(Try(what, list(codes), is_exact, problem))


@contextmanager
def fault(name: str, *, codes: Collection[int], seed: int = 0) -> Iterator[Tries]:
    """Throw a fault in the block; what is noted goes into the table, whatever the end.

    Args:
        name: what is done, as the table has it. Several blocks may share a name.
        codes: every exit code that mtcli promises for the commands of this fault.
        seed: of the draws; for blocks that share a name.

    Raises:
        AssertionError: in a try something was lost or silent, or there was no try.
    """
    tries = Tries(name, codes, seed)
    skipped = ""
    try:
        yield tries
    except pytest.skip.Exception as skip:
        skipped = str(skip)
        raise
    except Exception as error:
        tries.done.append(Try("the test itself", [], None, repr(error)[:3000]))
        raise
    finally:
        if path := os.environ.get(RECORD):
            row = {"name": name, "skipped": skipped, "tries": [asdict(t) for t in tries.done]}
            with Path(path).open("a", encoding="utf-8") as record:
                record.write(json.dumps(row) + "\n")
    problems = [f"{t.what} (exit codes {t.codes}): {t.problem}" for t in tries.done if t.problem]
    assert tries.done, f"{name}: no try"
    assert not problems, f"{name}: {len(problems)} of {len(tries.done)}\n" + "\n".join(problems)


def num_tries(*, quick: int, whole: int) -> int:
    """How many tries to make: the quick ones, unless the whole suite was asked for."""
    number = whole if WHOLE in os.environ else quick
    return min(number, int(os.environ.get(MOST_TRIES, number)))
