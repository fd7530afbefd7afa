"""The systems that `mtcli compare` was given: read, or translated with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from mtcli.cli.bars import progress_bar
from mtcli.cli.notes import note
from mtcli.cli.scored_texts import (
    check_counts,
    name_of,
    read_texts,
    refuse_sharing_standard_input,
)
from mtcli.cli.translate_report import note_fallbacks
from mtcli.errors import ConfigError, DataError, MtcliError

if TYPE_CHECKING:
    from mtcli.cli.eval_models import Search
    from mtcli.evaluation.buckets import Buckets
    from mtcli.evaluation.side_by_side import System
    from mtcli.translating.request import PreparedRequest


@dataclass(frozen=True)
class ComparedTexts:
    """What was given, and the lines of its files."""

    systems: list[Path]
    """At least two, each once."""
    outputs: Mapping[Path, list[str]]
    """Translations of the systems that are files."""
    sources: list[str]
    references: list[list[str]]
    src: Path
    refs: list[Path]
    train: list[Path]

    def refuse_overwriting(self, html: Path | None) -> None:
        """Raise ConfigError if the page would replace what is read."""
        for path in (*self.outputs, self.src, *self.refs, *self.train):
            is_there = html is not None and html.exists() and path.exists()
            if html is not None and is_there and html.samefile(path):
                raise ConfigError(
                    f"`--html` {html} is also a file that is read",
                    hint="give the page another name",
                )

    @property
    def models(self) -> list[Path]:
        """Systems that are folders."""
        return [path for path in self.systems if path not in self.outputs]


def read_compared(
    systems: list[Path], src: Path, refs: list[Path], train: list[Path]
) -> ComparedTexts:
    """Read the lines, and see that each file has as many as the others.

    Raises:
        ConfigError: fewer than two systems, or one twice.
        DataError: a file cannot be read, is empty, or has another number of lines.
    """
    _check_systems(systems)
    files = {f"system {number}": path for number, path in enumerate(systems, start=1)}
    refuse_sharing_standard_input({**files, "--src": src}, refs)
    references = [read_texts(ref, "--ref") for ref in refs]
    if not references[0]:
        raise DataError(f"{name_of(refs[0])} is empty: there is nothing to score against")

    def read(path: Path, option: str) -> list[str]:
        lines = read_texts(path, option)
        check_counts(path, len(lines), refs, references)
        return lines

    sources = read(src, "--src")
    outputs = {path: read(path, "A") for path in systems if not path.is_dir()}
    return ComparedTexts(systems, outputs, sources, references, src, refs, train)


def _check_systems(systems: Sequence[Path]) -> None:
    if len(systems) < 2:
        raise ConfigError(
            f"{name_of(systems[0])} has nothing to be compared with",
            hint="give at least two systems; `mtcli eval` scores one",
        )
    seen: dict[Path, Path] = {}
    for path in systems:
        if (place := path.resolve()) in seen:
            raise ConfigError(
                f"{seen[place]} and {path} are the same system", hint="give each system once"
            )
        seen[place] = path


def prepare_models(paths: Sequence[Path], search: Search) -> dict[Path, PreparedRequest]:
    """Find the models and see that they are whole, without torch.

    Raises:
        MtcliError: there is no such model, or it is damaged, or they translate into different
            languages.
    """
    from mtcli.workflows.compare import prepare_model

    models = {
        path: prepare_model(
            path,
            checkpoint=search.checkpoint,
            device=search.device,
            beam_size=search.beam_size,
            batch_size=search.batch_size,
        )
        for path in paths
    }
    languages = {path: model.bundles[0].card.tgt_lang for path, model in models.items()}
    for path, language in languages.items():
        if language != languages[paths[0]]:
            raise ConfigError(
                f"{paths[0]} translates into `{languages[paths[0]]}`, but {path} into `{language}`",
                hint="compare models of one language",
            )
    return models


def language_of_models(models: Mapping[Path, PreparedRequest]) -> str | None:
    """The language of the translations; None where there are only files."""
    return next((model.bundles[0].card.tgt_lang for model in models.values()), None)


def find_buckets(given: ComparedTexts) -> tuple[list[Buckets], str | None]:
    """The buckets, and which training text says what is rare, if there is one.

    Raises:
        DataError: a file of `--train` cannot be read.
    """
    from mtcli.evaluation.buckets import count_words, make_buckets

    name, texts = _training_text(given)
    counts = None
    if texts is not None:
        with progress_bar("counting words of the training text", "lines") as bar:
            counts = count_words(given.sources, bar.watch(texts))
    return make_buckets(given.sources, given.references[0], counts), name


def _training_text(given: ComparedTexts) -> tuple[str | None, Iterator[str] | None]:
    from mtcli.data.lines import read_file_lines
    from mtcli.workflows.compare import training_sources

    if given.train:
        name = ", ".join(map(str, given.train))
        return name, chain.from_iterable(map(read_file_lines, given.train))
    problem = "no system is a run whose training text is known"
    for path in given.models:
        try:
            texts = training_sources(path)
        except MtcliError as error:
            problem = f"of {path}: {error.sentence}"
            continue
        if texts is not None:
            return f"the training text of {path}", texts
    note(
        f"note: rare words and unseen word forms are left out: {problem}\n"
        "hint: give the source text of the training with `--train FILE`"
    )
    return None, None


def translate_all(given: ComparedTexts, models: Mapping[Path, PreparedRequest]) -> list[System]:
    """The systems with their translations; folders are translated with now."""
    from mtcli.evaluation.side_by_side import System
    from mtcli.workflows.compare import count_odd_outputs, translate

    systems = []
    for path in given.systems:
        hypotheses, num_truncated, cost = given.outputs.get(path), None, None
        if hypotheses is None:
            note(f"translating with {models[path].bundles[0].path}")
            with progress_bar("translating", "sentences") as bar:
                translated = translate(models[path], given.sources, bar.move)
            hypotheses, num_truncated = translated.hypotheses, translated.num_truncated
            cost = translated.cost
            note_fallbacks(translated.fallbacks)
        counts = count_odd_outputs(hypotheses, given.sources, given.references, num_truncated)
        systems.append(System(name_of(path), hypotheses, counts, cost))
    return systems
