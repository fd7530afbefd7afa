"""The texts that `mtcli eval` reads and writes: files, or standard input."""

from __future__ import annotations

from pathlib import Path

from mtcli.cli.streams import standard_input, stream_errors
from mtcli.errors import ConfigError, DataError
from mtcli.folders import why_refused

STANDARD_INPUT = Path("-")
SAME_LINES = "line N of one file must belong to line N of the other"


def read_texts(path: Path, option: str) -> list[str]:
    """Read the lines of a file, or of standard input.

    Raises:
        DataError: it cannot be read, or is not UTF-8.
    """
    from mtcli.data.lines import lines_of, read_file_lines
    from mtcli.system.stream_errors import naming_streams

    if path != STANDARD_INPUT:
        return list(read_file_lines(path))
    with stream_errors("reading standard input"), naming_streams():
        return list(lines_of(standard_input(f"give `{option} FILE`"), name_of(path)))


def name_of(path: Path) -> str:
    """What a file is called in messages."""
    return "standard input" if path == STANDARD_INPUT else str(path)


def refuse_sharing_standard_input(files: dict[str, Path | None], refs: list[Path]) -> None:
    """Raise ConfigError if two texts are to be read from standard input."""
    options = [option for option, path in files.items() if path == STANDARD_INPUT]
    options += ["--ref"] * refs.count(STANDARD_INPUT)
    if len(options) > 1:
        raise ConfigError(
            f"`{options[0]}` and `{options[1]}` cannot both be `-`, standard input",
            hint="give one of them a file",
        )


def check_counts(path: Path, num_lines: int, refs: list[Path], references: list[list[str]]) -> None:
    """Raise DataError if a file of references has another number of lines than `path`."""
    for ref, texts in zip(refs, references, strict=True):
        if num_lines != len(texts):
            raise DataError(
                f"{name_of(path)} has {num_lines} lines, but {name_of(ref)} has {len(texts)}",
                hint=SAME_LINES,
            )


def write_texts(path: Path, texts: list[str], what: str = "the translations") -> None:
    """Write one line for each text.

    Args:
        path: the file.
        texts: its lines.
        what: is written, in the plural.

    Raises:
        DataError: the file cannot be written.
    """
    from mtcli.system.packed_output import open_output

    try:
        with open_output(path) as file:
            file.write("".join(f"{text}\n" for text in texts).encode("utf-8"))
    except OSError as error:
        raise DataError(f"{path}: cannot write {what}: {why_refused(path, error)}") from error
