"""Options that take one of a few words: what is checked, and what a shell completes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import typer

from mtcli.errors import in_backticks

ENGINES = ("auto", "torch", "ctranslate2")
DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("fp32", "bf16", "fp16")
NORMALIZATIONS = ("average", "gnmt", "none")
QUANTIZATIONS = ("float32", "int8", "int8_float32", "int16", "float16", "bfloat16")
TOKENIZATIONS = (
    "13a", "intl", "char", "zh", "ja-mecab", "ko-mecab", "spm", "spBLEU-1K", "flores101",
    "flores200", "none",
)  # fmt: skip
STACKS = ("encoder", "decoder", "cross")
METRICS = (
    "bleu", "chrf", "chrf++", "ter", "accuracy", "exact_match", "rouge-1", "rouge-2", "rouge-l",
    "comet", "command:",
)  # fmt: skip
CHECKS = (
    "numbers", "dates", "urls", "emails", "placeholders", "markup", "capitals", "upper_case",
    "title_case", "final_stop", "spaces", "typos", "one_word", "emoji", "long_input",
    "repeated_marks", "language", "copied", "empty", "runaway", "cases",
)  # fmt: skip
TRACKERS = ("tensorboard", "wandb", "mlflow", "trackio")
"""Copies of what other rooms know: a help page must not wait until those are imported."""


def one_of(words: Sequence[str]) -> Callable[[str | None], str | None]:
    """A callback of an option that must be one of the words; None passes."""

    def check(value: str | None) -> str | None:
        if value is not None and value not in words:
            raise typer.BadParameter(f"must be one of {in_backticks(words)}, found `{value}`")
        return value

    return check


def choice_option(
    words: Sequence[str],
    metavar: str,
    text: str,
    *,
    panel: str | None = None,
    variable: str | None = None,
) -> Any:
    """An option that takes one of the words; the arguments are those of `typer.Option`.

    Without the option, the environment variable counts, if there is one.
    """
    return typer.Option(
        envvar=variable,
        metavar=metavar,
        help=text,
        callback=one_of(words),
        autocompletion=completing(words),
        rich_help_panel=panel,
    )


def device_option(*, panel: str | None = None) -> Any:
    """An option that takes a device, from `MTCLI_DEVICE` where it is not given."""
    text = "Use `auto`, `cpu`, `cuda` or `mps`."
    return choice_option(DEVICES, "DEVICE", text, panel=panel, variable="MTCLI_DEVICE")


def completing(words: Sequence[str]) -> Callable[[str], list[str]]:
    """What a shell completes for an option that takes one of the words."""

    def complete(incomplete: str) -> list[str]:
        return [word for word in words if word.startswith(incomplete)]

    return complete


def complete_key(incomplete: str) -> list[str]:
    """What a shell completes for `--set`: keys of a config, and the words that one may be."""
    from mtcli.config.keys import all_keys

    keys = all_keys()
    name, equals, _ = incomplete.partition("=")
    if equals:
        found = [f"{name}={word}" for word in keys.get(name, ())]
        return [text for text in found if text.startswith(incomplete)]
    return [f"{key}=" for key in keys if key.startswith(incomplete)]
