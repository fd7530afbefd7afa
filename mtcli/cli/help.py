"""Help pages in plain text: nothing is cut or boxed, and options are in sections."""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from collections.abc import Iterable
from enum import Enum
from typing import TYPE_CHECKING, Any

from mtcli.cli.colour import BOLD, CYAN, GREEN, coloured

if TYPE_CHECKING:
    from typer._click import Command, Context, HelpFormatter

MAX_WIDTH = 100
"""Columns of the widest help page."""

_HYPHEN = "\N{NON-BREAKING HYPHEN}"
"""Stands for a hyphen until all lines are wrapped."""

_MAX_NAME_WIDTH = 28
"""Columns of the names; the text of an option with a longer name starts on the next line."""


def epilog(example: str, page: str) -> str:
    """How the help page of a command ends.

    Args:
        example: a call, or several on lines of their own.
        page: the page of the documentation that is about the command, below `docs/`.
    """
    return f"{example}\n{page}"


def write_help(
    command: Command, ctx: Context, formatter: HelpFormatter, subcommands: Iterable[Command] = ()
) -> None:
    """Write the help page of a command: text, usage line, sections of parameters, an example.

    A parameter or subcommand is in the section that its `rich_help_panel` names.
    """
    formatter.write_text(_unbroken(inspect.cleandoc(command.help or "")))
    formatter.write_paragraph()
    formatter.write_usage(ctx.command_path, " ".join(command.collect_usage_pieces(ctx)))
    commands: dict[str, list[tuple[str, str]]] = {}
    for subcommand in subcommands:
        section = getattr(subcommand, "rich_help_panel", None) or "Commands"
        first_line = inspect.cleandoc(subcommand.help or "").partition("\n\n")[0]
        commands.setdefault(section, []).append((str(subcommand.name), first_line))
    params: dict[str, list[tuple[str, str]]] = {}
    for param in command.get_params(ctx):
        default_section = "Arguments" if _is_argument(param) else "Options"
        section = getattr(param, "rich_help_panel", None) or default_section
        params.setdefault(section, []).append((_names(param), _text(param)))
    _write_sections(formatter, commands)
    _write_sections(formatter, params)
    if command.epilog:
        *examples, page = command.epilog.split("\n")
        with formatter.section(_heading("Example" if len(examples) == 1 else "Examples")):
            for example in examples:
                formatter.write(_continued(example, formatter.width, formatter.current_indent))
        formatter.write(f"\nPage: docs/{page}\n")
    formatter.buffer[:] = [text.replace(_HYPHEN, "-") for text in formatter.buffer]


def _write_sections(formatter: HelpFormatter, sections: dict[str, list[tuple[str, str]]]) -> None:
    """Write names and texts in columns, which are the same in all sections."""
    names = [name for rows in sections.values() for name, _ in rows]
    width = max((len(name) for name in names if len(name) <= _MAX_NAME_WIDTH), default=0)
    for section, rows in sections.items():
        padded = [
            (coloured(name, CYAN, sys.stdout) + " " * (width - len(name)), _unbroken(text))
            for name, text in rows
        ]
        with formatter.section(_heading(section)):
            formatter.write_dl(padded, col_max=width)


def _continued(call: str, width: int, indent: int) -> str:
    """The call on lines that a shell reads as one."""
    lines = textwrap.wrap(call, width - indent - 4, break_long_words=False, break_on_hyphens=False)
    return " " * indent + f" \\\n{' ' * (indent + 2)}".join(lines) + "\n"


def _unbroken(text: str) -> str:
    """The text with hyphens of options at which no line is broken."""
    return re.sub(r"--[a-z-]+", lambda option: option[0].replace("-", _HYPHEN), text)


def _heading(text: str) -> str:
    return coloured(coloured(text, GREEN, sys.stdout), BOLD, sys.stdout)


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
    if getattr(param, "is_flag", False):  # no argument has that
        return f"default: {param.opts[0]}"
    value = param.default.value if isinstance(param.default, Enum) else param.default
    return f"default: {value}"
