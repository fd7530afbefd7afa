"""Models of the Hugging Face hub, which these tests replace: what is downloaded, what is told."""

import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest
from huggingface_hub import constants
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from mtcli.bundle.model_folder import read_model
from mtcli.errors import ConfigError
from mtcli.interchange.foreign import ForeignModelError, Languages
from mtcli.interchange.huggingface import hub
from mtcli.interchange.importing import import_model
from tests.support.foreign import write_foreign

ID = Path("Helsinki-NLP/opus-mt-en-de")
COMMIT = "a" * 40
OTHERS = [
    "pytorch_model.bin",
    "README.md",
    "rust_model.ot",
    "onnx/model.safetensors",
    "../config.json",
]


@pytest.fixture
def source(tmp_path):
    write_foreign(tmp_path / "original")
    (tmp_path / "original" / "tokenizer_config.json").unlink()  # the name says the languages
    return tmp_path / "original"


@pytest.fixture
def fake(monkeypatch, source):
    """A hub with one model; what was asked of it is in `asked`."""
    fake = SimpleNamespace(asked=[], error=None, why="", names=None, cached=None)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hub, "why_unreachable", lambda address: fake.why)

    class Api:
        def model_info(self, repo_id, revision=None):
            fake.asked.append((repo_id, revision))
            if fake.error is not None:
                raise fake.error
            names = fake.names or [*(path.name for path in source.iterdir()), *OTHERS]
            return SimpleNamespace(
                sha=COMMIT, siblings=[SimpleNamespace(rfilename=name) for name in names]
            )

    def snapshot_download(repo_id, *, revision, allow_patterns, local_files_only=False):
        if local_files_only:
            if fake.cached is None:
                raise LocalEntryNotFoundError("not there")
            return str(fake.cached)
        assert revision == COMMIT
        assert not set(allow_patterns) & set(OTHERS)
        folder = source.parent / "cache" / COMMIT
        folder.mkdir(parents=True)
        for name in allow_patterns:
            shutil.copy(source / name, folder / name)
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    return fake


@pytest.mark.parametrize("revision", [None, "refs/pr/4"])
def test_a_model_is_downloaded_and_its_commit_recorded(fake, tmp_path, revision):
    import_model(ID, tmp_path / "model", revision=revision)
    assert fake.asked == [(str(ID), revision)]
    card = read_model(tmp_path / "model").card
    assert (card.src_lang, card.tgt_lang) == ("en", "de")
    assert (card.imported.source, card.imported.revision) == (str(ID), COMMIT)
    assert card.imported.toolkit == "Hugging Face (MarianMTModel)"
    readme = (tmp_path / "model" / "README.md").read_text("utf-8")
    assert f"{ID} (Hugging Face (MarianMTModel)), revision {COMMIT}" in readme


def test_a_folder_is_recorded_by_its_name(source, tmp_path):
    import_model(source, tmp_path / "model", Languages("en", "de"))
    imported = read_model(tmp_path / "model").card.imported
    assert (imported.source, imported.revision) == ("original", None)


def test_a_model_in_the_cache_needs_no_network(fake, source, tmp_path):
    fake.why, fake.cached = "Network is unreachable", source.rename(source.parent / COMMIT)
    import_model(ID, tmp_path / "model")
    assert read_model(tmp_path / "model").card.imported.revision == COMMIT
    assert fake.asked == []


def problem(source, tmp_path, **options):
    with pytest.raises(ForeignModelError) as caught:
        import_model(source, tmp_path / "model", **options)
    assert not (tmp_path / "model").exists()
    return str(caught.value)


def http_error(kind):
    """An error of the hub, whose constructor differs from version to version."""
    error = kind.__new__(kind)
    error.args = ("404 Client Error.\n\nmore",)
    return error


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (
            RepositoryNotFoundError,
            f"`{ID}` is neither a folder nor a model of the Hugging Face hub",
        ),
        (GatedRepoError, f"`{ID}` of the Hugging Face hub is gated: you must ask for access first"),
        (RevisionNotFoundError, f"`{ID}` has no revision `v9`"),
        (HfHubHTTPError, f"cannot download `{ID}` from the Hugging Face hub: 404 Client Error."),
        (ConnectionError, f"cannot download `{ID}` from the Hugging Face hub: 404 Client Error."),
        (HfHubHTTPError.__mro__[1], f"cannot download `{ID}` from the Hugging Face hub: 404"),
    ],
)
def test_an_error_of_the_hub_is_one_sentence(fake, tmp_path, kind, told):
    fake.error = http_error(kind)
    assert problem(ID, tmp_path, revision="v9").startswith(told)


def test_a_hub_that_cannot_be_reached_is_one_sentence(fake, tmp_path, monkeypatch):
    fake.why = "Network is unreachable"
    assert problem(ID, tmp_path).startswith(
        f"`{ID}` is neither a folder nor in the cache, and the Hugging Face hub cannot be reached:"
        " Network is unreachable"
    )
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE is set" in problem(ID, tmp_path)


def test_a_pickle_is_refused_before_it_is_downloaded(fake, tmp_path):
    fake.names = ["config.json", "pytorch_model.bin", "source.spm"]
    told = problem(ID, tmp_path)
    assert told.startswith(
        f"`pytorch_model.bin` of `{ID}` cannot be imported: it is a pickle, which can run code"
    )
    fake.names = ["README.md"]
    assert problem(ID, tmp_path) == f"`{ID}` of the Hugging Face hub has no `model.safetensors`"
    assert not (tmp_path / "cache").exists()


def test_the_package_is_named_where_it_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ForeignModelError, match="need the package `huggingface_hub`") as caught:
        import_model(ID, tmp_path / "model")
    assert caught.value.hint == "run `pip install 'huggingface_hub>=1,<3'`"


@pytest.mark.parametrize("name", ["a/b/c", "/a/b", "../b", "a", "a b/c", ".a/b", "~/b"])
def test_other_paths_are_no_ids(fake, tmp_path, name):
    assert problem(Path(name), tmp_path) == f"{name} does not exist"


def test_a_folder_has_no_revision(source, tmp_path):
    with pytest.raises(ConfigError, match="`--revision` chooses a revision on the Hugging Face"):
        import_model(source, tmp_path / "model", revision="main")
