"""Where a run ends, as config, budget and what a budget found before say together."""

import pytest

from mtcli.config.load import load_config
from mtcli.training.progress import Progress
from mtcli.training.run_length import find_total_steps, long_warmup
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


def test_a_warmup_that_is_over_in_time_is_no_matter(load):
    assert long_warmup(load(), 6) is None
    assert long_warmup(load(), None) is None
    assert "rises until step 5 (schedule.warmup_steps), and the run ends at step 5" in (
        long_warmup(load(), 5)
    )
