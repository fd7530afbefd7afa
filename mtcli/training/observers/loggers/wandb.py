"""Log a run to Weights & Biases."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Mapping
from typing import Any

from mtcli.config.schema.logging import WandbConfig
from mtcli.training.observers.loggers.protocol import LoggedRun, Sample

logger = logging.getLogger(__name__)


class WandbLogger:
    """A run of W&B, which an invocation that resumes continues.

    Args:
        config: where it goes.
    """

    title = "Weights & Biases"

    def __init__(self, config: WandbConfig) -> None:
        self._config = config

    def begin(self, run: LoggedRun, step: int) -> str | None:
        """Open the run under the id that it has, or a new one."""
        import wandb

        config = self._config
        mode = config.mode or os.environ.get("WANDB_MODE") or "online"
        # without a key, it would ask for one in the terminal that shows the training
        if mode == "online" and not wandb.login(prompt=False):
            raise RuntimeError("no API key: run `wandb login`, or use `mode: offline`")
        place = f"wandb:{config.entity or ''}/{config.project or ''}"
        identity = run.identities.get(place) or uuid.uuid4().hex[:8]
        folder = config.output or run.folder
        folder.mkdir(parents=True, exist_ok=True)
        self._run: Any = wandb.init(
            entity=config.entity,
            project=config.project,
            name=config.name or run.name,
            tags=config.tags,
            mode=config.mode,
            dir=folder,
            id=identity,
            resume="allow" if mode == "online" else None,
            config=dict(run.hyperparameters),
            allow_val_change=True,
            reinit="create_new",
            settings=wandb.Settings(console="off", silent=True),
        )
        run.identities.keep(place, identity)
        # steps of our own, because W&B's may only grow, and a run that diverged goes back
        self._run.define_metric("step", hidden=True)
        self._run.define_metric("*", step_metric="step")
        if mode == "online":
            logger.info("Weights & Biases: %s", self._run.url)
        return place

    def rewind(self, step: int) -> None:
        """Nothing: W&B removes nothing, and draws the newer line over the older one."""

    def scalars(self, step: int, values: Mapping[str, float], at_s: float) -> None:
        """Log a row."""
        self._run.log({**values, "step": step, "_timestamp": at_s})

    def sample(self, step: int, sample: Sample, at_s: float) -> None:
        """Log a table of one row; W&B shows those of all validations one below the other."""
        import wandb

        row = [step, sample.source, sample.hypothesis, sample.reference]
        table = wandb.Table(columns=["step", "source", "hypothesis", "reference"], data=[row])
        self._run.log({"sample": table, "step": step, "_timestamp": at_s})

    def model_card(self, step: int, text: str) -> None:
        """Log the card as an artifact, whose description is Markdown."""
        import wandb

        card = wandb.Artifact(f"model-card-{self._run.id}", "model-card", description=text)
        with card.new_file("README.md", mode="w", encoding="utf-8") as file:
            file.write(text)
        self._run.log_artifact(card)

    def end(self, *, is_failed: bool) -> None:
        """Upload the rest."""
        self._run.finish(exit_code=int(is_failed))
