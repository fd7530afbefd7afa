"""`mtcli tokenizer`: train a SentencePiece model, encode and decode lines of text with it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtcli.cli.command import Command, Group
from mtcli.cli.errors import user_errors
from mtcli.cli.streams import PIPE_OUTPUT, standard_input, standard_output
from mtcli.errors import TokenizerError

if TYPE_CHECKING:
    from mtcli.config.schema.root import TrainConfig
    from mtcli.tokenizer.report import TokenizerReport
    from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer

app = typer.Typer(cls=Group)

_REPORTED_PAIRS = 1000


class Side(StrEnum):
    """Of a folder that holds a tokenizer for each."""

    SRC = "src"
    TGT = "tgt"


ModelOption = Annotated[
    Path,
    typer.Option(
        "-m",
        "--model",
        metavar="MODEL",
        help="A SentencePiece model file, or the model folder or run folder that holds it.",
    ),
]
SideOption = Annotated[
    Side | None,
    typer.Option(help="Whose tokenizer, where the folder holds one for each side."),
]


@app.command(cls=Command)
def train(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="YAML training config.")],
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Set a key, as in tokenizer.vocab_size=4000; may be repeated.",
        ),
    ] = None,
    output_dir: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="Where tokenizer.model goes, or tokenizer.src.model and tokenizer.tgt.model.",
        ),
    ] = Path(),
) -> None:
    """Train the tokenizer of a config on its training text, and say what it does to that text.

    `mtcli train` does this by itself; use this command to look at a tokenizer first, or to share
    one between runs (`tokenizer.model: FILE`).
    """
    with user_errors():
        from mtcli.config.load import load_config

        for line in _train(load_config(config, overrides or ()), output_dir):
            print(line)


@app.command(cls=Command)
def encode(
    model: ModelOption,
    ids: Annotated[bool, typer.Option("--ids", help="Write ids, not pieces.")] = False,
    side: SideOption = None,
) -> None:
    """Read lines of text, write lines of pieces (or ids) with spaces between."""
    with user_errors():
        tokenizer = _load(model, side)
        if ids:
            _answer_lines(lambda text: " ".join(map(str, tokenizer.encode(text))))
        else:
            _answer_lines(lambda text: " ".join(tokenizer.encode_pieces(text)))


@app.command(cls=Command)
def decode(
    model: ModelOption,
    ids: Annotated[bool, typer.Option("--ids", help="Read ids, not pieces.")] = False,
    side: SideOption = None,
) -> None:
    """Read lines of pieces (or ids) with spaces between, write lines of text."""
    with user_errors():
        tokenizer = _load(model, side)
        parse = _parse_id if ids else _parse_piece

        def answer(line: str) -> str:
            parts = [part for part in line.split(" ") if part]
            text = tokenizer.decode([parse(tokenizer, part) for part in parts])
            return text.replace("\n", " ")  # a byte piece can spell it, and it would end the line

        _answer_lines(answer)


def _train(config: TrainConfig, output_dir: Path) -> Iterator[str]:
    """Train, and give the lines to print."""
    from itertools import islice

    from mtcli.data.sources import read_pairs
    from mtcli.tokenizer.report import report
    from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer
    from mtcli.tokenizer.train import SHARED_MODEL, SRC_MODEL, TGT_MODEL, train_tokenizers

    given = config.tokenizer.model or config.tokenizer.src_model
    if given is not None:
        raise TokenizerError(
            f"the config names a trained tokenizer, {given}, so there is nothing to train; "
            "remove its key or set it to null"
        )
    for name in (SHARED_MODEL,) if config.tokenizer.shared else (SRC_MODEL, TGT_MODEL):
        if (output_dir / name).exists():
            raise TokenizerError(
                f"{output_dir / name} exists already; remove it or choose another --output-dir"
            )
    try:
        output_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TokenizerError(
            f"{output_dir}: cannot make the folder: {error.strerror or error}"
        ) from error

    def read() -> Iterable[tuple[str, str]]:
        return read_pairs(config.data.train)

    paths = train_tokenizers(read, config.tokenizer, seed=config.seed, folder=output_dir)
    tokenizers = {name: SentencePieceTokenizer(path) for name, path in paths.items()}
    for name, tokenizer in tokenizers.items():
        yield f"{paths[name]}: {tokenizer.vocab_size} pieces ({config.tokenizer.algorithm})"
    src_texts, tgt_texts = zip(*islice(read(), _REPORTED_PAIRS), strict=True)
    for side, lang, texts in (
        (SRC_MODEL, config.src_lang, src_texts),
        (TGT_MODEL, config.tgt_lang, tgt_texts),
    ):
        tokenizer = tokenizers.get(side) or tokenizers[SHARED_MODEL]
        yield from _describe(lang, report(tokenizer, texts))


def _describe(lang: str, numbers: TokenizerReport) -> Iterator[str]:
    yield (
        f"{lang}, first {numbers.num_sentences} sentences: "
        f"{numbers.pieces_per_word:.2f} pieces per word, {numbers.unknown_rate:.2%} unknown, "
        f"{numbers.byte_rate:.2%} bytes, {numbers.num_failures} do not come back"
    )
    for failure in numbers.failures:
        yield f"  {failure.sentence}: {failure.normalized!r} comes back as {failure.decoded!r}"


def _load(path: Path, side: Side | None) -> SentencePieceTokenizer:
    """The tokenizer of a model file, of a folder of such files, or of a run's best model."""
    from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer

    if path.is_dir():
        path = _find_model(path, side)
    return SentencePieceTokenizer(path)


