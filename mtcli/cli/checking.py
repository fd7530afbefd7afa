"""What `mtcli train --check` prints: lines for people, or one JSON object."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from mtcli.cli.notes import note

if TYPE_CHECKING:
    from mtcli.config.schema.root import TrainConfig

FORMAT_VERSION = 1
"""Of the JSON object."""


def print_check(config: TrainConfig, budget_s: float | None, *, as_json: bool) -> None:
    """Check a run, and print what was found as it is found; as JSON, at the end.

    Raises:
        MtcliError: anything that would stop the run; the warnings until then are printed before.
    """
    from mtcli.cli.live import showing
    from mtcli.training.check import check
    from mtcli.training.finding import collected_warnings

    found: dict[str, object] = {"format_version": FORMAT_VERSION}
    level = logging.ERROR if as_json else logging.INFO
    with showing(level=level, is_live=False):
        for handler in logging.getLogger("mtcli").handlers:
            # warnings are the last part of what is printed
            handler.addFilter(lambda record: record.levelno != logging.WARNING)
        with collected_warnings() as warnings:
            try:
                for finding in check(config, budget_s):
                    found[finding.name] = finding.values
                    if not as_json:
                        print("\n".join(finding.lines), flush=True)
            except BaseException:
                for warning in warnings:
                    note(f"warning: {warning}")
                raise
    if as_json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
