"""Every config that the project ships or shows is one that mtcli accepts, as it is."""

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

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


# ---------------------------------------------------------------------------------- in the pages

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = [
    (f"{page.relative_to(ROOT)}:{number}", block)
    for page in PAGES
    for number, block in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")))
]
REQUIRED = {
    "src_lang": "en",
    "tgt_lang": "de",
    "run_dir": "runs/shown",
    "data": {"train": [{"src": "my.en", "tgt": "my.de"}]},
}


def test_pages_show_configs():
    assert len(BLOCKS) >= 4


@pytest.mark.parametrize(("name", "block"), BLOCKS, ids=[name for name, _ in BLOCKS])
def test_a_shown_config_loads(name, block, tmp_path):
    """Where a page shows only some sections, those that every config needs are added."""
    path = tmp_path / "shown.yaml"
    yaml = YAML(typ="safe", pure=True)
    yaml.dump(REQUIRED | yaml.load(block), path)
    load_config(path, working_dir=ROOT)
