"""Help pages in plain text: nothing is cut or boxed, and options stand in sections."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable
from enum import Enum
from typing import TYPE_CHECKING, Any

from mtcli.cli.colour import BOLD, coloured

if TYPE_CHECKING:
    from typer._click import Command, Context, HelpFormatter

MAX_WIDTH = 100
"""Columns of the widest help page."""

_MAX_NAME_WIDTH = 28
"""Columns of the names; the text of an option with a longer name starts on the next line."""


def write_help(
    command: Command, ctx: Context, formatter: HelpFormatter, subcommands: Iterable[Command] = ()
) -> None:
    """Write the help page of a command: its text, its usage line, then sections of parameters.

    A parameter or subcommand stands in the section that its `rich_help_panel` names.
    """
    formatter.write_text(inspect.cleandoc(command.help or ""))
    formatter.write_paragraph()
    formatter.write_usage(ctx.command_path, " ".join(command.collect_usage_pieces(ctx)))
    sections: dict[str, list[tuple[str, str]]] = {}
    for subcommand in subcommands:
        section = getattr(subcommand, "rich_help_panel", None) or "Commands"
        first_line = inspect.cleandoc(subcommand.help or "").partition("\n\n")[0]
        sections.setdefault(section, []).append((str(subcommand.name), first_line))
    for param in command.get_params(ctx):
        default_section = "Arguments" if _is_argument(param) else "Options"
        section = getattr(param, "rich_help_panel", None) or default_section
        sections.setdefault(section, []).append((_names(param), _text(param)))
    names = [name for rows in sections.values() for name, _ in rows]
    width = max(len(name) for name in names if len(name) <= _MAX_NAME_WIDTH)
    for section, rows in sections.items():
        with formatter.section(coloured(section, BOLD, sys.stdout)):
            formatter.write_dl([(name.ljust(width), text) for name, text in rows], col_max=width)


def usage_pieces(params: list[Any]) -> list[str]:
    """What follows the command's name in its usage line: required options, then arguments."""
    required = [_names(param, long_only=True) for param in params if param.required]
    arguments = [name for name in required if not name.startswith("-")]
    return ["[OPTIONS]", *(name for name in required if name.startswith("-")), *arguments]


def _is_argument(param: Any) -> bool:
    return bool(param.param_type_name == "argument")


def _names(param: Any, *, long_only: bool = False) -> str:
    """`-m, --model MODEL`, or for an argument its `FILE`."""
    value = param.metavar or param.name.upper()
    if _is_argument(param):
        return str(value)
    names = sorted([*param.opts, *param.secondary_opts], key=lambda name: name.startswith("--"))
    if long_only:
        names = names[-1:]
    return ", ".join(names) + ("" if param.is_flag else f" {value}")


def _text(param: Any) -> str:
    """What an option does, and what holds without it."""
    note = "required" if param.required else _default(param)
    return f"{param.help or ''}  [{note}]" if note else str(param.help or "")


def _default(param: Any) -> str:
    if isinstance(param.show_default, str):
        return f"default: {param.show_default}"
    if not param.show_default or param.default is None or param.default is False:
        return ""
    if param.is_flag:
        return f"default: {param.opts[0]}"
    value = param.default.value if isinstance(param.default, Enum) else param.default
    return f"default: {value}"
