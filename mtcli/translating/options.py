"""How to translate: what the caller asks for, over what the model folder says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from mtcli.config.schema.decoding import DecodingConfig
from mtcli.errors import ConfigError
from mtcli.translating.sentences import Splitter

Normalization = Literal["average", "gnmt", "none"]


@dataclass(frozen=True)
class AnswerOptions:
    """What is wanted of translations, besides how they are searched."""

    splitter: Splitter | None = None
    """Cuts texts into sentences that are translated one by one; None translates them whole."""
    retries: bool = True
    """Translate once more, with other settings, what repeats itself."""
    has_alignments: bool = False
    """Say which words of a translation come from which words of the source; needs an engine that
    shows attention."""
    has_scores: bool = True
    """False where nobody will look at scores and log-probabilities: they may be NaN then, and no
    translation is called doubtful for them."""


def choose_generation(
    generation: DecodingConfig,
    *,
    beam_size: int | None = None,
    length_penalty: float | None = None,
    normalization: str | None = None,
    max_length: int | None = None,
    batch_size: int | None = None,
) -> DecodingConfig:
    """`generation` with what is not None put in its place.

    Raises:
        ConfigError: a value makes no sense.
    """
    asked = {
        "beam_size": beam_size,
        "length_penalty": length_penalty,
        "normalization": normalization,
        "max_length": max_length,
        "batch_size": batch_size,
    }
    for name in ("beam_size", "max_length", "batch_size"):
        check_positive(name, asked[name])
    if length_penalty is not None and not 0 <= length_penalty <= 10:
        raise ConfigError(
            f"length_penalty must be a number between 0 and 10, not {length_penalty!r}"
        )
    if normalization not in (None, "average", "gnmt", "none"):
        raise ConfigError(f"normalization {normalization!r} is none of: average, gnmt, none")
    return replace(generation, **{k: v for k, v in asked.items() if v is not None})  # type: ignore[arg-type]


def check_positive(name: str, value: object) -> None:
    """Raise ConfigError unless `value` is None or an integer from 1."""
    if value is not None and (not isinstance(value, int) or value < 1):
        raise ConfigError(f"{name} must be an integer from 1, not {value!r}")


def check_num_hypotheses(num_hypotheses: int, beam_size: int) -> None:
    """Raise ConfigError unless a beam of that width gives so many hypotheses."""
    check_positive("n_best", num_hypotheses)
    if num_hypotheses > beam_size:
        raise ConfigError(
            f"n_best {num_hypotheses} needs a beam of at least {num_hypotheses}, and beam_size is"
            f" {beam_size}"
        )
