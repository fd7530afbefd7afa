"""What a run is trained on, so that it does not resume with other contents under the same names."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from mtcli.errors import CheckpointError
from mtcli.training.saved_values import saved_value

logger = logging.getLogger(__name__)

TRAINING_PAIRS, VALIDATION_PAIRS = "the training pairs", "the validation pairs"
LANGUAGES = "the languages of the model"


@dataclass(frozen=True)
class DataFingerprints:
    """Hashes of the data, by what they are of, as messages call it."""

    by_name: dict[str, str]

    def state_dict(self) -> dict[str, Any]:
        """The hashes by name."""
        return dict(self.by_name)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Compare with those of a checkpoint; other validation pairs are only warned of.

        Raises:
            CheckpointError: the training pairs or the tokenizers have changed.
        """
        for name in state:
            old = saved_value(state, name, str)
            new = self.by_name.get(name, "none")
            if new == old:
                continue
            if name == VALIDATION_PAIRS:
                logger.warning("%s have changed: scores before and after cannot be compared", name)
                continue
            raise CheckpointError(
                f"{name} changed since then (fingerprint {old[:16]} then, {new[:16]} now)",
                hint="restore the old files, or start a new run on the new ones with `--fresh` or"
                " another `run_dir`; `training.init_from` can start it from this run's model",
            )
