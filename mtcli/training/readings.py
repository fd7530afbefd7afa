"""Read the figures of an update now and then, without making training wait for them."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch
from torch import Tensor

from mtcli.training.loop_parts import LoopParts
from mtcli.training.observers.protocol import Reading
from mtcli.training.step import StepStats

_EVERY_S = 0.5
"""Seconds between two readings: a display shows no more of them."""


class Figures:
    """Numbers on their way from the device of the model; on the CPU they are there at once.

    Args:
        numbers: scalars on one device.
        must_wait: whether to wait for the device, which delays what comes after.
    """

    def __init__(self, numbers: Sequence[Tensor], *, must_wait: bool) -> None:
        together = torch.stack([number.detach().float() for number in numbers])
        self._arrived: torch.cuda.Event | None = None
        if together.device.type != "cuda":
            self._numbers = together.cpu()
            return
        self._numbers = torch.empty(together.shape, pin_memory=True)
        self._numbers.copy_(together, non_blocking=True)
        self._arrived = torch.cuda.Event()
        self._arrived.record()
        if must_wait:
            self._arrived.synchronize()

    def read(self) -> list[float] | None:
        """The numbers; None while they are on their way."""
        if self._arrived is not None and not self._arrived.query():
            return None
        return [float(number) for number in self._numbers.tolist()]


class Readings:
    """Tells observers the figures of the first update, and of one in each half second.

    Args:
        parts: the run.
    """

    def __init__(self, parts: LoopParts) -> None:
        self._parts = parts
        self._pending: tuple[Figures, int, bool] | None = None
        self._num_tokens = 0
        self._first_step, self._trained_s = parts.state.progress.step, 0.0
        self._is_first = True
        self.start_clock()

    def start_clock(self) -> None:
        """Leave out the time until now, in which for instance a validation was made."""
        self._num_tokens, self._started_s = 0, time.perf_counter()

    def updated(
        self, stats: StepStats, num_tokens: int, num_own_tokens: int, *, is_smoothed: bool
    ) -> None:
        """Take an update into account, and tell the observers if a reading is due.

        Args:
            stats: of this process.
            num_tokens: target tokens of the update.
            num_own_tokens: those of this process.
            is_smoothed: whether the loss is more than plain cross-entropy.
        """
        self._num_tokens += num_tokens
        if self._pending is None:
            if not self._is_first and time.perf_counter() - self._started_s < _EVERY_S:
                return
            figures = Figures([stats.loss_sum, stats.grad_norm], must_wait=self._is_first)
            self._pending, self._is_first = (figures, num_own_tokens, is_smoothed), False
        self._tell()

    def _tell(self) -> None:
        assert self._pending is not None
        figures, num_own_tokens, is_smoothed = self._pending
        if (numbers := figures.read()) is None:
            return
        loss_sum, grad_norm = numbers
        parts, progress = self._parts, self._parts.state.progress
        seconds = max(time.perf_counter() - self._started_s, 1e-9)
        self._trained_s += seconds
        parts.observers.read(
            Reading(
                step=progress.step,
                total_steps=progress.total_steps,
                epoch=progress.epoch_of_last_update,
                loss_per_token=loss_sum / max(num_own_tokens, 1),
                is_smoothed=is_smoothed,
                grad_norm=grad_norm,
                lr=next(iter(parts.step_parts.optimizers.rates().values())),
                tgt_tokens_per_s=self._num_tokens / seconds,
                elapsed_s=progress.elapsed_s,
                eta_s=self._eta_s(),
                next_validation=self._next_validation(),
            )
        )
        self._pending = None
        self.start_clock()

    def _eta_s(self) -> float | None:
        """Time left at the mean speed of this invocation, validations not counted."""
        progress, remaining_s = self._parts.state.progress, self._parts.stop.remaining_s()
        if progress.total_steps is None:
            return remaining_s
        num_steps = max(progress.step - self._first_step, 1)
        left_s = (progress.total_steps - progress.step) * self._trained_s / num_steps
        return left_s if remaining_s is None else min(left_s, remaining_s)

    def _next_validation(self) -> int | None:
        every, progress = self._parts.config.validation.every_steps, self._parts.state.progress
        if every is None:
            return None
        following = (progress.step // every + 1) * every
        return following if progress.total_steps is None else min(following, progress.total_steps)
