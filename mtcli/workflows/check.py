"""Test the behaviour of a model: choose sentences, make cases of them, translate and judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from mtcli.bundle.card import ModelCard
from mtcli.config.languages import language_of
from mtcli.config.load import load_config
from mtcli.data.holdout import hold_out, read_validation
from mtcli.errors import ConfigError, DataError, MtcliError
from mtcli.evaluation.behaviour.case import Case, Judge
from mtcli.evaluation.behaviour.language import language_judge
from mtcli.evaluation.behaviour.suite import LANGUAGE, NAMES, OWN_CASES, checks_for, make_cases
from mtcli.runs.folder import RunFolder

_SENTENCES = resources.files("mtcli.workflows") / "check_files" / "english.txt"
MOST_LINES = 100_000
"""Lines of a corpus that are used; cases are made of a few hundred."""

GIVE_SRC = "give sentences of the source language with `--src FILE`"


@dataclass(frozen=True)
class Selection:
    """Which checks are made, and of how many cases."""

    names: tuple[str, ...]
    """In any order; `cases` are the user's own."""
    is_explicit: bool
    """Whether the user named them, so that none may be left out."""
    most: int
    """Cases of a check."""

    @property
    def needs_sentences(self) -> bool:
        """Whether any check is made from sentences."""
        return self.names != (OWN_CASES,)

    @property
    def has_own_cases(self) -> bool:
        """Whether the user's own cases are among the checks."""
        return OWN_CASES in self.names


def select_checks(
    only: Sequence[str], skip: Sequence[str], most: int, *, has_own_cases: bool
) -> Selection:
    """The checks that the user wants.

    Raises:
        ConfigError: a name is unknown, nothing is left, or `cases` is wanted and there are none.
    """
    known = (*NAMES, OWN_CASES)
    for name in (*only, *skip):
        if name not in known:
            raise ConfigError(
                f"`{name}` is not a check", hint="use one of " + ", ".join(f"`{n}`" for n in known)
            )
    if OWN_CASES in only and not has_own_cases:
        raise ConfigError("the check `cases` needs your own cases", hint="add `--cases FILE`")
    there = known if has_own_cases else NAMES
    names = tuple(name for name in there if name in (only or known) and name not in skip)
    if not names:
        raise ConfigError("no check is left", hint="remove a `--skip`, or name more with `--only`")
    return Selection(names, bool(only), most)


def built_in_cases(
    card: ModelCard,
    sentences: Sequence[str],
    selection: Selection,
    warn: Callable[[MtcliError], None],
) -> list[Case]:
    """The cases of the built-in checks.

    Args:
        card: says the languages of the model.
        sentences: in its source language.
        selection: the checks.
        warn: told why a check is omitted that the user did not name.

    Raises:
        ConfigError: a check that the user named cannot be made.
        DataError: there are no sentences.
    """
    if not any(sentence.strip() for sentence in sentences):
        raise DataError("there are no sentences to make cases of", hint=GIVE_SRC)
    meaningful = checks_for(card.src_lang, card.tgt_lang)
    names = [name for name in selection.names if name in meaningful or selection.is_explicit]
    judge = _language_judge(card.tgt_lang, selection, warn) if LANGUAGE in names else None
    cases = make_cases(sentences, names, selection.most, judge)
    if not cases:
        raise DataError("no case could be made of the sentences", hint=GIVE_SRC)
    return cases


def sentences_for(bundle: Path, card: ModelCard) -> list[str]:
    """The sentences that cases are made of if the user gives none.

    They are those that the run validates on whose folder the model is in; of a model folder that
    stands alone, English ones of ours.

    Args:
        bundle: the model folder.
        card: of that folder.

    Raises:
        DataError: what the run validates on cannot be read.
        ConfigError: the model is not in a run, and does not translate from English.
    """
    run = _run_of(bundle)
    if run is not None:
        return _validation_sources(run)
    if language_of(card.src_lang) != "en":
        raise ConfigError(
            f"{bundle} is not in a run folder, and translates from `{card.src_lang}`; mtcli has"
            " sentences of its own in English only",
            hint=GIVE_SRC,
        )
    return _SENTENCES.read_text(encoding="utf-8").splitlines()


def _run_of(bundle: Path) -> RunFolder | None:
    """The run that a model folder is in; None of one that stands alone."""
    path = bundle.resolve()
    for folder in list(path.parents)[:3]:  # RUN/best, RUN/models/STEP, RUN/stopped/models/STEP
        run = RunFolder(folder)
        if run.config.is_file() and path in (run.best, *run.all_models().values()):
            return run
    return None


def _validation_sources(run: RunFolder) -> list[str]:
    from mtcli.training.corpus_reports import hold_out_rule

    try:
        config = load_config(run.config)
        assert config.data.cache_dir is not None  # load_config fills it in
        held_out = hold_out(config.data, config.seed, config.data.cache_dir, hold_out_rule(run))
        return [src for src, _ in read_validation(config.data, held_out)[:MOST_LINES]]
    except (DataError, ConfigError) as error:
        raise DataError(
            f"the sentences that {run.path} validates on cannot be read: {error.sentence}",
            hint=GIVE_SRC,
        ) from None


def _language_judge(
    tgt_lang: str, selection: Selection, warn: Callable[[MtcliError], None]
) -> Judge | None:
    try:
        return language_judge(tgt_lang)
    except ConfigError as error:
        if selection.is_explicit:
            raise
        warn(error)
        return None
