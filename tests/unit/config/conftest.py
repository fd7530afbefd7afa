"""A smallest config, and a way to load YAML text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mtcli.config.load import load_config
from mtcli.config.schema.root import TrainConfig
from mtcli.errors import ConfigError

SMALLEST = """\
src_lang: de
tgt_lang: en
run_dir: runs/a
data:
  train:
    - src: train.de
      tgt: train.en
"""


@pytest.fixture
def smallest() -> str:
    return SMALLEST


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., TrainConfig]:
    """Load YAML text as `tmp_path/c.yaml`, relative to `tmp_path`."""

    def load_text(text: str, *overrides: str) -> TrainConfig:
        path = tmp_path / "c.yaml"
        path.write_bytes(text.encode("utf-8"))
        return load_config(path, overrides, working_dir=tmp_path)

    return load_text


@pytest.fixture
def problems(load: Callable[..., TrainConfig], tmp_path: Path) -> Callable[..., list[str]]:
    """The problem lines of a config that does not load, their runs of spaces squeezed."""

    def problems_of(text: str, *overrides: str) -> list[str]:
        with pytest.raises(ConfigError) as error:
            load(text, *overrides)
        first, *rest = str(error.value).split("\n")
        assert first == f"{len(rest)} problem{'s' * (len(rest) != 1)} in {tmp_path / 'c.yaml'}"
        assert all(line.startswith("  ") for line in rest)
        return [" ".join(line.split()) for line in rest]

    return problems_of
