"""How every command parses its options and prints its help page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

from mtcli.cli.help import usage_pieces, write_help
from mtcli.cli.plain_params import read_plainly
from mtcli.cli.usage import CallError, remember_arguments, with_option_names
from mtcli.errors import ExitCode, MtcliError

if TYPE_CHECKING:
    from typer._click import Context, HelpFormatter


class Command(TyperCommand):
    """A command of mtcli: `@app.command(cls=Command, epilog=epilog(EXAMPLE, PAGE))`."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Read options and arguments."""
        read_plainly(self.get_params(ctx))
        remember_arguments(ctx, args)
        try:
            return super().parse_args(ctx, args)
        except CallError as error:
            error.ctx = error.ctx or ctx  # Click's parser leaves it out where a value is missing
            raise

    def invoke(self, ctx: Context) -> Any:
        """Run the command; its errors name options as they were written."""
        try:
            return super().invoke(ctx)
        except MtcliError as error:
            raise with_option_names(error, self.get_params(ctx), ctx) from error.__cause__

    def collect_usage_pieces(self, ctx: Context) -> list[str]:
        """What follows the command's name in its usage line."""
        return usage_pieces(self.get_params(ctx))

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the help page."""
        write_help(self, ctx, formatter)


class Group(TyperGroup):
    """A command with commands of its own: `typer.Typer(cls=Group)`."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Read the group's own options; print the help page if not even a command follows."""
        if not args and not ctx.resilient_parsing:
            typer.echo(ctx.get_help(), err=True)
            ctx.exit(ExitCode.USER_ERROR)
        read_plainly(self.get_params(ctx))
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: Context) -> list[str]:
        """What follows the group's name in its usage line."""
        return [*usage_pieces(self.get_params(ctx)), "COMMAND"]

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the help page."""
        write_help(self, ctx, formatter, self.commands.values())
