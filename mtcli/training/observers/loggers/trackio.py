"""Log a run to Trackio."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from typing import Any

from mtcli.config.schema.logging import TrackioConfig
from mtcli.training.observers.loggers.protocol import LoggedRun, Sample


class TrackioLogger:
    """A run of Trackio, which an invocation that resumes continues.

    Args:
        config: where it goes.
    """

    title = "Trackio"

    def __init__(self, config: TrackioConfig) -> None:
        self._config = config

    def begin(self, run: LoggedRun, step: int) -> str | None:
        """Open the run under the name that it has, or a new one."""
        import trackio

        config = self._config
        place = f"trackio:{config.space_id or ''}/{config.project}"
        known = run.identities.get(place)
        with _without_output():
            self._run: Any = trackio.init(
                project=config.project,
                name=known or config.name or run.name,
                space_id=config.space_id,
                config={key: _plain(value) for key, value in run.hyperparameters.items()},
                resume="never" if known is None else "allow",
                embed=False,
            )
        run.identities.keep(place, self._run.name)
        return place

    def rewind(self, step: int) -> None:
        """Nothing: Trackio removes nothing."""

    def scalars(self, step: int, values: Mapping[str, float], at_s: float) -> None:
        """Log a row."""
        self._run.log(dict(values), step=step)

    def sample(self, step: int, sample: Sample, at_s: float) -> None:
        """Log a table of one row."""
        import pandas
        import trackio

        row = {
            "source": sample.source,
            "hypothesis": sample.hypothesis,
            "reference": sample.reference,
        }
        self._run.log({"sample": trackio.Table(dataframe=pandas.DataFrame([row]))}, step=step)

    def model_card(self, step: int, text: str) -> None:
        """Log the card as Markdown."""
        import trackio

        self._run.log({"model_card": trackio.Markdown(text)}, step=step)

    def end(self, *, is_failed: bool) -> None:
        """Write the rest."""
        with _without_output():
            self._run.finish()


def _without_output() -> contextlib.AbstractContextManager[Any]:
    """Trackio prints where the run can be seen, also where standard output is to be JSON."""
    return contextlib.redirect_stdout(io.StringIO())


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str | None) else str(value)
