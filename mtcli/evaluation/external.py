"""Metrics that another program computes: COMET, and any command that prints a number a line."""

from __future__ import annotations

import json
import math
import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mtcli.config.metric_names import COMET, comet_model, command_of, shown_metric
from mtcli.errors import ConfigError, DataError
from mtcli.evaluation.measured import Measured, Texts
from mtcli.evaluation.own_signature import own_signature
from mtcli.evaluation.score_cache import cache_key, cached_scores, keep_scores
from mtcli.evaluation.short_outputs import share_of_lines
from mtcli.system.temporary import temporary_folder

VARIABLE = "MTCLI_COMET"
"""Names the program that computes COMET, perhaps with options."""
_PROGRAMS = ("comet-score", "pymarian-eval")
_LONGEST_COMPLAINT = 300
"""Characters of what a program says about its failure."""


@dataclass(frozen=True)
class _Program:
    """What computes COMET."""

    words: list[str]
    """Path and options."""

    @property
    def is_marian(self) -> bool:
        return any("pymarian" in Path(word).name for word in self.words)


def check_program(name: str) -> None:
    """See that the program of a metric is there, before there is anything to score.

    Args:
        name: of any metric; most need no program.

    Raises:
        ConfigError: it is not.
    """
    if comet_model(name) is not None:
        _comet_program()
    elif command := command_of(name):
        _command_words(command)


def count_comet(texts: Texts, model: str) -> Measured:
    """COMET by `comet-score` or `pymarian-eval`, on the program's own scale; more is better.

    It is run in a process of its own, because its dependencies do not go with ours. Of several
    references the first counts, as COMET takes one. What was scored before is not scored again.

    Source: Rei et al. 2020.

    Args:
        texts: what is scored, with its sources.
        model: name or path of a checkpoint; empty for the program's default.

    Raises:
        ConfigError: there is no such program, or no sources.
        DataError: the program fails, or prints something else than a score for each line.
    """
    if texts.sources is None:
        raise ConfigError("`comet` needs the sources of the translations", hint="add `--src FILE`")
    program = _comet_program()
    sides = [_as_lines(side) for side in (texts.sources, texts.hypotheses, texts.references[0])]
    key = cache_key([_identity(program), model, *("\n".join(side) for side in sides)])
    values = cached_scores(key, len(texts.hypotheses))
    if values is None:
        with temporary_folder(prefix="mtcli-comet-") as folder:
            values = _run_comet(program, model, sides, folder)
        keep_scores(key, values)
    used = Texts(texts.hypotheses, texts.references[:1])
    settings = {"program": Path(program.words[0]).name, "model": model or "default"}
    name = shown_metric(f"{COMET}:{model}" if model else COMET)
    return share_of_lines(name, values, own_signature(used, **settings), (None, None))


def count_by_command(texts: Texts, name: str) -> Measured:
    """The mean of the numbers that a command prints; more is better.

    On its standard input are lines of source, hypothesis and references with tabs between; without
    sources the first field is empty. It must print a number for each line.

    Args:
        texts: what is scored.
        name: `command:` and the command, which is run without a shell.

    Raises:
        ConfigError: there is no such program.
        DataError: it fails, or prints something else than a number for each line.
    """
    words = _command_words(command_of(name))
    sources = texts.sources or [""] * len(texts.hypotheses)
    sides = [_as_lines(side) for side in (sources, texts.hypotheses, *texts.references)]
    text = "".join("\t".join(fields) + "\n" for fields in zip(*sides, strict=True))
    printed = _run(words, text)
    values = _numbers(words[0], printed.split("\n"), len(texts.hypotheses))
    return share_of_lines(name, values, own_signature(texts, command=words[0]), (None, None))


