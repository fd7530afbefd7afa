"""How far a run has come."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, get_args, get_type_hints

from mtcli.training.saved_values import saved_value


@dataclass
class Progress:
    """How far a run has come. Saved in every checkpoint."""

    step: int = 0
    """Updates made."""
    epoch: int = 0
    """Epoch of the next update, from 0."""
    update: int = 0
    """Index of the next update within its epoch."""
    total_tgt_tokens: int = 0
    """Target tokens of all updates, each counted once."""
    total_tgt_tokens_computed: int = 0
    """Target tokens that went through the model: twice those of an update with R-Drop, and before
    all those of the model that the run started from."""
    cpu_s: float = 0.0
    """CPU seconds, user and system, of all training processes of all invocations."""
    total_steps: int | None = None
    """Number of the last step, once it is known."""
    budget_steps: int | None = None
    """Number of the last step that a budget allows, once it is measured (`schedule.fit`)."""
    warmup_steps: int | None = None
    """Steps of the warm-up, if a budget has shortened it (`schedule.max_warmup_ratio`)."""
    elapsed_s: float = 0.0
    """Training time of all invocations."""
    num_rollbacks: int = 0
    """How often the run diverged and was rolled back (`training.on_divergence`)."""
    lr_ratio: float = 1.0
    """What that has multiplied the learning rate by."""

    @property
    def epoch_of_last_update(self) -> int:
        """From 0; `epoch` is already the next one when the last update ended its epoch."""
        return max(0, self.epoch - (self.update == 0))

    def state_dict(self) -> dict[str, Any]:
        """All fields."""
        return asdict(self)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over all fields; checkpoints of an early mtcli lack some.

        Raises:
            CheckpointError: a value is missing, or of another type.
        """
        for name in ("step", "epoch", "update", "total_tgt_tokens", "total_steps"):
            saved_value(state, name, *_KINDS[name])
        early = {
            "total_tgt_tokens_computed": state["total_tgt_tokens"],
            "budget_steps": state["total_steps"],  # not told from what the config said
        }
        whole = early | state
        for name in _KINDS.keys() & whole.keys():
            setattr(self, name, saved_value(whole, name, *_KINDS[name]))


_KINDS: dict[str, tuple[type, ...]] = {
    name: get_args(hint) or (hint,) for name, hint in get_type_hints(Progress).items()
}
"""Types of the fields."""
