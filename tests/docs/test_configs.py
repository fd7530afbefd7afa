"""Every config that the project ships is one that mtcli accepts, as it stands."""

from pathlib import Path

import pytest

from mtcli.config.load import load_config

ROOT = Path(__file__).parents[2]
CONFIGS = sorted([*ROOT.glob("configs/**/*.yaml"), *ROOT.glob("configs/**/*.yml")])


def test_there_are_configs():
    assert ROOT / "configs" / "demo.yaml" in CONFIGS


@pytest.mark.parametrize("path", CONFIGS, ids=[str(path.relative_to(ROOT)) for path in CONFIGS])
def test_a_shipped_config_loads(path):
    config = load_config(path, working_dir=ROOT)
    assert config.run_dir.is_relative_to(ROOT / "runs")


def test_each_shipped_config_has_a_run_folder_of_its_own():
    """Or one would take the other's run for its own."""
    folders = [load_config(path, working_dir=ROOT).run_dir for path in CONFIGS]
    assert len(set(folders)) == len(folders)
