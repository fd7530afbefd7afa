"""A run that diverges keeps what is intact, and ends as if it never had, killed or not."""

import sys

import pytest

from tests.faults.fault import fault
from tests.faults.small_training import end_of, train, train_undisturbed
from tests.support import warm

pytestmark = pytest.mark.slow


def snapshot(folder):
    """What is saved, by its names and times: nothing that diverged may come in between."""
    kinds = ("checkpoints", "models", "stopped")
    return sorted(
        (str(path), path.stat().st_mtime_ns)
        for kind in kinds
        for path in (folder / "run" / kind).rglob("*")
    )


def test_a_run_that_diverged_resumes_with_the_right_rate_as_if_nothing_was(undisturbed, tmp_path):
    """The rate is too large after a resume; how soon it is noticed differs."""
    with fault("divergence after a resume, then the right rate", codes={0, 3}) as tries:
        for number, draw in enumerate(tries.draws(quick=2, whole=30)):
            folder = undisturbed.copy(tmp_path / str(number))
            first = train(folder, "--set", "training.max_steps=3")
            before = snapshot(folder)
            changes = {
                "optim.lr": draw.choice(("1e39", "1e40", "1e300")),
                "training.log_every_steps": draw.choice((1, 2, 50)),
                "checkpoints.every_steps": draw.choice((1, 2, 3)),
                "validation.every_steps": draw.choice((1, 3)),
            }
            sets = [word for key in changes for word in ("--set", f"{key}={changes[key]}")]
            diverged = train(folder, *sets)
            kept = snapshot(folder) == before
            last = train(folder)
            tries.note(
                " ".join(map(str, changes.values())),
                codes=[first.returncode, diverged.returncode, last.returncode],
                said=first.stderr + diverged.stderr + last.stderr,
                is_exact=end_of(folder / "run") == undisturbed.end,
                lost=""
                if diverged.returncode == 3 and kept
                else "it was saved, or had not diverged",
            )


ROLLED_BACK = """\
import os, signal, sys
from pathlib import Path

import torch

from mtcli.config.load import load_config
from mtcli.training import loop
from mtcli.training.setup import train

left, real = int(sys.argv[1]), loop.train_step


def train_step(parts, micro_batches, num_tokens, settings):
    global left
    stats = real(parts, micro_batches, num_tokens, settings)
    state = next(iter(parts.optimizers.parts[0].state.values()))
    (lr, *_) = parts.optimizers.rates().values()
    if int(state["step"]) in (3, 5) and lr > 2e-3:
        with torch.no_grad():
            next(parts.model.parameters()).view(-1)[0] = torch.inf
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return stats


loop.train_step = train_step
train(load_config(Path("config.yaml"), working_dir=Path.cwd()))
"""
OVERRIDES = (
    "training.max_steps=6",
    "training.on_divergence={action: rollback, max_times: 3}",
    "validation.every_steps=2",
    "checkpoints={every_steps: 1, keep_last: 3}",
    "data.cache_dir=cache",
)


def test_a_run_that_is_killed_around_rollbacks_ends_the_same(tmp_path):
    undisturbed = train_undisturbed(tmp_path / "whole", OVERRIDES)

    def run(folder, after):
        command = [sys.executable, "-c", ROLLED_BACK, str(after)]
        return warm.run(command, cwd=folder, text=True, capture_output=True)

    whole = undisturbed.copy(tmp_path / "rolled back")
    done = run(whole, 0)
    assert done.returncode == 0, done.stderr
    assert (whole / "run/train.log").read_text().count("rolled back from step") == 2
    end = end_of(whole / "run")
    assert end != undisturbed.end
    with fault("kill -9 around rollbacks", codes={0, -9}) as tries:
        for number, draw in enumerate(tries.draws(quick=2, whole=30)):
            folder = undisturbed.copy(tmp_path / str(number))
            kills = [draw.randint(1, 8) for _ in range(draw.randint(1, 3))]
            runs = [run(folder, after) for after in (*kills, 0)]
            tries.note(
                f"after {kills} updates",
                codes=[done.returncode for done in runs],
                said="".join(done.stderr for done in runs),
                is_exact=end_of(folder / "run") == end,
            )
