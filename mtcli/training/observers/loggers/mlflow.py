"""Log a run to MLflow."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Mapping
from typing import Any

from mtcli.config.schema.logging import MlflowConfig
from mtcli.training.observers.loggers.protocol import LoggedRun, Sample

_MOST_PARAMS = 100
"""In one request."""
_LONGEST_PARAM = 6000
_LONGEST_TAG = 5000
_NOT_IN_NAMES = re.compile(r"[^\w\-. /:]")


class MlflowLogger:
    """A run of MLflow, which an invocation that resumes continues.

    Args:
        config: where it goes.
    """

    title = "MLflow"

    def __init__(self, config: MlflowConfig) -> None:
        self._config = config

    def begin(self, run: LoggedRun, step: int) -> str | None:
        """Open the run under the id that it has, or a new one."""
        import mlflow
        from mlflow import MlflowClient

        # it says that it makes tables, into the display of the training
        logging.getLogger("mlflow").setLevel(logging.WARNING)
        config = self._config
        uri = config.tracking_uri or mlflow.get_tracking_uri()
        self._client: Any = MlflowClient(tracking_uri=uri)
        place = f"mlflow:{uri}"
        known = run.identities.get(place)
        if known is None:
            tags = {"mlflow.source.name": "mtcli train"}
            name = config.name or run.name
            made = self._client.create_run(self._experiment(), run_name=name, tags=tags)
            self._id: str = made.info.run_id
            run.identities.keep(place, self._id)
        else:
            self._id = known
            self._client.update_run(known, status="RUNNING")
        self._hyperparameters(run)
        return place

    def rewind(self, step: int) -> None:
        """Nothing: MLflow removes nothing, and keeps both values of a step."""

    def scalars(self, step: int, values: Mapping[str, float], at_s: float) -> None:
        """Log all in one request."""
        from mlflow.entities import Metric

        at_ms = int(at_s * 1000)
        metrics = [Metric(_name(name), float(value), at_ms, step) for name, value in values.items()]
        self._client.log_batch(self._id, metrics=metrics)

    def sample(self, step: int, sample: Sample, at_s: float) -> None:
        """Log a file for each validation."""
        text = (
            f"source:     {sample.source}\nhypothesis: {sample.hypothesis}\n"
            f"reference:  {sample.reference}\n"
        )
        self._client.log_text(self._id, text, f"samples/step_{step:08}.txt")

    def model_card(self, step: int, text: str) -> None:
        """Log the card as a file, and as the description of the run."""
        self._client.log_text(self._id, text, "model_card.md")
        self._client.set_tag(self._id, "mlflow.note.content", text[:_LONGEST_TAG])

    def end(self, *, is_failed: bool) -> None:
        """Close the run."""
        self._client.set_terminated(self._id, status="FAILED" if is_failed else "FINISHED")

    def _experiment(self) -> str:
        name = self._config.experiment or os.environ.get("MLFLOW_EXPERIMENT_NAME") or "Default"
        found = self._client.get_experiment_by_name(name)
        return str(self._client.create_experiment(name) if found is None else found.experiment_id)

    def _hyperparameters(self, run: LoggedRun) -> None:
        """Log parameters, which MLflow never changes: what a resumed run has changed is a tag."""
        from mlflow.entities import Param, RunTag

        values = {
            _name(key): str(value)[:_LONGEST_PARAM] for key, value in run.hyperparameters.items()
        }
        old = self._client.get_run(self._id).data.params
        new = [Param(key, value) for key, value in values.items() if key not in old]
        for first in range(0, len(new), _MOST_PARAMS):
            self._client.log_batch(self._id, params=new[first : first + _MOST_PARAMS])
        changed = [
            RunTag(f"changed.{key}", f"{value[:_LONGEST_TAG]}")
            for key, value in values.items()
            if old.get(key, value) != value
        ]
        if changed:
            at = RunTag("changed_at_s", f"{time.time():.0f}")
            self._client.log_batch(self._id, tags=[*changed, at])


def _name(name: str) -> str:
    """The name of a metric or a parameter, in the characters that MLflow allows."""
    plain = name.replace("+", "p").replace("[", ".").replace("]", "")
    return _NOT_IN_NAMES.sub("_", plain)
