"""`mtcli tokenizer`: train a SentencePiece model, encode and decode lines of text with it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtcli.cli.bars import progress_bar
from mtcli.cli.command import Command, Group
from mtcli.cli.help import epilog
from mtcli.cli.notes import counted, note, note_invalid
from mtcli.cli.options import ConfigArgument, OverridesOption
from mtcli.cli.streams import PIPE_OUTPUT, standard_input, standard_output
from mtcli.errors import TokenizerError

if TYPE_CHECKING:
    from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer

app = typer.Typer(
    cls=Group,
    epilog=epilog("mtcli tokenizer encode -m runs/demo < input.en", "guides/tokenizer.md"),
)


class Side(StrEnum):
    """A side of a folder that has a tokenizer for each."""

    SRC = "src"
    TGT = "tgt"


ModelOption = Annotated[
    Path,
    typer.Option(
        "-m",
        "--model",
        metavar="MODEL",
        help="SentencePiece model file, or a model folder or run folder that has one.",
    ),
]
SideOption = Annotated[
    Side | None,
    typer.Option(help="Side whose tokenizer and normalization to use: `src` or `tgt`."),
]


@app.command(
    cls=Command,
    epilog=epilog(
        "mtcli tokenizer train configs/demo.yaml --output-dir tokenizer", "guides/tokenizer.md"
    ),
)
def train(
    config: ConfigArgument,
    overrides: OverridesOption = None,
    output_dir: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Folder to write `tokenizer.model` to."),
    ] = Path(),
) -> None:
    """Train the tokenizer of a config on its training text, and report how it encodes that text.

    `mtcli train` does this by itself. Use this command to look at a tokenizer first, or to share
    one between runs (`tokenizer.model: FILE`). With `tokenizer.shared: false` it writes
    `tokenizer.src.model` and `tokenizer.tgt.model`.
    """
    from mtcli.config.load import load_config
    from mtcli.workflows.tokenizer import train_and_describe

    with progress_bar("training the tokenizer", "pairs read") as bar:
        lines = list(
            train_and_describe(load_config(config, overrides or ()), output_dir, bar.watch)
        )
    for line in lines:
        print(line)


@app.command(
    cls=Command,
    epilog=epilog("mtcli tokenizer encode -m runs/demo < input.en", "guides/tokenizer.md"),
)
def encode(
    model: ModelOption,
    ids: Annotated[bool, typer.Option("--ids", help="Write ids instead of pieces.")] = False,
    side: SideOption = None,
) -> None:
    """Read lines of text, write lines of pieces or ids, separated by spaces.

    Text is normalized as in training. If one tokenizer serves both sides, it is encoded as target
    text unless `--side src` is given.
    """
    from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer

    tokenizer = _load(model, side)
    as_src = SentencePieceTokenizer(tokenizer.path, side="src", model=tokenizer.model)
    differing: dict[str, int] = {}  # an example, and how many lines there are

    def answer(text: str) -> str:
        if side is None and as_src.normalize(text) != tokenizer.normalize(text):
            example = next(iter(differing), text)
            differing[example] = differing.get(example, 0) + 1
        return " ".join(map(str, tokenizer.encode(text)) if ids else tokenizer.encode_pieces(text))

    _answer_lines(answer, "encoding")
    for example, number in differing.items():
        note(
            f"warning: {counted(number, 'line')} would be normalized differently as source"
            f" text, such as {example[:60]!r}\nhint: use `--side src` to encode source text"
        )


@app.command(
    cls=Command,
    epilog=epilog("mtcli tokenizer decode -m runs/demo < pieces.de", "guides/tokenizer.md"),
)
def decode(
    model: ModelOption,
    ids: Annotated[bool, typer.Option("--ids", help="Read ids instead of pieces.")] = False,
    side: SideOption = None,
) -> None:
    """Read lines of pieces or ids, separated by spaces, write lines of text."""
    from mtcli.tokenizer.parsing import parse_id, parse_piece

    tokenizer = _load(model, side)
    parse = parse_id if ids else parse_piece

    def answer(line: str) -> str:
        parts = [part for part in line.split(" ") if part]
        text = tokenizer.decode([parse(tokenizer, part) for part in parts])
        return text.replace("\n", " ")  # a byte piece can be a line feed, which would end the line

    _answer_lines(answer, "decoding")


def _load(path: Path, side: Side | None) -> SentencePieceTokenizer:
    """The tokenizer of a model file, of a folder of such files, or of a run's best model."""
    from mtcli.workflows.tokenizer import open_tokenizer

    return open_tokenizer(path, None if side is None else side.value)


def _answer_lines(answer: Callable[[str], str], label: str) -> None:
    """Write one line for each line of standard input, as soon as it is read."""
    from mtcli.streaming.lines import decode_line
    from mtcli.system.raw_lines import raw_lines

    num_invalid = 0
    output, source = standard_output(PIPE_OUTPUT), standard_input("pipe text into the command")
    # lines on a terminal, typed or answered, say themselves how far it is
    has_bar = not (source.isatty() or sys.stdout.isatty())
    with progress_bar(label, "lines", is_wanted=has_bar) as bar:
        lines = raw_lines(source, "standard input")
        for number, raw in enumerate(bar.watch(lines), start=1):
            text, _, is_valid = decode_line(raw)
            num_invalid += not is_valid
            try:
                line = answer(text)
            except TokenizerError as error:
                raise TokenizerError(
                    f"standard input, line {number}: {error.sentence}", hint=error.hint
                ) from error
            output.write(line.encode("utf-8") + b"\n")
            output.flush()
    note_invalid(num_invalid, "line")
