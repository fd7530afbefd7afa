"""The observer that shows progress under a notebook's cell."""

from __future__ import annotations

import sys
import time
from html import escape
from typing import Any

from mtcli.runs.metrics import StepMetrics, ValidationMetrics
from mtcli.system.durations import describe_duration
from mtcli.training.observers.protocol import Observer

_SHORTEST_WAIT_S = 0.5
"""Between two updates of the page: each is a message to the browser."""


def notebook_observers() -> list[Observer]:
    """One observer if this process is the kernel of a notebook, else none."""
    return [NotebookProgress()] if _is_notebook() else []


def _is_notebook() -> bool:
    """Whether IPython runs as a kernel: in Jupyter, VS Code or Colab, and not in a terminal."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell is not None and "IPKernelApp" in shell.config


class NotebookProgress(Observer):
    """A progress bar, the newest figures, and a table of the validations."""

    def __init__(self) -> None:
        self._step = 0
        self._total_steps: int | None = None
        self._metrics: StepMetrics | None = None
        self._validations: list[ValidationMetrics] = []
        self._handle: Any = None  # of IPython, which has no types
        self._shown_at = 0.0

    def stepped(self, step: int, total_steps: int | None) -> None:
        """Move the bar."""
        self._step, self._total_steps = step, total_steps
        if time.monotonic() - self._shown_at >= _SHORTEST_WAIT_S or step == total_steps:
            self._show()

    def reported(self, metrics: StepMetrics) -> None:
        """Show the figures."""
        self._metrics = metrics
        self._show()

    def validated(self, metrics: ValidationMetrics) -> None:
        """Add a line to the table, and show the sample translation."""
        self._validations.append(metrics)
        self._show()

    def _show(self) -> None:
        from IPython.display import display

        self._shown_at = time.monotonic()
        if self._handle is None:
            self._handle = display(self, display_id=True)
        else:
            self._handle.update(self)

    def __repr__(self) -> str:
        """What a page without HTML shows, such as the notebook on GitHub."""
        lines = [self._heading()]
        lines += [
            f"  step {v.step}: {_scores(v)}loss {v.loss_per_token:.3f}" for v in self._validations
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        share = f' value="{self._step / self._total_steps:.4f}"' if self._total_steps else ""
        rows = "".join(
            f"<tr><td>{v.step}</td>"
            + "".join(f"<td>{score:.2f}</td>" for _, score in v.shown_scores())
            + f"<td>{v.loss_per_token:.3f}</td><td>{'best so far' if v.is_best else ''}</td></tr>"
            for v in self._validations
        )
        newest = self._validations[-1:]
        names = "".join(f"<th>{escape(name)}</th>" for v in newest for name, _ in v.shown_scores())
        table = f"<table><tr><th>step</th>{names}<th>loss</th><th></th></tr>{rows}</table>"
        return f'<progress{share} style="width: 60%"></progress> {escape(self._heading())}' + (
            table + _sample(self._validations[-1]) if rows else ""
        )

    def _heading(self) -> str:
        end = f"/{self._total_steps}" if self._total_steps else ""
        parts = [f"step {self._step}{end}"]
        if (m := self._metrics) is not None:
            parts += [f"loss {m.loss_per_token:.3f}", f"{m.tgt_tokens_per_s:.0f} target tokens/s"]
            if m.eta_s is not None and self._step != self._total_steps:
                parts.append(f"{describe_duration(m.eta_s)} left")
        return ", ".join(parts)


def _scores(metrics: ValidationMetrics) -> str:
    return "".join(f"{name} {score:.2f}, " for name, score in metrics.shown_scores())


def _sample(metrics: ValidationMetrics) -> str:
    rows = [
        ("source", metrics.sample_source),
        ("hypothesis", metrics.sample_hypothesis),
        ("reference", metrics.sample_reference),
    ]
    return "<br>".join(f"<small>{name}: {escape(text)}</small>" for name, text in rows)
