"""Click's errors about a wrong call, said like every other mistake: a sentence and a hint."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import typer

from mtcli.errors import MtcliError

CallError: Any = typer.BadParameter.__base__
"""Click's UsageError. Newer Typers carry a Click of their own, so it has no public name."""

_ARGUMENTS = "mtcli.arguments"
"""Where a context keeps them."""

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
            name = name_as_written(param, error.ctx)
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


def remember_arguments(ctx: Any, args: Sequence[str]) -> None:
    """Keep the arguments of a command, so that errors can name its options as they were written."""
    ctx.meta[_ARGUMENTS] = list(args)


def name_as_written(param: Any, ctx: Any) -> str:
    """The name of an option that its user wrote last, for instance `-m`; else the long one."""
    names = [*param.opts, *param.secondary_opts]
    for argument in reversed([] if ctx is None else ctx.meta.get(_ARGUMENTS, [])):
        for name in names:
            is_long = name.startswith("--")
            if argument == name or argument.startswith(f"{name}=" if is_long else name):
                return str(name)
    return str(max(param.opts, key=len))


def with_option_names(error: MtcliError, params: Sequence[Any], ctx: Any) -> MtcliError:
    """An error of another room, which says `beam_size`, in the words of the command's user.

    Args:
        error: its texts are replaced.
        params: of the command.
        ctx: of the call.
    """
    for param in params:
        if param.param_type_name == "option" and len(param.name) > 1:
            name = f"`{name_as_written(param, ctx)}`"
            error.sentence = error.sentence.replace(f"`{param.name}`", name)
            error.hint = error.hint.replace(f"`{param.name}`", name)
    return error


def _uncapitalized(text: str) -> str:
    return text[:1].lower() + text[1:]


def _in_backticks(text: str) -> str:
    """The text with Click's quotes as our backticks."""
    return re.sub(r"(?<![\w`])'([^'`]*)'", r"`\1`", text)