def _comet_program() -> _Program:
    named = os.environ.get(VARIABLE, "")
    if named:
        words = shlex.split(named)
        if shutil.which(words[0]) is None:
            raise ConfigError(
                f"`{VARIABLE}` names `{words[0]}`, and there is no such program",
                hint="give the path of `comet-score` or `pymarian-eval`",
            )
        return _Program([str(shutil.which(words[0])), *words[1:]])
    for name in _PROGRAMS:
        if path := shutil.which(name):
            return _Program([path])
    raise ConfigError(
        "the metric `comet` needs `comet-score` or `pymarian-eval`, and neither is installed",
        hint=f"install one in an environment of its own, and set `{VARIABLE}` to its path",
    )


def _command_words(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ConfigError(
            f"`command:{command}` is not a command: {error}", hint="close the quotation marks"
        ) from None
    if not words or shutil.which(words[0]) is None:
        raise ConfigError(
            f"`command:{command}` cannot be run: there is no program `{' '.join(words[:1])}`",
            hint="give the path of a program; the command is run without a shell",
        )
    return words


def _run_comet(
    program: _Program, model: str, sides: Sequence[list[str]], folder: Path
) -> list[float]:
    """Scores of the lines of sources, hypotheses and references."""
    arguments = []
    for option, lines in zip("str", sides, strict=True):
        path = folder / option
        path.write_text("".join(f"{line}\n" for line in lines), "utf-8", newline="\n")
        arguments += [f"-{option}", str(path)]
    result = folder / "scores"
    if program.is_marian:
        arguments += ["-a", "skip", "-o", str(result), *(["-m", model] if model else [])]
    else:
        arguments += ["--quiet", "--to_json", str(result), *(["--model", model] if model else [])]
        if "--gpus" not in program.words and shutil.which("nvidia-smi") is None:
            arguments += ["--gpus", "0"]  # its default is one, which it then looks for in vain
    _run([*program.words, *arguments], "")
    try:
        text = result.read_text("utf-8")
        if not program.is_marian:
            (segments,) = json.loads(text).values()
            text = "\n".join(str(segment["COMET"]) for segment in segments)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{program.words[0]} wrote no scores that can be read: {type(error).__name__} {error}",
            hint="see that it is a version of `comet-score` or `pymarian-eval`",
        ) from error
    return _numbers(program.words[0], text.split("\n"), len(sides[0]))


def _run(words: Sequence[str], text: str) -> str:
    """What a program prints, given a text."""
    try:
        done = subprocess.run(
            list(words), input=text.encode("utf-8"), capture_output=True, check=False
        )
    except OSError as error:
        raise ConfigError(f"`{words[0]}` cannot be run: {error.strerror or error}") from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().split("\n")[-1]
        raise DataError(
            f"`{shlex.join(words[:3])}` failed with exit code {done.returncode}"
            + (f": {said[-_LONGEST_COMPLAINT:]}" if said else ""),
            hint="run the command by hand to see all that it says",
        )
    return done.stdout.decode("utf-8", "replace")


def _numbers(program: str, lines: Sequence[str], expected: int) -> list[float]:
    """The number of each line; blank lines at the end do not count."""
    filled = "\n".join(lines).rstrip().split("\n") if any(map(str.strip, lines)) else []
    values = []
    for number, line in enumerate(filled, start=1):
        try:
            # pymarian-eval may put the text beside the score
            value = float(line.split("\t")[0])
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise DataError(
                f"`{program}` printed `{line[:60]}` in line {number}, which is not a number",
                hint="print one finite number for each line of the input, and nothing else",
            )
        values.append(value)
    if len(values) != expected:
        raise DataError(
            f"`{program}` printed {len(values)} numbers for {expected} lines",
            hint="print one finite number for each line of the input, and nothing else",
        )
    return values


def _as_lines(texts: Sequence[str]) -> list[str]:
    """Texts without what would end a line or a field."""
    return [" ".join(text.replace("\t", " ").splitlines()) for text in texts]


def _identity(program: _Program) -> str:
    """What a program is, so that another version of it scores again."""
    path = Path(program.words[0]).resolve()
    return json.dumps([str(path), path.stat().st_mtime_ns, *program.words[1:]])
