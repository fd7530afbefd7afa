"""The names that `mtcli` exports, which are its public API."""

import subprocess
import sys
from pathlib import Path

import pytest

import mtcli
from mtcli import DataError, MtcliError, evaluate, export

EXPORTED = [
    "CheckFailedError",
    "CheckpointError",
    "ConfigError",
    "DataError",
    "DeviceError",
    "DivergedError",
    "ExitCode",
    "ModelFolderError",
    "MtcliError",
    "PairScorer",
    "RunFolderError",
    "Score",
    "TokenizerError",
    "Translation",
    "Translator",
    "__version__",
    "evaluate",
    "export",
    "load_config",
    "train",
    "verify_model",
]


def test_exported_names_are_these():
    """Removing or renaming one breaks users: say so in CHANGELOG.md."""
    assert sorted(mtcli.__all__) == EXPORTED


@pytest.mark.parametrize("name", EXPORTED)
def test_an_exported_name_is_there_and_documented(name):
    exported = getattr(mtcli, name)
    assert name == "__version__" or exported.__doc__
    assert name in dir(mtcli)


def test_dir_shows_the_api_and_nothing_else():
    assert dir(mtcli) == EXPORTED


def test_every_error_of_the_package_is_exported():
    from mtcli import errors

    kinds = {
        name for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, MtcliError)
    }  # fmt: skip
    assert kinds <= set(mtcli.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'mtcli' has no attribute 'tranlate'"):
        mtcli.tranlate  # noqa: B018


def test_importing_mtcli_imports_none_of_its_rooms():
    code = (
        "import sys, mtcli; dir(mtcli); "
        "print(*(n for n in sys.modules if n.startswith('mtcli.') or n == 'torch'))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert loaded.stdout.split() == []


def test_evaluate_scores_bleu_and_chrf():
    scores = evaluate(["Ein Hund rennt ."], ["Ein Hund rennt ."], tgt_lang="de")
    assert [(score.metric, round(score.score, 2)) for score in scores] == [
        ("BLEU", 100.0),
        ("chrF", 100.0),
    ]
    assert "tok:13a" in scores[0].signature


@pytest.mark.parametrize(("hypotheses", "references"), [([], []), (["a"], ["a", "b"])])
def test_evaluate_refuses_sides_that_do_not_match(hypotheses, references):
    with pytest.raises(DataError) as caught:
        evaluate(hypotheses, references, tgt_lang="de")
    assert str(caught.value) == (
        "`references` must have as many lines as `hypotheses`, and at least one:"
        f" found {len(references)} and {len(hypotheses)}\n"
        "hint: give one reference for each hypothesis"
    )


def test_export_refuses_references_without_sources():
    with pytest.raises(DataError) as caught:
        export(Path("nowhere"), references=["Ein Hund."])
    assert str(caught.value) == (
        "`references` must have as many lines as `sources`: found 1 and 0\n"
        "hint: give one reference for each source"
    )
