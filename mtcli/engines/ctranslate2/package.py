"""Import the package ctranslate2, and tell which searches it supports exactly."""

from __future__ import annotations

from typing import Any

from mtcli.decoding.options import SearchOptions
from mtcli.errors import ConfigError

MISSING = "the package `ctranslate2` is not installed"
INSTALL = "pip install 'ctranslate2>=4.7.1,<5'"


def search_obstacle(options: SearchOptions, *, has_prefixes: bool = False) -> str | None:
    """Name what CTranslate2 does not do exactly as our search; None if it does all of it.

    It lacks GNMT's penalty, and without any penalty it stops by a rule of its own. Greedy search
    needs neither. The other options it implements differently.
    """
    if options.sampling:
        return "sampling"
    if has_prefixes:
        return "prefixes"
    if options.repetition_penalty != 1:
        return f"repetition_penalty {options.repetition_penalty:g}"
    if options.stop != "full":
        return f"the stopping rule {options.stop}"
    if options.beam_size == 1:
        return None
    if options.no_repeat_ngram:
        return f"no_repeat_ngram {options.no_repeat_ngram} under a beam"
    if options.normalization != "average" or options.length_penalty <= 0:
        return (
            f"normalization {options.normalization} with length_penalty"
            f" {options.length_penalty:g} under a beam"
        )
    return None


def import_translator() -> Any:
    """The class `ctranslate2.Translator`.

    Raises:
        ConfigError: the package is not installed.
    """
    try:
        from ctranslate2 import Translator
    except ImportError as error:
        raise ConfigError(f"engine ctranslate2 cannot run: {MISSING}", hint=INSTALL) from error
    return Translator
