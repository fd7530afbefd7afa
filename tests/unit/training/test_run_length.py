"""Where a run ends, as config, budget and what a budget found before say together."""

from pathlib import Path

import pytest

from mtcli.config.load import load_config
from mtcli.config.preset import PRESETS
from mtcli.errors import ConfigError
from mtcli.training.progress import Progress
from mtcli.training.run_length import (
    check_warmup,
    check_warmup_in_budget,
    find_total_steps,
    fitting_warmup,
    long_warmup,
)
from tests.support.small_run import write_run


@pytest.fixture
def load(tmp_path):
    path = write_run(tmp_path)
    return lambda *overrides: load_config(path, overrides, working_dir=tmp_path)


@pytest.mark.parametrize(
    ("progress", "limit", "budget_s", "total"),
    [
        (Progress(), 1000, None, 1000),
        (Progress(), None, 60.0, None),
        (Progress(), 1000, 60.0, None),  # to be measured
        (Progress(), 100, 60.0, 100),  # it comes before enough is measured
        (Progress(step=950), 1000, 60.0, 1000),
        (Progress(step=500, total_steps=700, budget_steps=700), 1000, None, 700),
        (Progress(step=500, total_steps=600, budget_steps=700), 650, 60.0, 650),
        # a limit that was the end is none any more
        (Progress(step=1000, total_steps=1000), 2000, None, 2000),
        (Progress(step=500, total_steps=1000), 1000, 60.0, None),
    ],
)
def test_with_a_budget(load, progress, limit, budget_s, total):
    config = load("schedule={kind: wsd, fit: budget}")
    assert find_total_steps(config, progress, limit, budget_s) == total


def test_without_fit_the_config_alone_says_it(load):
    before = Progress(step=500, total_steps=700, budget_steps=700)
    assert find_total_steps(load(), before, 1000, 60.0) == 1000
    assert find_total_steps(load(), before, None, None) is None


@pytest.mark.parametrize(
    ("options", "total_steps", "budget_s"),
    [
        ([], None, None),  # nobody knows where it ends
        ([], 6, None),
        ([], 5, None),  # a few steps show that all works, and no more
        (["schedule.warmup_steps=2000", "schedule.max_warmup_ratio=0.1"], 1000, 60.0),  # will fit
    ],
)
def test_a_warmup_that_ends_in_time_is_no_error(load, options, total_steps, budget_s):
    check_warmup(load(*options), total_steps, budget_s)


@pytest.mark.parametrize("options", [[], ["schedule.max_warmup_ratio=0.1"]])
@pytest.mark.parametrize("total_steps", [6, 100, 2000])
def test_a_run_that_ends_before_its_warmup_is_refused(load, options, total_steps):
    config = load("schedule.warmup_steps=2000", *options)
    with pytest.raises(ConfigError) as caught:
        check_warmup(config, total_steps, None)
    assert caught.value.sentence == (
        "the learning rate rises until step 2000 (`schedule.warmup_steps`), but the run ends at"
        f" step {total_steps}, before that"
    )
    assert caught.value.hint == (
        f"set `schedule.warmup_steps` to {max(1, total_steps // 10)}, a tenth of the run, or train"
        " longer"
    )


def test_a_budget_that_ends_before_the_warmup_is_refused(load):
    with pytest.raises(ConfigError) as caught:
        check_warmup_in_budget(load("schedule.warmup_steps=2000"), 550)
    assert caught.value.sentence == (
        "the learning rate rises until step 2000 (`schedule.warmup_steps`), but the time budget"
        " allows about 550 steps"
    )
    assert caught.value.hint == (
        "set `schedule.warmup_steps` to 55, a tenth of that, or give a longer `--budget`"
    )


def test_a_warmup_over_a_fifth_of_the_run_is_worth_a_warning(load):
    assert long_warmup(load(), None) is None
    assert long_warmup(load(), 25) is None
    assert long_warmup(load(), 20) == (
        "the learning rate rises until step 5 of 20 (schedule.warmup_steps), 25% of the run; a"
        " tenth is enough"
    )


@pytest.mark.parametrize(
    ("options", "fitting"),
    [
        ([], None),
        (["schedule.max_warmup_ratio=0.1"], None),  # 5 of 100
        (["schedule.max_warmup_ratio=0.1", "schedule.warmup_steps=2000"], 10),
        (["schedule.warmup_steps=2000"], None),  # the user's own figure
    ],
)
def test_a_warmup_is_shortened_where_the_schedule_allows_it(load, options, fitting):
    assert fitting_warmup(load(*options), 100) == fitting


@pytest.mark.parametrize("name", [*PRESETS, "auto"])
def test_no_preset_of_ours_warms_up_for_more_than_a_tenth(load, name):
    """Published recipes keep their figures, and `--budget` shortens them."""
    options = ["schedule=null", "training=null", "optim=null"]
    config = load(f"preset={name}", *options)
    schedule, steps = config.schedule, config.training.max_steps
    assert schedule.max_warmup_ratio == 0.1
    if name in ("auto", "small", "verses"):
        assert schedule.warmup_steps <= steps / 10


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[3] / "configs").glob("*.yaml")))
def test_no_config_of_ours_warms_up_for_more_than_a_tenth(path):
    config = load_config(path)
    # an epoch of the demo corpus has 108 updates
    steps = config.training.max_steps or 108 * (config.training.max_epochs or 0)
    assert not steps or config.schedule.warmup_steps <= steps / 10
