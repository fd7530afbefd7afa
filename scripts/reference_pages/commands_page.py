"""commands.md: every command with its arguments and options, from the help texts of mtcli.cli."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from reference_pages.text import bullet, page, paragraph
from typer.models import ArgumentInfo, CommandInfo, ParameterInfo

from mtcli.cli.app import COMMANDS


def commands_page() -> str:
    """Every command with its arguments and options."""
    return page("Commands", _commands_blocks())


def _commands_blocks() -> Iterator[str]:
    yield paragraph(
        "Every command with its arguments and options, as `mtcli COMMAND --help` prints them. The"
        " [guides](../index.md#guides) show how to use them; [exit codes](exit-codes.md) are the"
        " same for all commands."
    )
    yield "\n".join(
        bullet(f"[`mtcli {name}`](#mtcli-{name}): {entry.line}") for name, entry in COMMANDS.items()
    )
    for name, entry in COMMANDS.items():
        registered = import_module(entry.module).app.registered_commands
        if len(registered) == 1:
            yield from _command_blocks(f"mtcli {name}", registered[0], entry.line, "##")
            continue
        yield f"## mtcli {name}"
        yield paragraph(entry.line)
        for command in registered:
            own_name = command.name or command.callback.__name__.replace("_", "-")
            yield from _command_blocks(f"mtcli {name} {own_name}", command, "", "###")


def _command_blocks(name: str, command: CommandInfo, line: str, level: str) -> Iterator[str]:
    callback = command.callback
    assert callback is not None
    params = list(_parameters(callback))
    yield f"{level} {name}"
    yield f"```text\n{_usage(name, params)}\n```"
    for text in re.split(r"\n\s*\n", inspect.cleandoc(command.help or callback.__doc__ or line)):
        yield paragraph(text)
    panels: dict[str, list[str]] = {}
    for param in params:
        panels.setdefault(param.panel, []).append(bullet(param.describe()))
    for panel, bullets in panels.items():
        yield f"**{panel}**\n\n" + "\n".join(bullets)


class _Parameter:
    """An argument or option of a command, read off the function's signature."""

    def __init__(self, name: str, hint: Any, default: Any) -> None:
        self.kind, self.info = (
            get_args(hint)[0],
            next(extra for extra in get_args(hint)[1:] if isinstance(extra, ParameterInfo)),
        )
        self.is_argument = isinstance(self.info, ArgumentInfo)
        self.is_required = default is inspect.Parameter.empty
        self.default = default
        self.kind, self.is_repeatable = _plain_kind(self.kind)
        self.panel = self.info.rich_help_panel or ("Arguments" if self.is_argument else "Options")
        self.metavar = self.info.metavar or _metavar(name, self.kind, is_argument=self.is_argument)
        self.names = self._names(name)

    def _names(self, name: str) -> list[str]:
        if self.is_argument:
            return [self.metavar]
        # within Annotated, Typer keeps the first of them where else the default is
        declared = [
            declaration
            for declaration in (self.info.default, *(getattr(self.info, "param_decls", None) or ()))
            if isinstance(declaration, str) and declaration.startswith("-")
        ]
        long = "--" + name.replace("_", "-")
        if not declared:
            declared = [long, f"--no-{long[2:]}"] if self.kind is bool else [long]
        return [name for declaration in declared for name in declaration.split("/")]

    def describe(self) -> str:
        """Names, meaning, and the default."""
        value = "" if self.is_argument or self.kind is bool else f" {self.metavar}"
        text = ", ".join(f"`{n}{value if n.startswith('--') else ''}`" for n in self.names)
        text += f": {self.info.help or ''}"
        if self.is_required:
            return text + ("" if self.is_argument else " Required.")
        shown = self.info.show_default
        if isinstance(shown, str):
            return f"{text} Default: {shown}."
        if self.default in (None, "") or self.kind is bool or shown is False:
            return text + (" Enabled by default." if self.default is True else "")
        return f"{text} Default: `{self.default}`."


def _parameters(callback: Callable[..., Any]) -> Iterator[_Parameter]:
    hints = get_type_hints(callback, include_extras=True)
    for name, param in inspect.signature(callback).parameters.items():
        if get_origin(hints[name]) is not Annotated:
            continue
        parameter = _Parameter(name, hints[name], param.default)
        if not getattr(parameter.info, "hidden", False):
            yield parameter


def _plain_kind(kind: Any) -> tuple[Any, bool]:
    """The type of one value, and whether there may be several."""
    if get_origin(kind) in (Union, UnionType):
        (kind,) = (member for member in get_args(kind) if member is not NoneType)
    if get_origin(kind) is list:
        return get_args(kind)[0], True
    return kind, False


def _metavar(name: str, kind: Any, *, is_argument: bool) -> str:
    if is_argument:
        return name.upper()
    if get_origin(kind) is Literal:
        return "|".join(map(str, get_args(kind)))
    return {int: "N", float: "X", Path: "PATH"}.get(kind, "TEXT")


def _usage(name: str, params: list[_Parameter]) -> str:
    words = [name]
    for param in params:
        if not param.is_argument and param.is_required:
            words.append(f"{param.names[-1]} {param.metavar}")
    if any(not param.is_argument and not param.is_required for param in params):
        words.append("[OPTIONS]")
    words += [param.metavar for param in params if param.is_argument]
    return " ".join(words)
