"""Options read without pydantic mean what Typer reads."""

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
    there: Annotated[Path | None, typer.Option(exists=True)] = None,
    many: Annotated[list[int] | None, typer.Option()] = None,
    paths: Annotated[list[Path] | None, typer.Option()] = None,
    flag: bool = False,
) -> None:
    typer.echo(repr((path, text, count, share, least, there, many, paths, flag)))


def plain_command():
    found = typer.main.get_command(app)
    read_plainly(found.params)
    return found


ARGUMENTS = [
    [],
    ["--path", "a/b", "--text", "x y", "--count", "-3", "--share", "0.25", "--flag"],
    ["--path", "", "--count", "0", "--share", "7"],
    ["--share", "1e-3"],
    ["--share", "nan"],
    ["--count", "3.0"],
    ["--count", " 3"],
    ["--count", "three"],
    ["--count", ""],
    ["--share", "half"],
    ["--least", "2"],
    ["--least", "4"],
    ["--there", "/no/such/path"],
    ["--many", "1", "--many", "2"],
    ["--many", "x"],
    ["--many", "1", "--many", " 2"],
    ["--paths", "a/b"],
    ["--paths", "a/b", "--paths", ""],
]


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=" ".join)
def test_values_and_errors_are_typers(arguments, capsys):
    outcomes = []
    for one in (typer.main.get_command(app), plain_command()):
        with pytest.raises(SystemExit) as end:
            one(args=arguments, prog_name="one")
        outcomes.append((end.value.code, capsys.readouterr()))
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][1].out or outcomes[0][1].err


def test_only_plain_ones_are_ours():
    params = plain_command().params
    ours = {param.name for param in params if isinstance(param._runtime_param, PlainParam)}
    assert {"path", "text", "count", "share", "flag"} <= ours
    assert not ours & {"least", "there"}


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
