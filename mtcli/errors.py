"""The errors that a user can fix, and the exit codes that a queue can act on."""

from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """What the process says when it ends; documented in docs/reference/exit-codes.md."""

    OK = 0
    BUG = 1
    USER_ERROR = 2
    DIVERGED = 3
    CHECK_FAILED = 4
    """What was asked to be checked, as with `--fail-under`, is not so."""
    STOPPED = 75
    """Stopped before the end (signal, time budget) and resumable: EX_TEMPFAIL of sysexits.h."""


class MtcliError(Exception):
    """Something the user can fix; the command line prints it without a traceback.

    Args:
        sentence: what is wrong, where, and what was found.
        hint: what to do about it, as an instruction without a full stop; empty if the sentence
            already says so. It is the last line of `str(error)`, after `hint: `.
    """

    exit_code = ExitCode.USER_ERROR

    def __init__(self, sentence: str, *, hint: str = "") -> None:
        super().__init__(f"{sentence}\nhint: {hint}" if hint else sentence)
        self.sentence, self.hint = sentence, hint


class ConfigError(MtcliError):
    """The YAML file, an override, or a key in them is wrong."""


class DataError(MtcliError):
    """A corpus file is missing, unreadable, empty or malformed."""


class TokenizerError(MtcliError):
    """A tokenizer cannot be trained or read."""


class ModelFolderError(MtcliError):
    """A model folder lacks a file, is damaged, or is of a newer format."""


class CheckpointError(MtcliError):
    """A checkpoint is missing, damaged, or belongs to another run."""


class RunFolderError(MtcliError):
    """A run folder is locked, finished, unwritable, or holds a run of another identity."""


class DeviceError(MtcliError):
    """The device or the precision asked for is not there."""


class DivergedError(MtcliError):
    """The loss became NaN or infinite; the last good checkpoint is intact."""

    exit_code = ExitCode.DIVERGED


class CheckFailedError(MtcliError):
    """A check that the user asked for has failed; all the work was done."""

    exit_code = ExitCode.CHECK_FAILED


def in_backticks(words: Iterable[object]) -> str:
    """The words of a message that lists them: `` `a`, `b` ``."""
    return ", ".join(f"`{word}`" for word in words)
