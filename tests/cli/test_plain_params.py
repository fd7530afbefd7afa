"""Options read without pydantic have the values that Typer would give them."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import pytest
import typer

from mtcli.cli.plain_params import PlainParam, read_plainly

app = typer.Typer()


@app.command()
def command(
    path: Annotated[Path | None, typer.Option()] = None,
    text: str = "t",
    count: Annotated[int | None, typer.Option()] = None,
    share: float = 0.5,
    least: Annotated[int, typer.Option(min=3)] = 3,
    between: Annotated[float, typer.Option(min=0, max=1)] = 0.5,
    there: Annotated[Path | None, typer.Option(exists=True)] = None,
    many: Annotated[list[int] | None, typer.Option()] = None,
    paths: Annotated[list[Path] | None, typer.Option()] = None,
    flag: bool = False,
) -> None:
    typer.echo(repr((path, text, count, share, least, between, there, many, paths, flag)))


def plain_command():
    command = typer.main.get_command(app)
    read_plainly(command.params)
    return command


def outcome_of(command, arguments, capsys):
    with pytest.raises(SystemExit) as end:
        command(args=arguments, prog_name="one")
    return end.value.code, capsys.readouterr()


GOOD = [
    [],
    ["--path", "a/b", "--text", "x y", "--count", "-3", "--share", "0.25", "--flag"],
    ["--path", "", "--count", "0", "--share", "7"],
    ["--share", "1e-3"],
    ["--share", "nan"],
    ["--count", "3.0"],
    ["--count", " 3"],
    ["--least", "4"],
    ["--between", "1"],
    ["--many", "1", "--many", "2"],
    ["--many", "1", "--many", " 2"],
    ["--paths", "a/b"],
    ["--paths", "a/b", "--paths", ""],
]


@pytest.mark.parametrize("arguments", GOOD, ids=" ".join)
def test_values_are_typers(arguments, capsys):
    typers = outcome_of(typer.main.get_command(app), arguments, capsys)
    assert typers == outcome_of(plain_command(), arguments, capsys)
    assert (typers[0], bool(typers[1].out)) == (0, True)


BAD = [
    (["--count", "three"], "must be a whole number, found `three`"),
    (["--count", "3.5"], "must be a whole number, found `3.5`"),
    (["--count", ""], "must be a whole number, found ``"),
    (["--share", "half"], "must be a number, found `half`"),
    (["--least", "2"], "must be a whole number, at least 3, found `2`"),
    (["--between", "1.5"], "must be a number, at least 0 and at most 1, found `1.5`"),
    (["--many", "1", "--many", "x"], "must be a whole number, found `1`, `x`"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_what_typer_refuses_is_refused_in_plain_words(arguments, message, capsys):
    assert outcome_of(typer.main.get_command(app), arguments, capsys)[0] == 2
    with pytest.raises(typer.BadParameter) as error:
        plain_command()(args=arguments, prog_name="one", standalone_mode=False)
    assert error.value.message == message
    assert error.value.param.opts == [arguments[0]]


def test_a_path_that_typer_checks_is_left_to_it(capsys):
    arguments = ["--there", "/no/such/path"]
    typers = outcome_of(typer.main.get_command(app), arguments, capsys)
    assert typers == outcome_of(plain_command(), arguments, capsys)
    assert typers[0] == 2


def test_only_plain_ones_are_ours():
    params = plain_command().params
    ours = {param.name for param in params if isinstance(param._runtime_param, PlainParam)}
    every = {param.name for param in params}
    assert every - ours == {"there"}


def test_a_typer_that_reads_otherwise_is_left_alone():
    class Foreign:
        name = "x"

    param = Foreign()
    read_plainly([param])
    assert vars(param) == {}


def test_translate_parses_without_pydantic(tmp_path):
    script = (
        "import sys; from mtcli.cli.app import main\n"
        f"sys.argv = ['mtcli', 'translate', '-m', {str(tmp_path / 'none')!r}, '--beam-size', '2']\n"
        "try: main()\n"
        "except SystemExit as e: print(e.code, 'pydantic' in sys.modules)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert shown.stdout == "2 False\n"
