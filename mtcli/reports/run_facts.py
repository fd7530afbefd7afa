"""Everything that the report of a run says, read from its folder."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mtcli.bundle.card import LOW_CONFIDENCE_METRIC
from mtcli.errors import MtcliError, RunFolderError
from mtcli.folders import read_json
from mtcli.reports.changes import Part, marked_parts
from mtcli.reports.run_settings import Setting, read_settings
from mtcli.runs.folder import RunFolder
from mtcli.runs.invocations import Invocation, read_invocations
from mtcli.runs.listing import RunSummary, is_run, summarize
from mtcli.runs.metrics import read_metrics

MOST_SAMPLES = 60
"""Validations whose sample is shown: the first, the last, and some in between."""


@dataclass(frozen=True)
class ScoreRow:
    """A score of the best model."""

    metric: str
    score: float
    low: float | None
    high: float | None
    """95 % interval; None where it was not measured."""
    signature: str
    num_pairs: int | None
    beam_size: int | None


@dataclass(frozen=True)
class Sample:
    """The sentence of a validation, and its translation then."""

    step: int
    source: str
    reference: str
    before: str | None
    """What the validation before gave; None if that is not known."""
    now: Sequence[Part]
    """With what is new since then marked."""

    @property
    def is_changed(self) -> bool:
        """Whether anything is new or missing."""
        return self.before is not None and self.before != "".join(part.text for part in self.now)


@dataclass(frozen=True)
class RunFacts:
    """A run for its report."""

    name: str
    """What the page calls it."""
    summary: RunSummary
    steps: list[dict[str, Any]]
    validations: list[dict[str, Any]]
    scores: list[ScoreRow]
    settings: Mapping[str, Sequence[Setting]]
    environment: Mapping[str, Any]
    data: Mapping[str, Any]
    tokenizers: Mapping[str, Any]
    invocations: Sequence[Invocation] = ()
    warnings: list[str] = field(default_factory=list)
    """What of the folder could not be read, and warnings of its data."""

    def value(self, key: str) -> str:
        """A value of the config; a dash if there is none."""
        found = (s.value for settings in self.settings.values() for s in settings if s.key == key)
        return next(found, "-")

    @property
    def samples(self) -> list[Sample]:
        """Samples of the validations, the newest first."""
        shown = self.validations
        if len(shown) > MOST_SAMPLES:
            last = len(shown) - 1
            shown = [shown[n * last // (MOST_SAMPLES - 1)] for n in range(MOST_SAMPLES)]
        return [_sample(record) for record in reversed(shown) if "sample_source" in record]

    @property
    def length_counts(self) -> dict[str, dict[int, int]]:
        """How many training texts have each length in pieces; none in a run of an earlier mtcli."""
        found = self.data.get("length_counts", {})
        names = (("src", "source"), ("tgt", "target"))
        return {name: dict(found[side]) for side, name in names if side in found}

    @property
    def sources(self) -> list[tuple[str, str]]:
        """What the training and the validation pairs were read from."""
        found: dict[str, list[str]] = {}
        for setting in self.settings.get("data", ()):
            entry, dot, name = setting.key.rpartition(".")
            if dot and "[" in entry and name in ("kind", "src", "tgt", "path", "name", "subset"):
                found.setdefault(entry, []).append(setting.value)
        return [
            (entry.removeprefix("data."), ", ".join(v for v in values if v != "null"))
            for entry, values in found.items()
        ] or [("data", "not known")]

    @property
    def validation_s(self) -> float:
        """Seconds that the validations took."""
        return float(sum(record.get("duration_s", 0.0) for record in self.validations))

    @property
    def gpu_hours(self) -> float | None:
        """Hours of all its GPUs; None of a run on CPUs, or if that is not known."""
        device = str(self.environment.get("device", ""))
        if not device.startswith("cuda"):
            return None
        return self.summary.elapsed_s / 3600 * int(self.environment.get("num_processes", 1))

    @property
    def commands(self) -> list[str]:
        """The commands that made the run, and where; none of an older run."""
        return [
            f"cd {shlex.quote(one.working_dir)} && {shlex.join(one.command)}"
            for one in self.invocations
        ]

    @property
    def reproduction(self) -> list[str]:
        """Commands that make the run again, as they can be typed."""
        packages = self.environment.get("packages", {})
        pinned = [f"{name}=={version}" for name, version in packages.items()]
        config = shlex.quote(str(RunFolder(self.summary.path).config))
        again = shlex.quote(f"{self.summary.path}-again")
        train = f"mtcli train {config} --set run_dir={again}"
        threads = self.environment.get("num_threads")
        if threads is not None:
            train = f"OMP_NUM_THREADS={threads} {train}"
        num_processes = self.environment.get("num_processes", 1)
        if num_processes > 1:
            train += f" --nproc {num_processes}"
        return [*([f"pip install {shlex.join(pinned)}"] if pinned else []), train]


def read_facts(path: Path, name: str) -> RunFacts:
    """Read a run folder; what of it is missing or damaged is named in `warnings`.

    Raises:
        RunFolderError: it is not a run folder.
    """
    if not is_run(path):
        kind = "is not a run folder" if path.is_dir() else "does not exist"
        raise RunFolderError(
            f"{path} {kind}", hint="give the `run_dir` of a training; `mtcli runs` lists them"
        )
    run, summary, warnings = RunFolder(path), summarize(path), []
    if summary.problem is not None:
        warnings.append(summary.problem)
    settings = {} if summary.problem else read_settings(run)
    steps, validations = read_metrics(run.metrics)
    contents = {}
    for part in ("environment", "data_report", "tokenizer_report"):
        contents[part] = _read_part(path / f"{part}.json", warnings)
    scores = _read_scores(run, warnings)
    warnings += contents["data_report"].get("warnings", [])
    return RunFacts(
        name=name,
        summary=summary,
        steps=steps,
        validations=validations,
        scores=scores,
        settings=settings,
        environment=contents["environment"],
        data=contents["data_report"],
        tokenizers=contents["tokenizer_report"].get("reports", {}),
        invocations=read_invocations(run),
        warnings=warnings,
    )


def _read_part(path: Path, warnings: list[str]) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        content = read_json(path, RunFolderError)
    except MtcliError as error:
        warnings.append(error.sentence)
        return {}
    return content if isinstance(content, dict) else {}


def _read_scores(run: RunFolder, warnings: list[str]) -> list[ScoreRow]:
    """Those of the best model; of a run without one, none."""
    best = run.best_model()
    if best is None:
        return []
    content = _read_part(best / "scores.json", warnings)
    return [
        ScoreRow(
            metric=score["metric"],
            score=score["score"],
            low=score.get("low"),
            high=score.get("high"),
            signature=score["signature"],
            num_pairs=score.get("num_pairs"),
            beam_size=score.get("beam_size"),
        )
        for score in content.get("scores", [])
        if score["metric"] != LOW_CONFIDENCE_METRIC and math.isfinite(score["score"])
    ]


def _sample(record: Mapping[str, Any]) -> Sample:
    before = record.get("sample_before")
    return Sample(
        step=record["step"],
        source=record["sample_source"],
        reference=record["sample_reference"],
        before=before,
        now=marked_parts(record["sample_hypothesis"], before),
    )


def date_of(seconds: float) -> str:
    """A moment, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
