"""A learning rate that jumps when a run resumes is named, old and new, with the reason."""

import json

import pytest
import torch

from mtcli.config.load import load_config
from mtcli.training.optim import build_optimizers
from mtcli.training.progress import Progress
from mtcli.training.rates import Rates, multiplier_at
from mtcli.training.schedule import PlateauState
from mtcli.training.setup import train
from tests.support.small_run import write_run


def make(load, overrides, *, step=20, total=20, ratio=1.0):
    """The rates of a run after `step` of `total` updates."""
    config = load(*overrides)
    model = torch.nn.ModuleDict({"hidden": torch.nn.Linear(2, 3)})
    optimizers = build_optimizers(model, config.optim)
    progress, plateau = Progress(step=step, total_steps=total), PlateauState(ratio=ratio)
    optimizers.set_lr(multiplier_at(config.schedule, step, progress, plateau))
    return Rates(optimizers, config.schedule, progress, plateau)


@pytest.fixture
def load(tmp_path):
    path = write_run(tmp_path)
    return lambda *overrides: load_config(path, ["optim.lr=0.01", *overrides], working_dir=tmp_path)


COSINE = "schedule={kind: cosine, warmup_steps: 2}"
LINEAR = "schedule={kind: linear, warmup_steps: 2}"
WSD = "schedule={kind: wsd, warmup_steps: 2, decay_ratio: 0.5}"
PLATEAU = "schedule={kind: plateau, warmup_steps: 2}"


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        # linear: (1 - 18/19) of 0.01 is 5.26e-04; at step 21 of 40 it is 1 - 19/39 of 0.01
        (
            ([LINEAR], {}),
            ([LINEAR], {"total": 40}),
            "the learning rate jumps from 0.000526 at step 20 to 0.00513 at step 21, because the"
            " last step was 20 and is 40 now",
        ),
        (
            ([COSINE], {"step": 10}),
            ([LINEAR], {"step": 10}),
            "`schedule.kind` was cosine and is linear now",
        ),
        (
            (["schedule.warmup_steps=2"], {"total": None}),
            (["schedule.warmup_steps=2", "optim.lr=0.001"], {"total": None}),
            "the learning rate falls from 0.00316 at step 20 to 0.000309 at step 21, because the"
            " peak rate of hidden matrices (adamw) was 0.01 and is 0.001 now",
        ),
        (
            (["schedule.warmup_steps=2"], {"total": None}),
            (["schedule.warmup_steps=40"], {"total": None}),
            "`schedule.warmup_steps` was 2 and is 40 now",
        ),
        (
            ([WSD], {"step": 15}),
            ([WSD], {"step": 15, "total": None} | {"total": 60}),
            "because the last step was 20 and is 60 now",
        ),
        (
            (["schedule={kind: cosine, warmup_steps: 2, fit: budget}"], {"total": None}),
            (["schedule={kind: cosine, warmup_steps: 2, fit: budget}"], {"total": 21}),
            "because the last step was unknown and is 21 now",
        ),
    ],
)
def test_a_jump_is_named_with_its_reason(load, before, after, sentence):
    old, new = (make(load, overrides, **how) for overrides, how in (before, after))
    new.load_state_dict(json.loads(json.dumps(old.state_dict())))
    assert sentence in new.jump()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (([COSINE], {"step": 10}), ([COSINE], {"step": 10})),
        (([COSINE], {}), ([COSINE], {})),  # the run has ended
        (([WSD], {"step": 5, "total": 100}), ([WSD], {"step": 5, "total": 200})),  # at its peak
        ((["schedule.warmup_steps=2"], {}), (["schedule.warmup_steps=2"], {"total": 40})),
        # the plateau fell after that update, which was logged then
        (([PLATEAU], {"ratio": 0.5}), ([PLATEAU], {"ratio": 0.5})),
    ],
)
def test_a_rate_that_is_the_planned_one_is_not(load, before, after):
    old, new = (make(load, overrides, **how) for overrides, how in (before, after))
    old._optimizers.set_lr(1.0)  # whatever it was
    new.load_state_dict(old.state_dict())
    assert new.jump() is None


def test_a_run_that_starts_has_nothing_to_compare_with(load):
    assert make(load, [COSINE]).jump() is None


def test_a_longer_run_says_what_its_rate_does(tmp_path, caplog):
    path = write_run(tmp_path, "schedule={kind: linear, warmup_steps: 5}")
    train(load_config(path, ["training.max_steps=6"], working_dir=tmp_path))
    assert "learning rate jumps" not in caplog.text
    train(load_config(path, working_dir=tmp_path))
    log = (tmp_path / "run/train.log").read_text()
    assert log.count("the learning rate jumps from 0.0025 at step 6 to 0.00375 at step 7") == 1
    caplog.clear()
    train(load_config(path, working_dir=tmp_path))
    assert "learning rate jumps" not in caplog.text
