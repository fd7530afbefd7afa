"""The distribution: its name, its page on an index, its bounds, and what errors tell to install."""

import json
import re
import tomllib
from pathlib import Path

import pytest

import mtcli
from mtcli.engines.ctranslate2 import package
from mtcli.evaluation.behaviour import language
from mtcli.runs.environment import write_environment
from mtcli.runs.folder import RunFolder
from mtcli.system import packings
from mtcli.translating import sentences

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PAGE = (ROOT / PROJECT["project"]["readme"]).read_text("utf-8")


def test_the_distribution_is_not_the_other_mtcli():
    """On the index `mtcli` is another project; the command and the package keep that name."""
    assert PROJECT["project"]["name"] == "mtcli-nmt"
    assert list(PROJECT["project"]["scripts"]) == ["mtcli"]
    assert "pip install mtcli-nmt" in PAGE


def test_nothing_says_to_install_a_strangers_program():
    texts = [ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("mtcli/**/*.py")]
    wrong = [
        path
        for path in texts
        if path.name != "plain-english.md"  # quotes messages of old
        and re.search(
            r"mtcli\[|pip install '?mtcli(?!-nmt)", " ".join(path.read_text("utf-8").split())
        )
    ]
    assert wrong == []


def test_the_page_renders_outside_of_the_repository():
    assert re.findall(r"\]\((?!https://)[^)]*\)|<img|!\[", PAGE) == []


def test_every_dependency_has_bounds():
    """`regex` counts years; the others break with a new major version, or a minor one."""
    extras = PROJECT["project"]["optional-dependencies"]
    named = [
        *PROJECT["project"]["dependencies"],
        *extras["fast"],
        *extras["split"],
        *extras["zstd"],
        *extras["langid"],
    ]
    without = [line for line in named if "<" not in line and not line.startswith("regex")]
    assert without == []


@pytest.mark.parametrize(
    ("extra", "module"),
    [("fast", package), ("split", sentences), ("zstd", packings), ("langid", language)],
)
def test_hints_name_the_library_as_the_extra_does(extra, module):
    (requirement,) = PROJECT["project"]["optional-dependencies"][extra]
    assert f"pip install '{requirement}'" in Path(module.__file__).read_text("utf-8")


def test_it_is_typed_also_when_installed_for_editing():
    """With one package folder, an editable install is a path, which type checkers read."""
    assert "Typing :: Typed" in PROJECT["project"]["classifiers"]
    assert "py.typed" in PROJECT["tool"]["setuptools"]["package-data"]["mtcli"]
    assert (ROOT / "mtcli/py.typed").exists()
    assert PROJECT["tool"]["setuptools"]["package-dir"] == {"": "."}


def test_the_image_runs_as_nobody():
    lines = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
    assert "USER 65534:65534" in lines
    extras = re.search(r"/src\[(.*)\]", "\n".join(lines))[1].split(",")
    assert set(extras) <= PROJECT["project"]["optional-dependencies"].keys()


def test_the_version_is_known_whatever_the_distribution_is_called(tmp_path):
    """A wheel has no metadata under the name `mtcli`, and perhaps a stranger's under it."""
    assert mtcli.__version__ == PROJECT["project"]["version"]
    write_environment(RunFolder(tmp_path), {})
    found = json.loads((tmp_path / "environment.json").read_text("utf-8"))
    assert found["mtcli"] == mtcli.__version__
    for path in ROOT.glob("mtcli/**/*.py"):
        assert not re.search(r"(?<!\w)version\(.mtcli", path.read_text("utf-8")), path


def test_data_files_are_packed():
    """What `importlib.resources` reads must be in the wheel."""
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["mtcli"]
    packed = {path for pattern in patterns for path in (ROOT / "mtcli").glob(pattern)}
    there = {
        path
        for path in (ROOT / "mtcli").rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"}
    }
    assert there - packed == set()
