"""`--fresh`: what it refuses, and what it keeps."""

import re

import pytest

from mtcli.config.load import load_config
from mtcli.errors import ConfigError
from mtcli.runs.folder import RunFolder
from mtcli.runs.start_over import start_over
from tests.support.small_run import write_run


@pytest.fixture
def load(tmp_path):
    path = write_run(tmp_path)
    return lambda *overrides: load_config(path, overrides, working_dir=tmp_path)


def make_run(config):
    run = RunFolder(config.run_dir)
    (run.path / "data").mkdir(parents=True)
    for name in ("tokenizer.model", "data/train.en", "nproc.json"):
        (run.path / name).write_text("x")
    return run


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("tokenizer.model", "run/tokenizer.model"),
        ("data.train[0].src", "run/data/train.en"),
        ("data.valid[0].tgt", "run/data/train.en"),
    ],
)
def test_no_run_is_renamed_that_the_config_reads_from(load, tmp_path, key, path):
    config = load(f"{key}={path}")
    run = make_run(config)
    sentence = f"{key}: {tmp_path / path} is in the run folder that `--fresh` renames\nhint: copy"
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        start_over(run, config)
    assert (tmp_path / path).exists()


def test_an_earlier_run_gets_the_first_free_name_and_leaves_what_was_measured(load, tmp_path):
    config = load()
    (tmp_path / "run.1").mkdir()
    assert start_over(RunFolder(config.run_dir), config) is None
    run = make_run(config)
    assert start_over(run, config) == tmp_path / "run.2"
    assert [path.name for path in run.path.iterdir()] == ["nproc.json"]
    assert (tmp_path / "run.2/nproc.json").exists()
