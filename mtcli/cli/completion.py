"""`--install-completion` and `--show-completion`: Typer's, with errors like all others."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from subprocess import SubprocessError
from typing import Any

import typer

from mtcli.errors import MtcliError, in_backticks

SHELLS = ("bash", "zsh", "fish", "powershell")
"""Shells that Typer can complete for."""

_BY_HAND = "run `mtcli --show-completion`, and add what it prints to the startup file of your shell"


def explain_failures(params: list[Any]) -> None:
    """Let the two options, where they are among `params`, end in no traceback."""
    for param in params:
        is_ours = isinstance(param.callback, _Explained)
        if param.name in ("install_completion", "show_completion") and not is_ours:
            param.callback = _Explained(param.callback)


class _Explained:
    """A callback of Typer whose failures are errors that the user understands."""

    def __init__(self, callback: Callable[[Any, Any, Any], Any]) -> None:
        self._callback = callback

    def __call__(self, ctx: Any, param: Any, value: Any) -> Any:
        """Install or show the completion.

        Raises:
            MtcliError: the shell is unknown, or its startup file cannot be changed.
        """
        option, printed = param.opts[0], io.StringIO()
        try:
            with redirect_stdout(printed), redirect_stderr(printed):
                return self._callback(ctx, param, value)
        except typer.Exit as end:  # after a sentence about the shell
            raise MtcliError(
                f"`{option}` needs one of the shells {in_backticks(SHELLS)}, and found another",
                hint="run it in one of them",
            ) from end
        except SystemExit:
            typer.echo(printed.getvalue(), nl=False)
            raise
        except RuntimeError as error:  # of `Path.home`
            raise MtcliError(
                f"`{option}` failed: this user has no home folder",
                hint="set `HOME`",
            ) from error
        except (OSError, UnicodeError, SubprocessError) as error:
            raise MtcliError(f"`{option}` failed: {_reason(error)}", hint=_BY_HAND) from error


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"cannot write {error.filename}: {error.strerror}"
    if isinstance(error, UnicodeError):
        return "the startup file of the shell is not UTF-8"
    return str(error)