def _find_model(folder: Path, side: Side | None) -> Path:
    from mtcli.runs.resolve import resolve_model
    from mtcli.tokenizer.train import SHARED_MODEL, SRC_MODEL, TGT_MODEL

    names = {Side.SRC: SRC_MODEL, Side.TGT: TGT_MODEL}
    if not any((folder / name).is_file() for name in (SHARED_MODEL, *names.values())):
        folder = resolve_model(folder)
    if (folder / SHARED_MODEL).is_file():
        return folder / SHARED_MODEL
    if side is None:
        raise TokenizerError(
            f"{folder} holds a tokenizer for each side; add --side src or --side tgt"
        )
    return folder / names[side]


def _parse_id(tokenizer: SentencePieceTokenizer, text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) < tokenizer.vocab_size:
        return int(text)
    raise TokenizerError(
        f"{text!r} is no id of {tokenizer.path}, whose ids are 0 to {tokenizer.vocab_size - 1}"
    )


def _parse_piece(tokenizer: SentencePieceTokenizer, text: str) -> int:
    piece_id = tokenizer.piece_to_id(text)
    if tokenizer.id_to_piece(piece_id) == text:
        return piece_id
    raise TokenizerError(f"{text!r} is no piece of {tokenizer.path}; for ids add --ids")


def _answer_lines(answer: Callable[[str], str]) -> None:
    """Write one line for each line of standard input, as soon as it is read."""
    invalid: list[int] = []
    output = standard_output(PIPE_OUTPUT)
    for number, raw in enumerate(standard_input("pipe text into the command"), start=1):
        content = raw.removesuffix(b"\n")
        if raw != content:
            content = content.removesuffix(b"\r")
        text = content.decode("utf-8", "replace")
        if text.encode("utf-8") != content:
            invalid.append(number)
        try:
            line = answer(text)
        except TokenizerError as error:
            raise TokenizerError(f"standard input, line {number}: {error}") from None
        output.write(line.encode("utf-8") + b"\n")
        output.flush()
    if invalid:
        lines = "1 line" if len(invalid) == 1 else f"{len(invalid)} lines"
        print(
            f"warning: {lines} held bytes that are not UTF-8; they were replaced by U+FFFD "
            f"(first in line {invalid[0]})",
            file=sys.stderr,
        )
