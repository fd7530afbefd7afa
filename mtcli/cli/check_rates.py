"""The lowest pass rates that `mtcli check --min-rate` accepts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mtcli.errors import CheckFailedError, ConfigError

if TYPE_CHECKING:
    from mtcli.evaluation.behaviour.outcomes import Tally

EVERY_CHECK = ""
"""The name under which the rate of all checks without one of their own is kept."""


def parse_rates(texts: Sequence[str], names: Sequence[str]) -> dict[str, float]:
    """The lowest rate of each check; that of all others under `EVERY_CHECK`.

    Args:
        texts: values of the option: `RATE` or `CHECK=RATE`.
        names: the checks that are made.

    Raises:
        ConfigError: one is malformed, or its check is not made.
    """
    rates: dict[str, float] = {}
    for text in texts:
        name, equals, number = text.rpartition("=")
        rate = _rate(number)
        if rate is None:
            raise ConfigError(
                f"`--min-rate {text}` is not a rate from 0 to 1",
                hint="use for example `0.9` or `numbers=0.99`",
            )
        if equals and name not in names:
            raise ConfigError(
                f"`--min-rate {text}` names a check that is not made",
                hint="use one of " + ", ".join(f"`{known}`" for known in names),
            )
        rates[name] = rate
    return rates


def check_rates(tallies: Sequence[Tally], rates: Mapping[str, float]) -> None:
    """Raise what the user asked to be told by exit code 4.

    Raises:
        CheckFailedError: a check passes less often than its lowest rate, or nothing of it was
            judged although the user named it.
    """
    by_name = {tally.name: tally for tally in tallies}
    failures = [
        f"`{name}` has no case that could be judged"
        for name in rates
        if name != EVERY_CHECK and (name not in by_name or by_name[name].rate is None)
    ]
    for name, tally in by_name.items():
        lowest = rates.get(name, rates.get(EVERY_CHECK))
        if lowest is not None and tally.rate is not None and tally.rate < lowest:
            failures.append(
                f"`{name}` passes {tally.num_passed} of {tally.num_judged} cases, under {lowest:g}"
            )
    if failures:
        raise CheckFailedError("a check failed: " + "; ".join(failures))


def _rate(text: str) -> float | None:
    try:
        rate = float(text)
    except ValueError:
        return None
    return rate if 0 <= rate <= 1 else None
