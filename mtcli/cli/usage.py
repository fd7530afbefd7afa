"""Click's errors about a wrong call, said like every other mistake: a sentence and a hint."""

from __future__ import annotations

import re
from typing import Any

import typer

from mtcli.errors import MtcliError

CallError: Any = typer.BadParameter.__base__
"""Click's UsageError. Newer Typers carry a Click of their own, so it has no public name."""

_EXTRA_ARGUMENTS = re.compile(r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)")
_NO_CHOICE = re.compile(r"(?:Value error, )?('.*') is not one of (.*)\.")
_SUGGESTION = re.compile(r"(.*)\. Did you mean (.*)\?")


def describe_call_error(error: Any) -> MtcliError:
    """What is wrong with a call, without Click's usage line and box."""
    command = error.ctx.command_path if error.ctx is not None else "mtcli"
    sentence, suggestion = _sentence_and_suggestion(error, command)
    hint = f"did you mean {suggestion}?" if suggestion else f"see `{command} --help`"
    return MtcliError(_in_backticks(sentence), hint=_in_backticks(hint))


def _sentence_and_suggestion(error: Any, command: str) -> tuple[str, str]:
    message: str = error.message
    if (param := getattr(error, "param", None)) is not None:
        name = param.metavar or param.name.upper()
        if param.param_type_name == "option":
            name = max(param.opts, key=len)
        if type(error).__name__ == "MissingParameter":
            return f"`{command}` needs `{name}`", ""
        if no_choice := _NO_CHOICE.fullmatch(message):
            message = f"must be one of {no_choice[2]}, found {no_choice[1]}"
        return f"`{name}` {message}" if message.startswith("must ") else f"`{name}`: {message}", ""
    if hasattr(error, "option_name") and hasattr(error, "possibilities"):
        nearest = f"`{error.possibilities[0]}`" if error.possibilities else ""
        return f"`{command}` has no option `{error.option_name}`", nearest
    if extra := _EXTRA_ARGUMENTS.fullmatch(message):
        return f"`{command}` does not take the argument `{extra[1]}`", ""
    if suggested := _SUGGESTION.fullmatch(message):
        return _uncapitalized(suggested[1]), suggested[2].replace("', '", "' or '")
    message = message.removesuffix(".").replace(" requires an argument", " needs a value")
    return _uncapitalized(message), ""


def _uncapitalized(text: str) -> str:
    return text[:1].lower() + text[1:]


def _in_backticks(text: str) -> str:
    """The text with Click's quotes as our backticks."""
    return re.sub(r"(?<![\w`])'([^'`]*)'", r"`\1`", text)
