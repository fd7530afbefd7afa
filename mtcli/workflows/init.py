"""Write a first config for a user's files, after a look at them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any

from mtcli.config.describe import json_schema
from mtcli.config.kinds import kind_of_name
from mtcli.config.load import load_config
from mtcli.config.schema.data import DelimitedSource, Source, SpreadsheetSource
from mtcli.data.delimited import find_layout
from mtcli.data.lines import read_file_lines
from mtcli.data.sources import check_files
from mtcli.errors import ConfigError, DataError
from mtcli.folders import write_text_atomically

SCHEMA = "mtcli.schema.json"
"""Written beside the config, so that editors complete and check its keys."""


_CONFIG = """\
# yaml-language-server: $schema={schema}
# Keys that are not here have defaults: `mtcli config template` shows all of them.
preset: auto    # chooses model and training by your pairs; `mtcli config show {name}` says why
{head}
{data}
  # Without `valid`, some training pairs are held out for validation. To use files of your own:
  # valid:
  #   - {{src: valid.{src_lang}, tgt: valid.{tgt_lang}}}
"""


@dataclass(frozen=True)
class Answers:
    """What a user says of the data."""

    files: tuple[Path, ...]
    """The file of each side, source first; or one file with both."""
    src_lang: str
    tgt_lang: str


@dataclass(frozen=True)
class Written:
    """What was written."""

    config: Path
    notes: tuple[str, ...]
    """What the user should know of how the files are read."""


def has_both_sides(path: Path) -> bool:
    """Whether the name of a file says that it holds both sides."""
    return kind_of_name(path.name) is not None


def write_config(answers: Answers, path: Path) -> Written:
    """Look at the files, and write a config that reads them, with a schema for editors.

    Args:
        answers: the files and languages.
        path: the config to write.

    Raises:
        ConfigError: `path` exists, or a language is not valid.
        DataError: the files cannot be used: one is missing, or is not what its name says.
        RunFolderError: the config cannot be written.
    """
    if path.exists():
        raise ConfigError(
            f"{path} already exists; nothing was written",
            hint="give another name with `--output`, or move it away",
        )
    text = _config_text(answers, path)
    config = load_config(text)
    notes = tuple(_look(config.data.train))
    schema = path.parent / SCHEMA
    if not schema.exists():
        write_text_atomically(schema, json_schema())
    write_text_atomically(path, text)
    return Written(path, notes)


def _look(sources: Sequence[Source]) -> Iterator[str]:
    """Read the first pairs, so that a mistake shows now; yields what there is to know of them."""
    from mtcli.data.looking import look_at
    from mtcli.data.sources import read_pairs

    check_files(sources)
    yield from look_at(sources)
    for _ in islice(read_pairs(sources), 1000):
        pass


def _config_text(answers: Answers, path: Path) -> str:
    head = {
        "src_lang": answers.src_lang,
        "tgt_lang": answers.tgt_lang,
        "run_dir": f"runs/{path.stem}",
    }
    return _CONFIG.format(
        schema=SCHEMA,
        name=path.name,
        head=_yaml(head),
        data=_yaml({"data": {"train": [_source(answers)]}}),
        src_lang=answers.src_lang,
        tgt_lang=answers.tgt_lang,
    )


def _yaml(values: Mapping[str, Any]) -> str:
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt", pure=True)
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 2**31
    stream = StringIO()
    yaml.dump(dict(values), stream)
    return stream.getvalue().rstrip("\n")


def _source(answers: Answers) -> dict[str, Any]:
    """The source of the config that reads the files."""
    if len(answers.files) == 2:
        src, tgt = answers.files
        return {"src": str(src), "tgt": str(tgt)}
    (path,) = answers.files
    kind = kind_of_name(path.name)
    if kind in (None, "parquet", "arrow"):
        raise DataError(
            f"`mtcli init` cannot tell where the sides of {path} are",
            hint="give the other side with `--tgt`, or one file whose name ends in .tsv, .csv,"
            " .tmx, .xlsx or .jsonl",
        )
    source: dict[str, Any] = {"kind": kind, "path": str(path)}
    if kind == "jsonl":
        return source | _json_keys(path, answers)
    if kind != "tmx":
        return source | _columns(path, kind, answers)
    return source


def _columns(path: Path, kind: str, answers: Answers) -> dict[str, Any]:
    """Columns by name where the header names the languages, else the first two."""
    names = _header(path, kind)
    wanted = (answers.src_lang, answers.tgt_lang)
    found = [_named_after(language, names) for language in wanted]
    if None not in found:
        return {"src_column": found[0], "tgt_column": found[1]}
    return {"src_column": 0, "tgt_column": 1}


def _header(path: Path, kind: str) -> Sequence[str]:
    """The fields of the first row."""
    if kind == "xlsx":
        from mtcli.data.spreadsheets import header_of

        return header_of(SpreadsheetSource(kind="xlsx", path=path))
    source = DelimitedSource(kind="tsv" if kind == "tsv" else "csv", path=path)
    return find_layout(source).columns.names


def _named_after(language: str, names: Sequence[str]) -> str | None:
    """The one name that is a language's tag, or begins with it (`en`, `en-US`, `en_text`)."""
    tag = language.lower().partition("-")[0]
    exact = [name for name in names if name.lower() == language.lower()]
    close = [name for name in names if name.lower().replace("_", "-").partition("-")[0] == tag]
    for candidates in (exact, close):
        if len(candidates) == 1:
            return candidates[0]
    return None


def _json_keys(path: Path, answers: Answers) -> dict[str, str]:
    """The keys of both texts: named after the languages, or the only two that hold text."""
    record = _first_record(path)
    nested = record.get("translation")
    if isinstance(nested, dict):
        record = {f"translation.{key}": value for key, value in nested.items()}
    texts = [key for key in record if isinstance(record[key], str)]
    last = {key.rpartition(".")[2]: key for key in texts}
    found = [_named_after(lang, list(last)) for lang in (answers.src_lang, answers.tgt_lang)]
    for pair in ([last.get(name or "") for name in found], [last.get("src"), last.get("tgt")],
                 [last.get("source"), last.get("target")]):  # fmt: skip
        if None not in pair:
            return {"src_field": str(pair[0]), "tgt_field": str(pair[1])}
    raise DataError(
        f"{path}: no keys of its objects are named after {answers.src_lang} and"
        f" {answers.tgt_lang} (found {', '.join(f'`{key}`' for key in texts) or 'no texts'})",
        hint="write the config yourself, with `src_field` and `tgt_field`; see `mtcli config"
        " template`",
    )


def _first_record(path: Path) -> dict[str, Any]:
    for line in read_file_lines(path):
        if line.strip():
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                break
            if isinstance(record, dict):
                return record
            break
    raise DataError(
        f"{path} does not hold JSON lines",
        hint="write one JSON object on each line, or convert the file to TSV",
    )
