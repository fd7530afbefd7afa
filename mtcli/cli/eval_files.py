"""Which files `mtcli eval` was given, and what is in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mtcli.cli.scored_texts import (
    STANDARD_INPUT,
    check_counts,
    name_of,
    read_texts,
    refuse_sharing_standard_input,
)
from mtcli.errors import ConfigError, DataError

HYP_OR_MODEL = "use `--hyp` to score a file, or `--model` and `--src` to translate and score"


@dataclass(frozen=True)
class EvalFiles:
    """Files and models, as the options name them."""

    hyp: Path | None
    model: Path | None
    src: Path | None
    refs: list[Path]
    baseline: Path | None = None
    documents: Path | None = None
    tgt_lang: str | None = None
    """Of a public test set; None if the files are the user's."""

    @property
    def models(self) -> list[Path]:
        """What translates the sources."""
        baseline = [self.baseline] if self.baseline and self.baseline.is_dir() else []
        return ([self.model] if self.model else []) + baseline

    def check(self, output: Path | None) -> None:
        """Raise ConfigError if it is not clear what is to be scored."""
        for name, value in (("--model", self.model), ("--output", output)):
            if self.hyp is not None and value is not None:
                raise ConfigError(f"`{name}` cannot be combined with `--hyp`", hint=HYP_OR_MODEL)
        if self.hyp is None and (self.model is None or self.src is None):
            raise ConfigError("there is nothing to score", hint=HYP_OR_MODEL)
        if not self.refs:
            raise ConfigError(
                "there is nothing to score against", hint="add `--ref FILE` or `--test-set NAME`"
            )
        if self.models and self.src is None:
            raise ConfigError(
                f"`--baseline {self.baseline}` is a model, and there is nothing to translate",
                hint="add `--src FILE`",
            )
        options = {"--hyp": self.hyp, "--src": self.src, "--baseline": self.baseline}
        refuse_sharing_standard_input(options | {"--documents": self.documents}, self.refs)

    def refuse_overwriting(self, option: str, output: Path | None) -> None:
        """Raise ConfigError if an output would replace what is read."""
        inputs = [("--hyp", self.hyp), ("--src", self.src), ("--baseline", self.baseline)]
        inputs += [("--documents", self.documents), *(("--ref", ref) for ref in self.refs)]
        for name, path in inputs:
            if path is None or path == STANDARD_INPUT or output is None or not output.exists():
                continue
            if path.exists() and output.samefile(path):
                raise ConfigError(
                    f"`{option}` {output} is also the file of `{name}`",
                    hint="give the output another name",
                )


@dataclass(frozen=True)
class EvalTexts:
    """The lines of the files; what models translate is not there yet."""

    hypotheses: list[str] | None
    baseline: list[str] | None
    sources: list[str] | None
    references: list[list[str]]
    documents: list[str] | None
    """The document of each line."""


def with_test_set(test_set: str | None, src: Path | None, refs: list[Path]) -> EvalFiles:
    """The sources and references that were given, or those of a public test set.

    Raises:
        ConfigError: both were given, or there is no such test set.
        DataError: its files cannot be fetched.
    """
    from mtcli.evaluation.public_sets import find_test_set

    if test_set is None:
        return EvalFiles(None, None, src, refs)
    for option, value in (("--src", src), ("--ref", refs)):
        if value:
            raise ConfigError(
                f"`{option}` cannot be combined with `--test-set`, which has its own text",
                hint="give one of them",
            )
    found = find_test_set(test_set)
    return EvalFiles(None, None, found.src, found.refs, tgt_lang=found.tgt_lang)


def read_files(files: EvalFiles) -> EvalTexts:
    """Read the lines, and see that each file has as many as the others.

    Raises:
        DataError: a file cannot be read, is empty, or has another number of lines.
    """
    references = [read_texts(ref, "--ref") for ref in files.refs]
    if not references[0]:
        raise DataError(f"{name_of(files.refs[0])} is empty: there is nothing to score against")

    def read(path: Path | None, option: str) -> list[str] | None:
        if path is None:
            return None
        lines = read_texts(path, option)
        check_counts(path, len(lines), files.refs, references)
        return lines

    documents = read(files.documents, "--documents")
    for number, document in enumerate(documents or [], start=1):
        if not document.strip():
            raise DataError(
                f"{name_of(files.documents or Path())}, line {number}: there is no document",
                hint="name the document of every line",
            )
    hypotheses, sources = read(files.hyp, "--hyp"), read(files.src, "--src")
    baseline = None if files.baseline in files.models else read(files.baseline, "--baseline")
    return EvalTexts(hypotheses, baseline, sources, references, documents)
