"""Configs, overrides and varied keys: what is compared, and under which name."""

from pathlib import Path

import pytest

from mtcli.bench.variants import make_variants
from mtcli.errors import ConfigError
from tests.support.small_run import write_run


def labels(*arguments, **options):
    options = {"nproc": 1, "threads": None} | options
    return [(v.label, v.nproc, v.threads) for v in make_variants(*arguments, **options)]


def test_every_config_meets_every_combination(tmp_path):
    one = write_run(tmp_path)
    two = tmp_path / "two.yaml"
    two.write_text(one.read_text())
    assert labels([one], [], []) == [("config", 1, None)]
    assert labels([one, two], [], ["nproc=1,2"], threads=3) == [
        ("config nproc=1", 1, 3),
        ("config nproc=2", 2, 3),
        ("two nproc=1", 1, 3),
        ("two nproc=2", 2, 3),
    ]
    varied = ["training.precision=fp32,bf16", "threads=1,2"]
    assert [label for label, _, _ in labels([one], [], varied)] == [
        "training.precision=fp32 threads=1",
        "training.precision=fp32 threads=2",
        "training.precision=bf16 threads=1",
        "training.precision=bf16 threads=2",
    ]


def test_varied_values_are_yaml(tmp_path):
    path = write_run(tmp_path)
    varied = ["optim.betas=[0.9,0.98],[0.8,0.9]", "training.ema_decay=null,0.9"]
    configs = [v.config for v in make_variants([path], [], varied, nproc=1, threads=None)]
    assert [(c.optim.betas, c.training.ema_decay) for c in configs] == [
        ((0.9, 0.98), None),
        ((0.9, 0.98), 0.9),
        ((0.8, 0.9), None),
        ((0.8, 0.9), 0.9),
    ]


def test_a_typo_in_a_varied_key(tmp_path):
    with pytest.raises(ConfigError, match=r"training\.precison"):
        make_variants(
            [Path(write_run(tmp_path))], [], ["training.precison=fp32"], nproc=1, threads=None
        )
